"""The small project with clients of the page "An existing project", and what its clients ask."""

from __future__ import annotations

import shutil

from tests.projects import git, written

SETTINGS = """\
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = "not a secret"
DEBUG = True
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "config.urls"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "rest_framework",
    "rest_framework.authtoken",
    "notes",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": BASE_DIR / "db.sqlite3",
        "OPTIONS": {"init_command": "PRAGMA synchronous = OFF"},
        "TEST": {"MIGRATE": False},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.SessionAuthentication",
        "rest_framework.authentication.TokenAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}
"""
MODELS = """\
from django.conf import settings
from django.db import models


class Note(models.Model):
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    text = models.CharField(max_length=100)


class Tag(models.Model):
    name = models.CharField(max_length=100)
"""
VIEWS = """\
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import AllowAny, DjangoModelPermissions, IsAdminUser
from rest_framework.response import Response
from rest_framework.serializers import ModelSerializer
from rest_framework.views import APIView
from rest_framework.viewsets import ModelViewSet

from notes.models import Note, Tag


class NoteSerializer(ModelSerializer):
    class Meta:
        model = Note
        fields = ["id", "text"]


class TagSerializer(ModelSerializer):
    class Meta:
        model = Tag
        fields = ["id", "name"]


class NoteViewSet(ModelViewSet):
    serializer_class = NoteSerializer

    def get_queryset(self):
        return Note.objects.filter(author=self.request.user).order_by("pk")

    def perform_create(self, serializer):
        serializer.save(author=self.request.user)


class TagViewSet(ModelViewSet):
    queryset = Tag.objects.order_by("pk")
    serializer_class = TagSerializer
    permission_classes = [DjangoModelPermissions]


class Count(APIView):
    permission_classes = [IsAdminUser]

    def get(self, request):
        return Response({"notes": Note.objects.count()})


@api_view(["GET"])
@permission_classes([AllowAny])
def ping(request):
    return Response("pong")
"""
URLS = """\
from django.urls import include, path
from rest_framework.authtoken.views import obtain_auth_token
from rest_framework.routers import DefaultRouter

from notes import views

router = DefaultRouter()
router.register("notes", views.NoteViewSet, basename="note")
router.register("tags", views.TagViewSet)

urlpatterns = [
    path("api/", include(router.urls)),
    path("api/count/", views.Count.as_view()),
    path("api/ping/", views.ping),
    path("api/token/", obtain_auth_token),
]
"""
TESTS = """\
from django.contrib.auth.models import User
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient, APITestCase

from notes.models import Note, Tag


class APITests(APITestCase):
    def setUp(self):
        self.alice, self.dave = (User.objects.create(username=name) for name in ("alice", "dave"))

    def caller(self, user):
        client = APIClient()
        key = Token.objects.get_or_create(user=user)[0].key
        client.credentials(HTTP_AUTHORIZATION=f"Token {key}")
        return client


class NoteTests(APITests):
    def test_an_author_writes_and_reads(self):
        alice = self.caller(self.alice)
        self.assertEqual(alice.post("/api/notes/", {"text": "Tea"}).status_code, 201)
        self.assertEqual([note["text"] for note in alice.get("/api/notes/").json()], ["Tea"])

    def test_nobody_else_finds_a_note(self):
        note = Note.objects.create(author=self.alice, text="Tea")
        dave = self.caller(self.dave)
        self.assertEqual(dave.get(f"/api/notes/{note.pk}/").status_code, 404)
        self.assertEqual(dave.get("/api/notes/").json(), [])


class TagTests(APITests):
    def test_everybody_reads_them_and_few_add_one(self):
        Tag.objects.create(name="blue")
        dave = self.caller(self.dave)
        self.assertEqual(len(dave.get("/api/tags/").json()), 1)
        self.assertEqual(dave.post("/api/tags/", {"name": "red"}).status_code, 403)
"""
BEGIN = """\
import django

django.setup()
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from rest_framework.authtoken.models import Token

call_command("makemigrations", "notes", verbosity=0)
call_command("migrate", verbosity=0)

from notes.models import Note, Tag

editors = Group.objects.create(name="editors")
for name in ("alice", "bob", "exporter", "dave", "root"):
    user = User.objects.create(username=name, is_staff=name == "root")
    Token.objects.create(user=user, key=name)
    if name in ("alice", "bob"):
        user.groups.add(editors)
        Note.objects.create(author=user, text="Tea at six")
Tag.objects.create(name="blue")
"""
MANAGE = """\
import os

from django.core.management import execute_from_command_line

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
execute_from_command_line()
"""
FILES = {
    ".gitignore": "*.sqlite3\n*.log\n*.pyc\n*.patch\n",
    "manage.py": MANAGE,
    "begin.py": BEGIN,
    "config/__init__.py": "",
    "config/settings.py": SETTINGS,
    "config/urls.py": URLS,
    "notes/__init__.py": "",
    "notes/models.py": MODELS,
    "notes/views.py": VIEWS,
    "notes/tests.py": TESTS,
}
# Who asks what: the name is the token too.
CALLS = [
    ("alice", "GET", "/api/notes/", None),
    ("alice", "POST", "/api/notes/", {"text": "Croquet"}),
    ("alice", "GET", "/api/tags/", None),
    ("alice", "GET", "/api/notes/2/", None),
    ("alice", "GET", "/api/count/", None),
    ("bob", "GET", "/api/notes/", None),
    ("bob", "POST", "/api/notes/", {"text": "Jam"}),
    ("bob", "PUT", "/api/notes/2/", '{"text": "Jam", "text": "Butter"}'),
    ("exporter", "GET", "/api/tags/", None),
    ("exporter", "DELETE", "/api/count/", None),
    ("dave", "POST", "/api/tags/", {"name": "red"}),
    ("root", "GET", "/api/count/", None),
    ("", "GET", "/api/notes/", None),
    ("", "GET", "/api/ping/", None),
    ("", "POST", "/api/token/", {"username": "alice", "password": "wrong"}),
]


def existing_project(folder, terminal):
    """Write the project, with its users and rows, and one commit."""
    written(folder, FILES)
    said = terminal.type("DJANGO_SETTINGS_MODULE=config.settings python begin.py")
    assert said.strip() == "", said
    git(folder, "add", ".")
    author = ("-c", "user.name=A", "-c", "user.email=a@example.com")
    git(folder, *author, "commit", "-qm", "the project")


def asked_by_clients(walk):
    """Return the answers to all calls. The rows are afterwards as they were."""
    database = walk.folder / "db.sqlite3"
    kept = shutil.copy(database, walk.folder / "kept.sqlite3")
    answers = {call[:3]: walk.ask(*call) for call in CALLS}
    shutil.copy(kept, database)
    return answers
