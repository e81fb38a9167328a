"""A project with knox, API keys, allauth and guardian: what their callers hold, printed as JSON.

It runs in a process of its own, because these packages bring tables, URLs and a middleware.
"""

from __future__ import annotations

import json
import re
import sys
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import django
from django.conf import settings

DOCS = Path(__file__).parent.parent / "docs"
PAGES = "".join((DOCS / name).read_text() for name in ("profiles.md", "coming_from.md"))
BLOCK = r"```\{code-block\} python\n:caption: {}\n(.*?)```"
SCOPES = {"notes:read": "Read notes", "notes:write": "Write notes"}


def block(caption):
    return re.search(BLOCK.replace("{}", re.escape(caption), 1), PAGES, re.DOTALL)[1]


def setting(package):
    written = {}
    exec(block(f"settings.py, {package}"), written)
    return written["API_GUARD"]["UNSCOPED_AUTHENTICATION"]


def configure():
    settings.configure(
        SECRET_KEY="only for these tests, and long enough for every check of Django's",
        ALLOWED_HOSTS=["testserver"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "rest_framework",
            "oauth2_provider",
            "guardian",
            "knox",
            "rest_framework_api_key",
            "allauth",
            "allauth.account",
            "allauth.headless",
            "api_guard",
        ],
        MIDDLEWARE=[
            "api_guard.middleware.GuardMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "allauth.account.middleware.AccountMiddleware",
        ],
        AUTHENTICATION_BACKENDS=[
            "django.contrib.auth.backends.ModelBackend",
            "allauth.account.auth_backends.AuthenticationBackend",
            "guardian.backends.ObjectPermissionBackend",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
            }
        ],
        ROOT_URLCONF="shop.urls",
        ANONYMOUS_USER_NAME=None,
        HEADLESS_ONLY=True,
        HEADLESS_CLIENTS=["app"],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
        REST_FRAMEWORK={
            "DEFAULT_PERMISSION_CLASSES": ["api_guard.permissions.Guarded"],
            "DEFAULT_AUTHENTICATION_CLASSES": [
                "rest_framework.authentication.SessionAuthentication",
            ],
        },
        API_GUARD={
            "SCOPES": SCOPES,
            "OAUTH2": False,
            "UNSCOPED_AUTHENTICATION": [*setting("knox"), *setting("allauth")],
        },
    )
    django.setup()


def make(name, **contents):
    module = ModuleType(name)
    vars(module).update(contents)
    sys.modules[name] = module
    return module


def routes():
    """Return `shop.urls`: a view for each authenticator, which shows the scopes of its caller."""
    from django.contrib.auth.models import Group
    from django.urls import include, path
    from knox.auth import TokenAuthentication
    from rest_framework.generics import RetrieveAPIView
    from rest_framework.response import Response
    from rest_framework.serializers import ModelSerializer
    from rest_framework.views import APIView

    from api_guard import guard
    from api_guard.access.callers import caller_of

    authentication = make("shop.authentication")
    for caption in ("authentication.py, API keys", "authentication.py, allauth"):
        exec(block(caption), vars(authentication))
    for name in ("APIKeyAuthentication", "SessionToken"):
        getattr(authentication, name).__module__ = authentication.__name__

    class Show(APIView):
        def get(self, request):
            return Response(sorted(caller_of(request).scopes))

    def routed(name, cls):
        view = type(name.title(), (Show,), {"authentication_classes": [cls]})
        return path(f"{name}/", guard(read="notes:read")(view).as_view())

    class GroupSerializer(ModelSerializer):
        class Meta:
            model = Group
            fields = ["name"]

    class ShowGroup(RetrieveAPIView):
        authentication_classes = [TokenAuthentication]
        queryset = Group.objects.all()
        serializer_class = GroupSerializer

    # Groups are what every project has rows of.
    shared = {}
    exec(block("guardian").replace("notes.view_note", "auth.view_group"), shared)
    return make(
        "shop.urls",
        urlpatterns=[
            path("groups/<int:pk>/", shared["shared_notes"](ShowGroup).as_view()),
            routed("knox", TokenAuthentication),
            routed("key", authentication.APIKeyAuthentication),
            routed("allauth", authentication.SessionToken),
            path("_allauth/", include("allauth.headless.urls")),
        ],
    )


def told():
    """Yield what each credential gets, before and after the grant is revoked."""
    from django.contrib.auth import get_user_model
    from django.contrib.auth.models import Group
    from django.test import Client
    from django.utils import timezone
    from guardian.shortcuts import assign_perm
    from knox.models import AuthToken
    from oauth2_provider.models import get_application_model
    from rest_framework_api_key.models import APIKey

    from api_guard import grants
    from api_guard.checks import check_authentication, check_without_oauth2

    yield "checks", [m.msg for m in (*check_authentication(), *check_without_oauth2())]
    by = grants.System("a test")
    alice = get_user_model().objects.create_user("alice", "a@example.com", "wonderland")
    importer = get_application_model().objects.create(
        client_id="importer",
        client_type="confidential",
        authorization_grant_type="client-credentials",
    )
    for grantee in (alice, importer):
        grants.grant("notes:read", grantee, by=by)
    _, token = AuthToken.objects.create(alice)
    _, key = APIKey.objects.create_key(name="importer")
    _, unknown = APIKey.objects.create_key(name="nobody")
    revoked_key, revoked = APIKey.objects.create_key(name="importer")
    revoked_key.revoked = True
    revoked_key.save()
    past = timezone.now() - timedelta(days=1)
    _, expired = APIKey.objects.create_key(name="importer", expiry_date=past)
    web = Client()
    session = web.post(
        "/_allauth/app/v1/auth/login",
        {"username": "alice", "password": "wonderland"},
        "application/json",
    ).json()["meta"]["session_token"]
    credentials = {
        "knox": ("/knox/", {"Authorization": f"Token {token}"}),
        "bad knox": ("/knox/", {"Authorization": "Token bad"}),
        "key": ("/key/", {"Authorization": f"Api-Key {key}"}),
        "key without a client": ("/key/", {"Authorization": f"Api-Key {unknown}"}),
        "expired key": ("/key/", {"Authorization": f"Api-Key {expired}"}),
        "revoked key": ("/key/", {"Authorization": f"Api-Key {revoked}"}),
        "bad key": ("/key/", {"Authorization": "Api-Key bad"}),
        "allauth": ("/allauth/", {"X-Session-Token": session}),
        "bad allauth": ("/allauth/", {"X-Session-Token": "bad"}),
    }
    for name, (path, headers) in credentials.items():
        yield name, answer(web, path, headers)
    writers, readers = (Group.objects.create(name=name) for name in ("writers", "readers"))
    assign_perm("auth.view_group", alice, writers)
    for name, group in {"shared": writers, "not shared": readers}.items():
        said = web.get(f"/groups/{group.pk}/", headers=credentials["knox"][1])
        yield name, said.status_code
    alice.is_superuser = True
    alice.save()
    said = web.get(f"/groups/{readers.pk}/", headers=credentials["knox"][1])
    yield "not shared with a superuser", said.status_code
    for grantee in (alice, importer):
        grants.revoke_all(grantee, by=by)
    for name in ("knox", "key", "allauth"):
        yield f"{name}, revoked", answer(web, *credentials[name])


def answer(web, path, headers):
    said = web.get(path, headers=headers)
    body = said.json()
    return [said.status_code, body["code"] if isinstance(body, dict) else body]


if __name__ == "__main__":
    configure()
    routes()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    print(json.dumps(dict(told())))
