"""What `guard_init` proposes for views and settings of every form."""

from __future__ import annotations

import importlib
import io
import re
import sys
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import models
from django.test.utils import isolate_apps
from django.urls import clear_url_caches
from rest_framework.authentication import BaseAuthentication
from rest_framework.views import APIView

from api_guard import checks
from api_guard.adoption import propose, proposing
from api_guard.adoption.owners import owners_of
from api_guard.adoption.places import is_own, root_of
from tests.models import Note
from tests.projects import written


@pytest.fixture
def project(tmp_path, settings, monkeypatch):
    """Write files of a package `proj` and return what `propose()` says."""

    def make(files, settings_name="proj.settings", **options):
        written(tmp_path, {f"proj/{each}": text for each, text in files.items()})
        settings.ROOT_URLCONF = "proj.urls"
        settings.SETTINGS_MODULE = settings_name
        importlib.invalidate_caches()
        clear_url_caches()
        return propose(**options)

    monkeypatch.syspath_prepend(str(tmp_path))
    yield make
    for each in [each for each in sys.modules if each.partition(".")[0] == "proj"]:
        del sys.modules[each]


def urls(*names, more=""):
    routes = "".join(f"    path('{name.lower()}/', {name}),\n" for name in names)
    return f"from django.urls import path\nfrom .views import *\n{more}urlpatterns = [\n{routes}]\n"


BASIC = "from rest_framework.decorators import api_view\nimport rest_framework.decorators as d\n"
ONE = f"{BASIC}@api_view(['GET', 'POST'])\ndef one(request): pass\n"


def test_a_function_view_gets_its_guard_by_any_name_of_the_decorator(project):
    views = (
        f"{ONE}@d.api_view(['PUT'])\ndef two(request): pass\n"
        "av = api_view\n@av(['GET'])\ndef three(request): pass\n"
        "def own(names):\n    return api_view(names)\n@own(['GET'])\ndef four(request): pass\n"
    )
    found = project(
        {
            "__init__.py": "",
            "views.py": views,
            "urls.py": urls("one", "two", "three", "four"),
            "settings.py": "INSTALLED_APPS = ['api_guard']\n",
        }
    )
    patch = found.patch.decode()
    assert '+@guard(read="proj:read", write="proj:write")\n @api_view' in patch
    assert '+@guard(write="proj:write")\n @d.api_view' in patch
    assert '+@guard(read="proj:read")\n @av' in patch
    assert found.guarded == ["proj.views.one", "proj.views.two", "proj.views.three"]
    assert found.left == [
        "proj.views.four, at /four/: it becomes a view by a call, not by @api_view"
    ]
    assert '+        "proj:read": "Read proj",\n+        "proj:write": "Change proj",' in patch


def test_what_is_guarded_already_is_left_as_it_is(project):
    views = (
        "from api_guard import guard as closed\nfrom rest_framework.views import APIView\n"
        "@closed(read='proj:read')\nclass Old(APIView): pass\n"
        "class New(APIView):\n    def get(self, request): pass\n"
    )
    found = project(
        {
            "__init__.py": "",
            "views.py": views,
            "urls.py": urls("Old.as_view()", "New.as_view()"),
            "settings.py": "INSTALLED_APPS = ['api_guard']\nAPI_GUARD = {'SCOPES': {}}\n",
        }
    )
    patch = found.patch.decode()
    assert '+@closed(read="proj:read")\n class New' in patch
    assert "import guard" not in patch.replace(" from api_guard import guard as closed", "")
    assert found.guarded == ["proj.views.New"]


def test_the_settings_come_where_api_guard_is_installed(project, settings, monkeypatch):
    del settings.API_GUARD
    monkeypatch.setattr(APIView, "authentication_classes", [])
    settings.OAUTH2_PROVIDER, settings.MIDDLEWARE = {}, ["a.Middleware"]
    settings.AUTHENTICATION_BACKENDS = ["a.Backend"]
    settings.REST_FRAMEWORK = {
        "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"]
    }
    found = project(
        {
            "__init__.py": "",
            "views.py": ONE,
            "urls.py": urls("one"),
            "settings/__init__.py": "",
            "settings/base.py": "INSTALLED_APPS = ['api_guard']\nAUTHENTICATION_BACKENDS = []\n",
            "settings/dev.py": "from .base import *\nMIDDLEWARE = []\n",
        },
        settings_name="proj.settings.dev",
    )
    patch = found.patch.decode()
    assert patch.count("diff --git") == 2
    assert "+++ b/proj/settings/base.py" in patch
    assert '+MIDDLEWARE = ["api_guard.middleware.GuardMiddleware", "a.Middleware"]\n' in patch
    assert '+AUTHENTICATION_BACKENDS = ["api_guard.backends.LoginLimit", *AUTHENTICATION' in patch
    assert '+    "OAUTH2": False,  #' in patch


def test_a_project_with_oauth2_gets_the_lines_of_the_authorization_server(project, settings):
    settings.OAUTH2_PROVIDER = {"PKCE_REQUIRED": True}
    settings.REST_FRAMEWORK = {
        "DEFAULT_AUTHENTICATION_CLASSES": [
            "oauth2_provider.contrib.rest_framework.OAuth2Authentication",
            "rest_framework.authentication.SessionAuthentication",
        ],
    }
    found = project(
        {
            "__init__.py": "",
            "views.py": ONE,
            "urls.py": urls("one"),
            "settings.py": "INSTALLED_APPS = ['api_guard']\nOAUTH2_PROVIDER = {}\n",
        }
    )
    patch = found.patch.decode()
    assert '+    **OAUTH2_PROVIDER,\n+    "SCOPES_BACKEND_CLASS": "api_guard.oauth2' in patch
    assert '"OAUTH2": False' not in patch
    assert (
        '+    "DEFAULT_AUTHENTICATION_CLASSES": [\n'
        '+        "api_guard.authentication.OAuth2Authentication",\n'
        '+        "rest_framework.authentication.SessionAuthentication",\n' in patch
    )


def test_clients_get_tokens_beside_the_authenticators_that_there_are(project, settings):
    settings.OAUTH2_PROVIDER = {"PKCE_REQUIRED": True}
    settings.REST_FRAMEWORK = {
        "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    }
    found = project(
        {
            "__init__.py": "",
            "views.py": ONE,
            "urls.py": urls("one"),
            "settings.py": "INSTALLED_APPS = ['api_guard']\n",
        }
    )
    assert (
        '+        "rest_framework.authentication.SessionAuthentication",\n'
        '+        "api_guard.authentication.OAuth2Authentication",\n' in found.patch.decode()
    )


CORS = "corsheaders.middleware.CorsMiddleware"
GUID = "django_guid.middleware.guid_middleware"
LISTED = "MIDDLEWARE = ['a.First', *{}, 'a.Last']\n"


@pytest.mark.parametrize(
    ("written", "first", "rest"),
    [
        (LISTED.format([]), [], "*MIDDLEWARE"),
        (
            LISTED.format([CORS]),
            [CORS],
            f'*(each for each in MIDDLEWARE if each not in ["{CORS}"])',
        ),
        (
            LISTED.format([CORS, GUID]),
            [CORS, GUID],
            f'*(each for each in MIDDLEWARE if each not in ["{CORS}", "{GUID}"])',
        ),
        ("", [CORS], '"a.InSettings"'),
    ],
    ids=["none", "one", "two", "not in the file"],
)
def test_what_must_see_every_answer_stays_before_the_guard(project, settings, written, first, rest):
    settings.MIDDLEWARE = ["a.InSettings", CORS]
    found = project(
        {
            "__init__.py": "",
            "views.py": ONE,
            "urls.py": urls("one"),
            "settings.py": f"INSTALLED_APPS = ['api_guard']\n{written}",
        }
    )
    lines = [line[1:] for line in found.patch.decode().splitlines() if line.startswith("+")]
    of_middleware = "\n".join(lines).partition("MIDDLEWARE = [")[2].partition("]\n")[0]
    items = [*(f'"{each}"' for each in first), '"api_guard.middleware.GuardMiddleware"', rest]
    joined = ", ".join(items)
    long = "".join(f"\n    {item}," for item in items) + "\n"
    assert of_middleware == (joined if len(joined) + 15 <= 88 else long)
    if written:
        said: dict = {}
        exec(f"{written}MIDDLEWARE = [{of_middleware}]", said)
        names = [*first, "api_guard.middleware.GuardMiddleware", "a.First", "a.Last"]
        assert said["MIDDLEWARE"] == names


@pytest.mark.parametrize(
    ("views", "why"),
    [
        (ONE.replace("\n", "\r"), "cannot be read"),
        (f"{ONE}\nfor _ in 'ab':\n    @api_view()\n    def one(request): pass\n", "in a loop"),
    ],
)
def test_a_file_that_no_line_helps_is_left_alone(project, views, why, capsys):
    found = project(
        {
            "__init__.py": "",
            "views.py": views,
            "urls.py": urls("one"),
            "settings.py": "INSTALLED_APPS = ['api_guard']\n",
        }
    )
    assert found.guarded == []
    assert why in found.left[0]
    assert b"views.py" not in found.patch
    call_command("guard_init")
    assert f"1 left alone:\n  {found.left[0]}\n" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["class Settings: pass\n", "INSTALLED_APPS = 1\rX = 1\n"])
def test_settings_that_no_line_helps_are_said(project, text, capsys):
    found = project(
        {"__init__.py": "", "views.py": ONE, "urls.py": urls("one"), "settings.py": text}
    )
    assert b"settings.py" not in found.patch
    assert '"proj:read": "Read proj",' in found.settings
    call_command("guard_init")
    captured = capsys.readouterr()
    assert "Add these settings yourself:" in captured.err
    assert captured.out.startswith("diff --git a/proj/views.py b/proj/views.py\n")


def test_a_project_where_nothing_is_missing_gets_nothing(project):
    views = "from api_guard import guard\nfrom rest_framework.views import APIView\n"
    views += "@guard(read='notes:read')\nclass Old(APIView): pass\n"
    project(
        {
            "__init__.py": "",
            "views.py": views,
            "urls.py": urls("Old.as_view()"),
            "settings.py": "INSTALLED_APPS = ['api_guard']\n",
        }
    )
    out, err = io.StringIO(), io.StringIO()
    call_command("guard_init", stdout=out, stderr=err)
    assert out.getvalue() == ""
    assert "Nothing to propose" in err.getvalue()


PLAIN = """\
from functools import partial, wraps
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.decorators import *
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.mixins import LoginRequiredMixin
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import *
from django.views.generic import TemplateView
"""
BOTH = '@guard(read="proj:read", write="proj:write")'
HOOK = "  # PUBLIC, if it checks its callers itself"
BELOW = "put csrf_exempt below this line: where it is, it has no effect"


def plain(project, settings, views, routed, **more):
    settings.API_GUARD = {**settings.API_GUARD, "PREFIXES": ["/api/"], "EXEMPT": {}}
    return project(
        {
            "__init__.py": "",
            "views.py": PLAIN + views,
            "urls.py": "from django.urls import path\nfrom .views import *\n"
            f"urlpatterns = [{routed}]\n",
            "settings.py": "INSTALLED_APPS = ['api_guard']\n",
            **more,
        }
    )


def lines_above(patch):
    """Return what a patch puts above each definition."""
    added = re.compile(r"^\+(@guard.*)\n(?: @.*\n)* (?:async )?(?:def|class) (\w+)", re.MULTILINE)
    return {name: line for line, name in added.findall(patch.decode())}


FUNCTIONS = [
    ("", BOTH),
    ("@login_required", BOTH),
    ("@permission_required('a.b')", BOTH),
    ("@user_passes_test(len)", BOTH),
    ("@staff_member_required", "@guard(read=STAFF, write=STAFF)"),
    ("@staff_member_required(login_url='/')", "@guard(read=STAFF, write=STAFF)"),
    ("@staff_member_required\n@permission_required('a.b')", BOTH),
    ("@login_not_required", "@guard(read=PUBLIC, write=PUBLIC)"),
    ("@require_GET", '@guard(read="proj:read")'),
    ("@login_required\n@require_safe", '@guard(read="proj:read")'),
    ("@require_POST\n@login_required", '@guard(write="proj:write")'),
    ("@require_http_methods(['GET', 'PUT'])", BOTH),
    ("@staff_member_required\n@require_http_methods(['PUT'])", "@guard(write=STAFF)"),
    ("@csrf_exempt", f"{BOTH}{HOOK}"),
    ("@csrf_exempt\n@require_POST", f'@guard(write="proj:write"){HOOK}'),
    ("@csrf_exempt\n@require_GET", '@guard(read="proj:read")'),
    ("@csrf_exempt\n@login_required", BOTH),
    ("@csrf_exempt\n@login_not_required", "@guard(read=PUBLIC, write=PUBLIC)"),
    (
        "def require_http_methods(view):\n    @wraps(view)\n"
        "    def inner(request):\n        return view(request)\n    return inner\n"
        "@require_http_methods\n@require_POST",
        '@guard(write="proj:write")',
    ),
]


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_plain_function_is_guarded_as_its_decorators_say(project, settings, kind):
    views = "".join(
        f"{decorators}\n{kind} f{number}(request): pass\n"
        for number, (decorators, _) in enumerate(FUNCTIONS)
    )
    routed = ", ".join(f"path('api/{n}', f{n})" for n in range(len(FUNCTIONS)))
    found = plain(project, settings, views, routed)
    assert lines_above(found.patch) == {f"f{n}": line for n, (_, line) in enumerate(FUNCTIONS)}
    assert found.left == []
    # Above all decorators.
    assert b'+@guard(write="proj:write")\n @require_POST\n @login_required\n' in found.patch


READS = '@guard(read="proj:read")'
GET = "def get(self, request): pass"
CLASSES = [
    ("", "View", GET, READS),
    ("", "TemplateView", "template_name = 'x'", READS),
    ("", "LoginRequiredMixin, View", "def post(self, r): pass", '@guard(write="proj:write")'),
    (
        "@method_decorator(staff_member_required, name='dispatch')",
        "View",
        GET,
        "@guard(read=STAFF)",
    ),
    (
        "@method_decorator([csrf_exempt, require_POST], name='dispatch')",
        "View",
        f"{GET}\n    post = get",
        f'@guard(write="proj:write"){HOOK}',
    ),
    (
        "",
        "View",
        f"{GET}\n    put = get\n    delete = method_decorator(staff_member_required)(get)",
        '@guard(read="proj:read", write="proj:write", actions={"DELETE": STAFF})',
    ),
    (
        "@method_decorator(login_not_required, name='dispatch')",
        "View",
        GET,
        "@guard(read=PUBLIC)",
    ),
    (
        "@method_decorator(staff_member_required, name='dispatch')",
        "LoginRequiredMixin, View",
        GET,
        READS,
    ),
    (
        "@method_decorator([csrf_exempt, staff_member_required], name='get')",
        "View",
        GET,
        "@guard(read=STAFF)",
    ),
]


def test_a_plain_class_is_guarded_as_its_methods_and_bases_say(project, settings):
    views = "".join(
        f"{before}\nclass C{number}({bases}):\n    {body}\n"
        for number, (before, bases, body, _) in enumerate(CLASSES)
    )
    routed = ", ".join(f"path('api/{n}', C{n}.as_view())" for n in range(len(CLASSES)))
    found = plain(project, settings, views, routed)
    assert lines_above(found.patch) == {f"C{n}": line for n, (*_, line) in enumerate(CLASSES)}
    assert found.left == []


ROUTES = [
    ("csrf_exempt({}.as_view())", f"{BOTH}{HOOK}; {BELOW}"),
    ("csrf_exempt(login_required({}.as_view()))", BOTH),
    (
        "csrf_exempt(login_not_required({}.as_view()))",
        f"@guard(read=PUBLIC, write=PUBLIC)  # {BELOW}",
    ),
    ("require_POST({}.as_view())", '@guard(write="proj:write")'),
    ("staff_member_required({}.as_view())", "@guard(read=STAFF, write=STAFF)"),
    ("{}.as_view(http_method_names=['get'])", READS),
    ("{0}.as_view()), path('api/x', staff_member_required({0}.as_view())", BOTH),
]


def test_decorators_of_a_route_count_as_those_of_the_view(project, settings):
    views = "".join(f"class C{n}(View):\n    {GET}\n    post = get\n" for n in range(len(ROUTES)))
    routed = [f"path('api/{n}', {route.format(f'C{n}')})" for n, (route, _) in enumerate(ROUTES)]
    routed.append("path('api/two', partial(two, key=1))")
    views += "def two(request, key): pass\n"
    found = plain(project, settings, views, ", ".join(routed))
    wanted = {f"C{n}": line for n, (_, line) in enumerate(ROUTES)}
    assert lines_above(found.patch) == {**wanted, "two": BOTH}


@pytest.mark.parametrize(
    ("views", "routed", "why"),
    [
        ("one = lambda request: None\n", "path('api/one', one)", "not defined at the top level"),
        (
            "class Site:\n    def one(self, request): pass\n",
            "path('api/one', Site().one)",
            "it is a method: guard it where it is routed, guard(...)(the_view)",
        ),
        (
            "class One:\n    def __call__(self, request): pass\n",
            "path('api/one', One())",
            "an object of the class is the view: guard it where",
        ),
        (
            "def one(request): pass\n",
            "path('api/one', one), path('one', login_required(one))",
            "it also answers at /one, outside PREFIXES: guard it where",
        ),
        (
            "class One(View):\n    def get(self, request): pass\nclass Two(One): pass\n",
            "path('api/one', One.as_view()), path('two', Two.as_view()), path('1', str)",
            "it also answers at /two, outside PREFIXES",
        ),
        ("class One(View): pass\n", "path('api/one', One.as_view())", "it answers no method"),
        (
            "from api_guard import guard\nkept = []\ndef keep(view):\n    kept.append(view)\n"
            "    return view\n@guard(read='a:b')\n@keep\ndef one(request): pass\n",
            "path('api/one', kept[0])",
            "it has a guard, but another decorator routes it without",
        ),
        ("def one(request): pass; x = 1\n", "path('api/one', one)", None),
        ("x = 1; one = type('One', (View,), {})\n", "path('api/one', one.as_view())", "not def"),
    ],
)
def test_a_plain_view_that_no_line_guards_is_left_alone(project, settings, views, routed, why):
    found = plain(project, settings, views, routed)
    assert [why in each for each in found.left] == ([] if why is None else [True])
    assert (b"views.py" in found.patch) == (why is None)


def test_plain_views_outside_the_prefixes_and_those_of_packages_are_not_changed(project, settings):
    routes = (
        "path('page', page), path('api/page', page_of_api), "
        "path('api/t', TemplateView.as_view(template_name='x'))"
    )
    views = "def page(request): pass\ndef page_of_api(request): pass\n"
    found = plain(project, settings, views, routes)
    assert (found.guarded, found.left) == (["proj.views.page_of_api"], [])
    patch = found.patch.decode()
    assert '+        "django.views.generic.base.TemplateView": "",  # write the reason' in patch
    settings.API_GUARD = {**settings.API_GUARD, "PREFIXES": []}
    settings.SETTINGS_MODULE = "proj.settings"
    assert propose().guarded == []


SETS = """\
from rest_framework import decorators, permissions, viewsets
from api_guard.models import RedeemedCode
from tests.models import Note, Notebook


class Base(viewsets.ModelViewSet):
    queryset = Note.objects.order_by("pk")
"""
SCOPES = '@guard(read="proj:read", write="proj:write")'
ASKED = f'{SCOPES}  # whose rows? owner="author", or objects=ANY_OBJECT\n'
OWNED = '@guard(read="proj:read", write="proj:write", owner="author")\n'


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("pass", ASKED),
        ("permission_classes = []", "@guard(read=PUBLIC, write=PUBLIC)  # whose rows? owner="),
        ("permission_classes = [permissions.AllowAny]", "@guard(read=PUBLIC, write=PUBLIC)"),
        ("permission_classes = [permissions.IsAdminUser]", "@guard(read=STAFF, write=STAFF)"),
        (
            "permission_classes = [permissions.IsAuthenticatedOrReadOnly]",
            '@guard(read=PUBLIC, write="proj:write")',
        ),
        ("permission_classes = [permissions.DjangoModelPermissions]", ASKED),
        ("http_method_names = ['get', 'options']", '@guard(read="proj:read")  #'),
        ("lookup_field = 'slug'", ASKED),
        ("queryset = Notebook.objects.order_by('pk')", f'{SCOPES}  # whose rows? owner="owner"'),
        (
            "def get_queryset(self):\n        'Mine.'\n        mine = super().get_queryset()\n"
            "        return mine.exclude(pk=1).filter(author_id=self.request.user.pk).all()",
            OWNED,
        ),
        (
            "def get_queryset(self):\n"
            "        return Note.objects.filter(pk__gt=1, author__id=self.request.user.id)",
            OWNED,
        ),
        (
            "def get_queryset(self):\n        if self.request.user.is_staff:\n"
            "            return Note.objects.all()\n"
            "        return Note.objects.filter(author=self.request.user)",
            ASKED,
        ),
        (
            "def get_queryset(self):\n"
            "        return Note.objects.filter(notebook=self.request.user)",
            ASKED,
        ),
        (
            "def get_queryset(self):\n        user = self.request.user\n        self.a = 1\n"
            "        return Note.objects.all().filter(author=user).order_by('pk')",
            OWNED,
        ),
        (
            "def get_queryset(self):\n        user, other = self.request.user, 1\n"
            "        return Note.objects.filter(author=user)",
            ASKED,
        ),
        (
            "def get_queryset(self):\n        user = self.request.user\n        user = user.boss\n"
            "        return Note.objects.filter(author=user)",
            ASKED,
        ),
        (
            "def get_queryset(self):\n"
            "        return Note.objects.filter(notebook__owner=self.request.user)",
            OWNED.replace('"author"', '"notebook__owner"'),
        ),
        (
            "queryset = RedeemedCode.objects.order_by('pk')",
            f'{SCOPES}  # whose rows? owner="access_token__user" or owner="refresh_token__user"',
        ),
        ("def get_queryset(self):\n        return self.queryset.filter(author=1)[:5]", ASKED),
        ("def get_queryset(self):\n        return self.queryset.filter(author=1)", ASKED),
        ("def get_queryset(self):\n        raise ValueError", ASKED),
        ("def get_queryset(self):\n        return", SCOPES),
    ],
)
def test_a_guard_keeps_what_the_view_says_and_closes_the_rest(project, body, line):
    router = (
        "from rest_framework.routers import DefaultRouter\nrouter = DefaultRouter()\n"
        "router.register('mine', Mine, basename='mine')\nurlpatterns = router.urls\n"
    )
    found = project(
        {
            "__init__.py": "",
            "views.py": f"{SETS}\n\nclass Mine(Base):\n    {body}\n",
            "urls.py": f"from .views import *\n{router}",
            "settings.py": "INSTALLED_APPS = ['api_guard']\n",
        }
    )
    patch = found.patch.decode()
    assert f"+{line}" in patch
    assert found.guarded == ["proj.views.Mine"]
    assert '"rest_framework.routers.APIRootView": "",  # write the reason' in patch


def test_each_view_that_leads_to_an_object_is_asked_whose_rows(project):
    views = (
        "from rest_framework import viewsets, views\n"
        "from rest_framework.decorators import api_view\n"
        "class Logs(viewsets.ViewSet):\n"
        "    def list(self, request): pass\n"
        "    def retrieve(self, request, pk): pass\n"
        "class Parts(views.APIView):\n    def get(self, request, part_id): pass\n"
        "class Years(views.APIView):\n    def get(self, request, year): pass\n"
        "@api_view(['GET'])\ndef one(request, pk): pass\n"
    )
    routes = (
        "from django.urls import path\nfrom rest_framework.routers import SimpleRouter\n"
        "from .views import *\nrouter = SimpleRouter()\nrouter.register('logs', Logs, 'logs')\n"
        "urlpatterns = [*router.urls, path('parts/<int:part_id>/', Parts.as_view()),"
        " path('<int:year>/', Years.as_view()), path('one/<pk>/', one)]\n"
    )
    files = {"__init__.py": "", "views.py": views, "urls.py": routes}
    found = project({**files, "settings.py": "INSTALLED_APPS = ['api_guard']\n"})
    asked = '+@guard(read="proj:read")  # whose rows? owner="...", or objects=ANY_OBJECT\n'
    patch = found.patch.decode()
    assert patch.count("# whose rows?") == 3
    for line in (" class Logs", " class Parts", " @api_view"):
        assert f"{asked}{line}" in patch
    assert '+@guard(read="proj:read")\n class Years' in patch


@isolate_apps("tests")
def test_a_user_is_the_owner_of_its_own_row():
    class Employee(get_user_model()):
        boss = models.ForeignKey("self", models.CASCADE)

        class Meta:
            app_label = "tests"

    assert owners_of(get_user_model()) == ("pk",)
    assert owners_of(Employee)[0] == "pk"
    assert "boss" in owners_of(Employee)


@isolate_apps("tests")
def test_a_key_to_a_proxy_of_the_user_model_leads_to_an_owner():
    class Person(get_user_model()):
        class Meta:
            app_label = "tests"
            proxy = True

    class Card(models.Model):
        holder = models.ForeignKey(Person, models.CASCADE)
        note = models.ForeignKey(Note, models.CASCADE)

        class Meta:
            app_label = "tests"

    assert owners_of(Card) == ("holder",)


ACTION = """\
    @decorators.action(detail=False{more})
    def shared(self, request): pass
"""


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (
            ACTION.format(more=", permission_classes=[permissions.AllowAny]"),
            '@guard(read="proj:read", write="proj:write", actions={"shared": PUBLIC})',
        ),
        (
            "    permission_classes = [permissions.AllowAny]\n"
            + ACTION.format(more=", permission_classes=[permissions.IsAuthenticated]"),
            '@guard(read="proj:read", write=PUBLIC, actions={"list": PUBLIC, "retrieve": PUBLIC})',
        ),
        (
            ACTION.format(more="")
            + "    def get_permissions(self):\n"
            + "        if self.action in ('shared', 'destroy'):\n"
            + "            return [permissions.IsAdminUser()]\n"
            + "        return super().get_permissions()\n",
            '@guard(read="proj:read", write="proj:write", '
            'actions={"shared": STAFF, "destroy": STAFF})',
        ),
        (
            "    def get_permissions(self):\n"
            + "        if self.request.method in permissions.SAFE_METHODS:\n"
            + "            return [permissions.AllowAny()]\n"
            + "        return [permissions.IsAdminUser()]\n",
            "@guard(read=PUBLIC, write=STAFF)",
        ),
        (
            "    def get_permissions(self):\n        return [self.request.user.boss]\n",
            '@guard(read="proj:read", write="proj:write")',
        ),
    ],
)
def test_what_an_action_asks_for_is_kept_apart(project, body, line):
    router = (
        "from rest_framework.routers import SimpleRouter\nrouter = SimpleRouter()\n"
        "router.register('mine', Mine)\nurlpatterns = router.urls\n"
    )
    found = project(
        {
            "__init__.py": "",
            "views.py": f"{SETS}\n\nclass Mine(Base):\n{body}\n",
            "urls.py": f"from .views import *\n{router}",
            "settings.py": "INSTALLED_APPS = ['api_guard']\n",
        }
    )
    assert f"+{line}  # whose rows?" in found.patch.decode()


def test_scopes_and_exemptions_are_added_to_those_that_there_are(project, settings):
    settings.API_GUARD = {
        "SCOPES": {"proj:read": "Read"},
        "EXEMPT": {"rest_framework.routers.APIRootView": "links"},
        "OAUTH2": True,
    }
    settings.AUTHENTICATION_BACKENDS = ["api_guard.backends.LoginLimit"]
    settings.REST_FRAMEWORK = {
        "DEFAULT_PERMISSION_CLASSES": ["api_guard.permissions.Guarded"],
        "DEFAULT_PARSER_CLASSES": ["api_guard.parsers.JSONParser"],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "DEFAULT_AUTHENTICATION_CLASSES": [f"{__name__}.Keys"],
    }
    routes = (
        "from .views import *\nfrom rest_framework import routers\n"
        "from rest_framework.authtoken.views import obtain_auth_token\n"
        "from django.urls import path\n"
        "urlpatterns = [path('one', one), path('t', obtain_auth_token),\n"
        "    path('', routers.APIRootView.as_view())]\n"
    )
    found = project(
        {
            "__init__.py": "",
            "views.py": ONE,
            "urls.py": routes,
            "settings.py": "INSTALLED_APPS = ['api_guard']\nAPI_GUARD = REST_FRAMEWORK = {}\n",
        }
    )
    patch = found.patch.decode()
    assert (
        '+    "SCOPES": {\n+        **API_GUARD["SCOPES"],\n+        "proj:write": "Change proj",\n'
        in patch
    )
    assert f'"{__name__}.Keys",\n' in patch
    assert '+        **API_GUARD["EXEMPT"],\n+        "rest_framework.authtoken.views' in patch
    assert "DEFAULT_PERMISSION_CLASSES" not in patch
    assert '+    "DEFAULT_RENDERER_CLASSES": ["api_guard.renderers.JSONRenderer"],' in patch
    assert "AUTHENTICATION_BACKENDS" not in patch


class Keys(BaseAuthentication):
    def authenticate(self, request):
        raise NotImplementedError


def test_a_file_that_would_become_another_program_is_left_alone(project, monkeypatch):
    monkeypatch.setattr(proposing, "changes_only", lambda *args: False)
    found = project(
        {
            "__init__.py": "",
            "views.py": ONE,
            "urls.py": urls("one"),
            "settings.py": "INSTALLED_APPS = ['api_guard']\n",
        }
    )
    assert b"views.py" not in found.patch
    assert found.left == ["proj.views.one: its file has an unusual form"]


def test_the_patch_is_written_as_bytes_to_a_real_output(project, capfdbinary):
    files = {
        "__init__.py": "",
        "views.py": f"# coding: latin-1\n# \xe9\n{ONE}".encode("latin-1"),
        "urls.py": urls("one"),
        "settings.py": "INSTALLED_APPS = ['api_guard']\n",
    }
    project(files)
    call_command("guard_init", stdout=open(1, "w", closefd=False))  # noqa: SIM115
    assert b"# \xe9\n" in capfdbinary.readouterr().out


def test_a_library_in_the_repository_is_not_the_projects_own(tmp_path, monkeypatch):
    assert is_own(tmp_path / "app/views.py", tmp_path)
    assert not is_own(tmp_path.parent / "views.py", tmp_path)
    assert not is_own(tmp_path / "lib/python3/site-packages/x/views.py", tmp_path)
    assert not is_own(tmp_path / ".venv/x/views.py", tmp_path)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "env"))
    assert not is_own(tmp_path / "env/src/x/views.py", tmp_path)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert is_own(tmp_path / "app/views.py", tmp_path)


def test_the_root_is_that_of_git_or_the_current_directory(tmp_path, monkeypatch):
    (tmp_path / "a/b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert root_of(Path("/proc/settings.py")) == tmp_path
    (tmp_path / "a/.git").write_text("gitdir: elsewhere")
    assert root_of(tmp_path / "a/b/settings.py") == tmp_path / "a"


def test_a_project_without_oauth2_says_so_once(settings, monkeypatch):
    empty = type(sys)("proj_empty")
    empty.urlpatterns = []
    monkeypatch.setitem(sys.modules, "proj_empty", empty)
    settings.API_GUARD = {**settings.API_GUARD, "OAUTH2": False}
    settings.ROOT_URLCONF = "proj_empty"
    settings.OAUTH2_PROVIDER = {}
    settings.REST_FRAMEWORK = {
        **settings.REST_FRAMEWORK,
        "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    }
    assert checks.check_toolkit() == checks.check_authentication() == []
    assert checks.check_without_oauth2() == []
    assert not any("oauth2_provider" in each.msg for each in checks.check_transport())
    del settings.API_GUARD["OAUTH2"]
    assert [each.id for each in checks.check_authentication()] == ["api_guard.E023"]
    assert [each.id[10:] for each in checks.check_toolkit()] == ["E007", "E033", "W026"]


def test_a_project_that_denies_its_access_tokens_is_told(settings):
    settings.API_GUARD = {**settings.API_GUARD, "OAUTH2": False}
    texts = [each.msg for each in checks.check_without_oauth2()]
    assert any("DEFAULT_AUTHENTICATION_CLASSES'] accepts them" in text for text in texts)
    assert any("token endpoint is routed" in text for text in texts)
    assert {each.id for each in checks.check_without_oauth2()} == {"api_guard.E098"}
    assert any("oauth2_provider" in each.msg for each in checks.check_transport())
