"""`guard_init` in whole projects: its patch applies with git, and closes them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.projects import git, written

HERE = Path(__file__).resolve().parent.parent
SETTINGS = """
SECRET_KEY = "not a secret"
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework",
    "oauth2_provider",
    "api_guard",
    "notes",
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}
DEBUG = True
ALLOWED_HOSTS = ["testserver"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["notes.keys.KeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PAGINATION_CLASS": None,
}
API_GUARD = {"PREFIXES": ["/api/"]}
"""
KEYS = """
from django.contrib.auth import get_user_model
from rest_framework.authentication import BaseAuthentication


class KeyAuthentication(BaseAuthentication):
    def authenticate(self, request):
        name = request.headers.get("X-Key")
        return (get_user_model().objects.get(username=name), name) if name else None

    def authenticate_header(self, request):
        return "Key"
"""
MODELS = """
from django.conf import settings
from django.db import models


class Note(models.Model):
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    text = models.TextField()
"""
VIEWS = '''\
"""Views."""
from __future__ import annotations

from rest_framework import viewsets
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import AllowAny, IsAdminUser, IsAuthenticatedOrReadOnly
from rest_framework.response import Response
from rest_framework.serializers import ModelSerializer
from rest_framework.views import APIView

from .models import Note


class NoteSerializer(ModelSerializer):
    class Meta:
        model = Note
        fields = ["id", "text"]


class Notes(viewsets.ModelViewSet):
    serializer_class = NoteSerializer

    def get_queryset(self):
        return Note.objects.filter(author=self.request.user).order_by("id")


class All(viewsets.ModelViewSet):
    queryset = Note.objects.order_by("id")
    serializer_class = NoteSerializer
    permission_classes = [IsAdminUser]


class Shown(APIView):
    permission_classes = [IsAuthenticatedOrReadOnly]

    def get(self, request):
        return Response("shown")

    def post(self, request):
        return Response("taken")


@api_view(["GET"])
@permission_classes([AllowAny])
def ping(request):
    return Response("pong")


def plain(request):
    return Response("plain")


late = api_view(["GET"])(plain)


def made():
    class Made(APIView):
        def get(self, request):
            return Response("made")

    return Made


Made = made()
'''
PLAIN = """\
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, JsonResponse
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET

if True:
    # A branch.
    @ require_GET   # and spaces

    # A comment.
    @login_required(
        login_url="/login/",
    )
    def export(
        request,
    ):
        return HttpResponse("id,text")


class Numbers(View):
    async def get(self, request):
        return JsonResponse({"name": request.user.username})


@csrf_exempt
def hook(request): return HttpResponse("hooked")


def page(request):
    return HttpResponse("a page")
"""
URLS = """
from django.urls import include, path
from rest_framework.routers import DefaultRouter

from notes import plain, views

router = DefaultRouter()
router.register("notes", views.Notes, basename="note")
router.register("all", views.All, basename="all")
urlpatterns = [
    path("api/", include(router.urls)),
    path("api/ping/", views.ping),
    path("api/shown/", views.Shown.as_view()),
    path("api/late/", views.late),
    path("api/made/", views.Made.as_view()),
    path("api/export/", plain.export),
    path("api/numbers/", plain.Numbers.as_view()),
    path("api/hook/", plain.hook),
    path("page/", plain.page),
]
"""
FILES = {
    "shop/__init__.py": "",
    "shop/settings.py": SETTINGS,
    "shop/urls.py": URLS,
    "notes/__init__.py": "",
    "notes/keys.py": KEYS,
    "notes/models.py": MODELS,
    "notes/plain.py": PLAIN,
    "notes/views.py": VIEWS,
}


def manage(folder, *command, check=True):
    found = subprocess.run(
        [sys.executable, "-m", "django", *command],
        cwd=folder,
        check=False,
        capture_output=True,
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith(("DJANGO", "COV"))},
            "PYTHONPATH": os.pathsep.join([str(folder), str(HERE)]),
            "DJANGO_SETTINGS_MODULE": "shop.settings",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
    )
    assert not check or found.returncode == 0, found.stderr.decode()
    return found


def applied(folder):
    found = manage(folder, "guard_init")
    git(folder, "apply", "--whitespace=nowarn", input=found.stdout)
    return found.stdout.decode(), found.stderr.decode()


def test_the_patch_applies_and_closes_the_project(tmp_path):
    folder = written(tmp_path, FILES)
    patch, said = applied(folder)
    views = (folder / "notes/views.py").read_text()
    assert '\n@guard(read="notes:read", write="notes:write", owner="author")\nclass Notes' in views
    assert (
        '\n@guard(read=STAFF, write=STAFF)  # whose rows? owner="author", or objects=ANY_OBJECT\n'
        "class All" in views
    )
    assert '\n@guard(read=PUBLIC, write="notes:write")\nclass Shown' in views
    assert '\n@guard(read=PUBLIC)\n@api_view(["GET"])\n@permission_classes' in views
    assert "from .models import Note\nfrom api_guard import PUBLIC, STAFF, guard\n" in views
    plain = (folder / "notes/plain.py").read_text()
    assert '    # A branch.\n    @guard(read="notes:read")\n    @ require_GET' in plain
    assert '\n@guard(read="notes:read")\nclass Numbers' in plain
    assert '\n@guard(read="notes:read", write="notes:write")  # PUBLIC, if it' in plain
    assert plain.count("@guard") == 3
    assert "7 views get a guard" in said
    assert "notes.views.plain, at /api/late/: it becomes a view by a call" in said
    assert "notes.views.made.<locals>.Made, at /api/made/: it is not defined at the top" in said
    assert '"rest_framework.routers.APIRootView": "",  # write the reason' in patch
    assert '"notes.keys.KeyAuthentication",' in patch
    assert "yours may do less than its user, take its class out: see api_guard.E006." in patch
    assert '+    **API_GUARD,\n+    "OAUTH2": False' in patch
    # What is left are choices: a reason, whose rows, and the two views that no line can guard.
    found = manage(folder, "check", check=False).stderr.decode()
    messages = [line for line in found.splitlines() if line.startswith("?: ")]
    assert sorted(each[3:21] for each in messages) == [
        "(api_guard.E001) A",
        "(api_guard.E002) 2",
        "(api_guard.W018) n",
    ]
    again = manage(folder, "guard_init")
    assert again.stdout == b""
    assert "2 left alone" in again.stderr.decode()


def test_a_project_that_answered_the_questions_has_no_message_and_is_closed(tmp_path):
    folder = written(tmp_path, FILES)
    applied(folder)
    views, settings = folder / "notes/views.py", folder / "shop/settings.py"
    views.write_text(
        views.read_text()
        .replace("write=STAFF)  #", "write=STAFF, objects=ANY_OBJECT)  #")
        .replace("import PUBLIC", "import ANY_OBJECT, PUBLIC")
        .replace("late = api_view", 'late = guard(read="notes:read")(api_view')
        .replace('(["GET"])(plain)', '(["GET"])(plain))')
        .replace("Made = made()", 'Made = guard(read="notes:read")(made())')
    )
    settings.write_text(settings.read_text().replace('"",  # write', '"a list of links",  # wrote'))
    found = manage(folder, "check", "--fail-level", "WARNING", check=False)
    assert found.returncode == 0, found.stderr.decode()
    (folder / "ask.py").write_text(
        "import django; django.setup()\n"
        "from django.core.management import call_command\n"
        "from django.contrib.auth.models import User\n"
        "from django.test import Client\n"
        "from api_guard import grants\n"
        "call_command('makemigrations', 'notes', verbosity=0)\n"
        "call_command('migrate', verbosity=0)\n"
        "bob = User.objects.create(username='bob')\n"
        "ask = Client(headers={'X-Key': 'bob'})\n"
        "def statuses():\n"
        "    return [ask.get(f'/api/{name}/').status_code\n"
        "            for name in ('notes', 'all', 'ping', 'shown', 'late', 'made',\n"
        "                         'export', 'numbers', 'hook')]\n"
        "print(statuses(), *[Client().get(f'/{path}/').status_code\n"
        "                    for path in ('api/notes', 'api/export', 'page')])\n"
        "grants.grant('notes:read', bob, by=grants.System('a test'))\n"
        "print(statuses(), ask.post('/api/shown/').status_code)\n"
    )
    asked = subprocess.run(
        [sys.executable, "ask.py"],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "PYTHONPATH": str(HERE),
            "DJANGO_SETTINGS_MODULE": "shop.settings",
        },
    )
    assert asked.returncode == 0, asked.stderr
    assert asked.stdout.splitlines() == [
        "[403, 403, 200, 200, 403, 403, 403, 403, 403] 401 401 200",
        "[200, 403, 200, 200, 200, 200, 200, 200, 200] 403",
    ]


ODD = {
    "CRLF": lambda text: text.replace("\n", "\r\n").encode(),
    "a byte order mark": lambda text: text.encode("utf-8-sig"),
    "no end of the last line": lambda text: text.rstrip("\n").encode(),
    "another encoding": lambda text: f"# coding: latin-1\n# é\n{text}".encode("latin-1"),
    "names that are taken": lambda text: f"{text}\nguard = PUBLIC = STAFF = 1\n".encode(),
    "tabs": lambda text: text.replace("    ", "\t").encode(),
}


@pytest.mark.parametrize("name", ODD)
def test_files_of_every_form_are_patched(tmp_path, name):
    form = ODD[name]
    odd = {
        each: form(FILES[each]) for each in ("notes/plain.py", "notes/views.py", "shop/settings.py")
    }
    folder = written(tmp_path / "a project é", {**FILES, **odd})
    _, said = applied(folder)
    assert "7 views get a guard" in said
    for each, before in odd.items():
        after = (folder / each).read_bytes()
        assert (b"\r\n" in after) == (b"\r\n" in before)
        assert after.count(b"\r") == (after.count(b"\n") if b"\r" in before else 0)
        assert after.endswith(b"\n") == before.endswith(b"\n")
        assert after.startswith(b"\xef\xbb\xbf") == before.startswith(b"\xef\xbb\xbf")
    found = manage(folder, "check", check=False).stderr.decode()
    assert "2 views in notes.views have no guard: plain at /api/late/, made.<locals>" in found
    assert found.count("ERRORS") == 1
    assert "SyntaxError" not in found
