"""The README and the docs say what is so: nothing is missing, and what they show runs."""

from __future__ import annotations

import ast
import inspect
import os
import re
import shlex
import socket
import subprocess
import sys
from argparse import _SubParsersAction
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from urllib.error import URLError

import pytest
from django.core.management import call_command, load_command_class
from django.test.utils import isolate_apps
from django.urls import include, path
from rest_framework.authtoken.views import obtain_auth_token
from rest_framework.routers import DefaultRouter

from api_guard import checks, exceptions, grants
from api_guard.access.endpoints import Row, Status
from api_guard.checks.endpoints import check_endpoints, check_exemptions
from api_guard.conf.rules import RULES
from api_guard.connections import NotPublicError
from api_guard.core.text import _CHARACTERS
from api_guard.input.sanitizers import PRESETS
from api_guard.management.commands import guard_endpoints

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
CHECKS = ROOT / "api_guard" / "checks"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.glob("*.md"))]
BLOCK = re.compile(
    r"^```(?:\{code-block\} )?(?P<language>\w+)\n"
    r"(?::caption: (?P<caption>[^\n]*)\n)?(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


def blocks_of(page, language="python"):
    found = BLOCK.finditer(page.read_text())
    return [
        (block["caption"] or "", block["code"]) for block in found if block["language"] == language
    ]


def headings_of(page):
    return re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)


def ids_in_the_code():
    text = "".join(file.read_text() for file in CHECKS.glob("*.py"))
    return set(re.findall(r'id="(api_guard\.[EW]\d{3})"', text))


def ids_in_docstrings():
    functions = [*checks.CHECKS, *checks.DEPLOY_CHECKS, *checks.DATABASE_CHECKS]
    heads = [function.__doc__.partition(":")[0] for function in functions]
    return [f"api_guard.{name}" for head in heads for name in head.split(", ")]


def all_refusals(base=exceptions.Refusal):
    for cls in base.__subclasses__():
        yield cls
        yield from all_refusals(cls)


def example(start):
    """Return the block of the README that begins with a comment or an import."""
    return next(code for _, code in blocks_of(ROOT / "README.md") if code.startswith(start))


readme = {"__name__": "readme"}
exec(example("# views.py"), readme)
urlpatterns = [
    path("notes/", readme["notes"]),
    path("o/", include("api_guard.oauth2.urls")),
]


@pytest.mark.parametrize("name", [*RULES, "RATELIMIT_USE_CACHE", "RATELIMIT_ENABLE"])
def test_every_setting_has_a_heading(name):
    assert name in headings_of(DOCS / "settings.md")


def test_every_check_has_a_heading_and_no_other_has():
    ids = ids_in_the_code()
    headed = [heading for heading in headings_of(DOCS / "checks.md") if "api_guard." in heading]
    assert sorted(headed, key=lambda heading: heading[-3:]) == headed
    assert set(headed) == ids
    assert sorted(ids_in_docstrings()) == sorted(ids)
    rows = re.findall(
        r"^\| \[(\w+)\]\(#api_guard(\w+)\) \|", (DOCS / "checks.md").read_text(), re.M
    )
    assert [f"api_guard.{name}" for name, _ in rows] == headed
    assert all(name.lower() == anchor for name, anchor in rows)


def test_every_id_of_a_check_that_the_docs_name_exists():
    ids = ids_in_the_code()
    for page in PAGES:
        assert set(re.findall(r"api_guard\.[EW]\d{3}", page.read_text())) <= ids, page


def test_every_option_of_guard_endpoints_and_every_status_stands_in_the_docs():
    text = (DOCS / "endpoints.md").read_text()
    parser = guard_endpoints.Command().create_parser("manage.py", "guard_endpoints")
    own = {"--format", "--urlconf", "--fail-on", "--only", "--collapse", "--diff", "--probe"}
    assert own <= set(parser._option_string_actions)
    assert own == {heading for heading in headings_of(DOCS / "endpoints.md") if heading[0] == "-"}
    assert [row for row in Status if f"| `{row.value}` |" not in text] == []
    assert [field.name for field in fields(Row) if f"| `{field.name}` |" not in text] == []


@pytest.mark.parametrize("refusal", [*all_refusals()], ids=lambda cls: cls.__name__)
def test_every_refusal_stands_in_the_table_with_its_status(refusal):
    row = f"| {refusal.status_code} | `{refusal.default_code}` |"
    assert row in (DOCS / "errors.md").read_text()


def test_the_table_of_refusals_holds_no_other_code():
    rows = re.findall(r"^\| \d+ \| `(\w+)` \|", (DOCS / "errors.md").read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(refusal.default_code for refusal in all_refusals())


def test_every_error_of_a_grant_stands_in_the_docs():
    codes = set(re.findall(r'GrantError\("(\w+)"', inspect.getsource(grants)))
    text = (DOCS / "grants.md").read_text()
    assert {code for code in codes if f"| `{code}` |" not in text} == set()


def test_the_tags_of_the_small_presets_stand_in_the_docs():
    text = (DOCS / "fields.md").read_text()
    inline, comment = PRESETS["inline"].tags, PRESETS["comment"].tags
    assert f"| `inline` | `{' '.join(sorted(inline))}` |" in text
    assert f"| `comment` | those, and `{' '.join(sorted(comment - inline))}` |" in text


INPUT = ["fields", "serializers", "forms", "validators", "input", "core"]
CODES = re.compile(
    r"""(?:_?[Ff]law|\bbound|SanitizeError|self\.fail)\(\s*"(\w+)"|code="(\w+)"|
    "(\w+)":\ r?"\[|_refused_character\("(\w+)\"""",
    re.VERBOSE,
)


def test_every_code_of_the_fields_stands_in_the_docs():
    rooms = [ROOT / "api_guard" / room for room in INPUT]
    files = [file for room in rooms for file in room.rglob("*.py")]
    found = {code for file in files for match in CODES.findall(file.read_text()) for code in match}
    codes = found - {""} | set(_CHARACTERS)
    assert len(codes) > 45
    pages = [(DOCS / f"{name}.md").read_text() for name in ("fields", "serializers")]
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", "\n".join(pages), re.MULTILINE)
    documented = {code for row in rows for code in re.findall(r"\w+", row)}
    assert codes - documented == set()


def test_the_blocks_of_the_fields_and_serializers_run(monkeypatch):
    private = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: private)
    with isolate_apps():
        for page in ("fields.md", "serializers.md"):
            for _, code in blocks_of(DOCS / page):
                written = {}
                if "public_opener" in code:
                    with pytest.raises((URLError, NotPublicError), match="public internet"):
                        exec(code, written)
                    continue
                exec(code, written)
                if "subject" in written:
                    assert f"# {written['subject']}" in code


def test_the_cheat_sheet_runs_and_names_what_is_there():
    page = DOCS / "cheat_sheet.md"
    for _, code in blocks_of(page):
        exec(code, {})
    rows = re.findall(r"^\| \d+ \| (`.*`) \|", page.read_text(), re.MULTILINE)
    codes = {code for row in rows for code in re.findall(r"`(\w+)`", row)}
    assert len(codes) > 8
    assert codes <= {refusal.default_code for refusal in all_refusals()}


TYPED = re.compile(r"manage\.py (guard_\w+)([^`\n]*)")


@pytest.mark.parametrize("page", PAGES[:1] + PAGES[2:], ids=lambda page: page.name)
def test_every_command_of_the_docs_has_the_options_that_they_show(page):
    for command, rest in TYPED.findall(page.read_text()):
        options = set(re.findall(r"(?<=\s)--[a-z][\w-]*", rest))
        known = load_command_class("api_guard", command).create_parser("manage.py", command)
        actions = vars(known)["_option_string_actions"]
        assert options <= set(actions) | _nested_options(known), f"{command}{rest}"


def _nested_options(parser):
    """Return the options of the subcommands of a command."""
    nested = [action for action in parser._actions if isinstance(action, _SubParsersAction)]
    parsers = [each for action in nested for each in action.choices.values()]
    return {option for each in parsers for option in each._option_string_actions}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_python_block_compiles(page):
    for caption, code in blocks_of(page):
        compile(code, f"{page.name}: {caption}", "exec", ast.PyCF_ONLY_AST)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_is_closed(page):
    assert len(re.findall(r"^```", page.read_text(), re.MULTILINE)) % 2 == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_docs_keep_to_the_vocabulary(page):
    prose = re.sub(r"object\s+rules?|`[\w./]+`", "", page.read_text(), flags=re.IGNORECASE)
    found = re.findall(
        r"\b(?:roles?|rules?|privileges?|principals?|actors?|API clients?)\b", prose, re.IGNORECASE
    )
    assert found == []


@pytest.mark.parametrize(
    "page", [page for page in PAGES[2:] if page.stem != "changelog"], ids=lambda page: page.name
)
def test_every_page_opens_with_what_it_is_for_in_two_sentences(page):
    title, opening, *_ = page.read_text().split("\n\n")
    assert title.startswith("# ")
    assert not opening.startswith(("|", "```", "-", "#"))
    assert len(re.findall(r"\.(?:\s|$)", opening)) >= 2
    assert len(opening) < 500


def test_every_page_is_in_the_table_of_contents():
    index = (DOCS / "index.md").read_text()
    for page in DOCS.glob("*.md"):
        assert page.stem == "index" or re.search(rf"^{page.stem}$", index, re.MULTILINE), page


def test_every_link_of_the_readme_leads_somewhere():
    links = re.findall(r"\]\((?!http)([^)#]+)", (ROOT / "README.md").read_text())
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.django_db
@pytest.mark.urls(__name__)
def test_the_readme_s_example_passes_its_checks(settings):
    written = {"INSTALLED_APPS": [], "MIDDLEWARE": ["django.middleware.common.CommonMiddleware"]}
    exec(example("# settings.py"), written)
    settings.DEBUG = True  # a project begins with it, and counts rates in one process
    for name in ("MIDDLEWARE", "REST_FRAMEWORK", "OAUTH2_PROVIDER", "API_GUARD"):
        setattr(settings, name, written[name])
    assert set(written["INSTALLED_APPS"]) <= set(settings.INSTALLED_APPS)
    assert [message.msg for check in checks.CHECKS for message in check()] == []


@pytest.mark.urls(__name__)
def test_the_readme_s_example_refuses_until_the_scope_is_granted(api, application, issue):
    api.by_token(issue("notes:read"))
    assert api.get("/notes/").status_code == 403
    [line] = re.findall(
        r"^\$ python manage\.py (guard_grant .*)$", (ROOT / "README.md").read_text(), re.M
    )
    application.client_id = "reader"
    application.save()
    call_command(*shlex.split(line))
    response = api.get("/notes/")
    assert response.json() == ["Tea at six"]
    assert response.headers["RateLimit-Policy"] == '"100/m";q=100;w=60'
    grants.revoke(application.scope_grants.get(), by=grants.System("a test"))
    assert api.get("/notes/").json()["code"] == "insufficient_scope"


def recipe(page, caption):
    return next(code for found, code in blocks_of(DOCS / page) if found == caption)


def settings_of_recipes():
    """Yield every API_GUARD that the page shows, in its order."""
    for _, code in blocks_of(DOCS / "recipes.md"):
        if code.startswith("API_GUARD"):
            written = {}
            exec(code, written)
            yield written["API_GUARD"]


@pytest.fixture
def routed_by_recipes(settings):
    """Route what the page shows, and whatever a test adds."""

    def route(*captions, extra=()):
        module = ModuleType("tests.recipes")
        patterns = [path("o/", include("api_guard.oauth2.urls")), *extra]
        for caption in captions:
            exec(recipe("recipes.md", caption), module.__dict__)
            patterns += module.__dict__.pop("urlpatterns", [])
        if "router" in vars(module):
            patterns.append(path("start/", include(module.router.urls)))
        if "healthy" in vars(module):
            patterns.append(path("healthy/", module.healthy))
        module.urlpatterns = patterns
        sys.modules[module.__name__] = module
        settings.ROOT_URLCONF = module.__name__
        return module

    return route


def is_quiet():
    return [m.msg for check in (check_endpoints, check_exemptions) for m in check()] == []


@pytest.mark.django_db
def test_the_recipes_guard_what_every_project_has(api, routed_by_recipes):
    routed_by_recipes(
        "urls.py, a router",
        "urls.py, tokens for passwords",
        "views.py, with a guard",
        "urls.py, the login",
    )
    assert is_quiet()
    assert api.get("/start/").status_code == 200
    assert api.post("/token/", {}).status_code == 400
    assert api.get("/healthy/").json() == "ok"
    assert api.get("/api-auth/login/").status_code == 200


@pytest.mark.django_db
def test_the_recipes_exempt_what_every_project_has(api, settings, routed_by_recipes):
    root, schema, token, health, login, _ = settings_of_recipes()
    views = ModuleType("shop.views")
    exec(recipe("recipes.md", "views.py"), views.__dict__)
    views.health.__module__ = views.__name__
    bare = [
        path("", DefaultRouter.APIRootView.as_view(api_root_dict={})),
        path("token/", obtain_auth_token),
        path("api/health/", views.health),
        path("api/auth/", include("rest_framework.urls")),
    ]
    routed_by_recipes(extra=bare)
    settings.API_GUARD = {**settings.API_GUARD, "PREFIXES": ["/api"]}
    assert not is_quiet()
    assert {api.get(f"/{name}/").status_code for name in ("token", "api/health")} == {403}
    exempt = {**root["EXEMPT"], **token["EXEMPT"], **health["EXEMPT"], **login["EXEMPT"]}
    settings.API_GUARD = {**settings.API_GUARD, "PREFIXES": ["/api"], "EXEMPT": exempt}
    assert is_quiet()
    assert api.post("/token/", {}).status_code == 400
    assert api.get("/").status_code == 200
    assert api.get("/api/health/").content == b"ok"
    assert api.get("/api/auth/login/").status_code == 200
    assert schema["EXEMPT"].keys() == {"drf_spectacular.views"}


@pytest.mark.django_db
def test_the_recipes_guard_the_schema(api, staff, settings, routed_by_recipes):
    pytest.importorskip("drf_spectacular")
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "drf_spectacular"]
    routed_by_recipes("urls.py, the schema")
    assert is_quiet()
    assert api.get("/docs/").status_code == 401
    assert api.by_session(staff).get("/docs/").status_code == 200


class Project:
    """The tutorial's project, written and run from the blocks of its page."""

    def __init__(self, directory):
        self.directory = directory
        self.blocks = blocks_of(DOCS / "tutorial.md")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("DJANGO_", "COV_"))}
        self.environment = {**inherited, "PYTHONPATH": str(ROOT)}
        self.run("-m", "django", "startproject", "config", ".")
        self.manage("startapp", "notes")

    def next_block(self, caption):
        found, code = self.blocks.pop(0)
        assert found.startswith(caption)
        return code

    def append(self, file):
        with (self.directory / file).open("a") as stream:
            stream.write("\n" + self.next_block(file))

    def write(self, file):
        (self.directory / file).write_text(self.next_block(file))

    def replace(self, file, before, after):
        text = (self.directory / file).read_text()
        assert before in text
        (self.directory / file).write_text(text.replace(before, after))

    def run(self, *arguments):
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def manage(self, *arguments):
        return self.run("manage.py", *arguments)

    def check(self):
        answer = self.manage("check")
        return answer.stdout + answer.stderr

    def shell(self, *code):
        answer = self.manage("shell", "-c", "\n".join(code))
        assert answer.returncode == 0, answer.stderr
        return answer.stdout


DRIVER = """
from django.conf import settings
from django.core.cache import cache
from django.test import Client

settings.ALLOWED_HOSTS = ["testserver"]
web = Client()

def token(**data):
    import base64
    credentials = base64.b64encode(b"reader:correct horse battery staple").decode()
    data["grant_type"] = "client_credentials"
    return web.post("/o/token/", data, headers={"Authorization": f"Basic {credentials}"}).json()

def call(token, method="get", path="/api/notes/"):
    cache.clear()
    answer = getattr(web, method)(path, headers={"Authorization": f"Bearer {token}"})
    return answer.status_code, answer.json(), answer.headers.get("WWW-Authenticate", "")
"""
REFUSED = """
assert token(scope="notes:read") == {"error": "invalid_scope"}
assert token() == {"error": "invalid_scope"}
"""
ALLOWED = """
new = token(scope="notes:read")
assert (new["scope"], new["expires_in"]) == ("notes:read", 36000)
seen = [{"id": 2, "author": 1, "title": "Croquet at eight", "published": False}]
assert call(new["access_token"])[:2] == (200, seen)
status, _, challenge = call(new["access_token"], "delete", "/api/notes/2/")
assert (status, 'scope="notes:write"' in challenge) == (403, True)
"""
REVOKED = """
status, body, challenge = call(new["access_token"])
assert (status, body["code"]) == (403, "insufficient_scope")
assert challenge == (
    'Bearer realm="api", error="insufficient_scope", scope="notes:read", '
    'resource_metadata="http://testserver/o/.well-known/oauth-protected-resource"'
)
"""
USERS = """
web.force_login(User.objects.get(username="alice"))
assert web.get("/api/notes/").status_code == 200
assert web.post("/api/notes/2/publish/").json() == {"published": True}
answer = web.post("/api/notes/", {"title": "Tarts at nine"}, "application/json")
assert (answer.status_code, answer.json()["author"]) == (201, 1)
"""


@pytest.mark.slow
def test_the_tutorial_leads_from_an_open_api_to_a_guarded_one(tmp_path):
    project = Project(tmp_path)
    shown = [code for _, code in blocks_of(DOCS / "tutorial.md", "console")]
    checks_shown = [code for code in shown if code.startswith("$ python manage.py check")]

    project.append("config/settings.py")
    for file in ("notes/models.py", "notes/views.py", "config/urls.py"):
        project.write(file)
    project.manage("makemigrations", "notes")
    project.manage("migrate")
    project.shell(
        "from django.contrib.auth.models import User",
        "User.objects.create_superuser('alice', password='wonderland')",
        project.next_block("in the shell"),
        DRIVER,
        "assert web.delete('/api/notes/1/').status_code == 204",
    )

    project.append("config/settings.py")
    assert checks_shown.pop(0).partition("\n")[2].strip() == project.check().strip()
    assert project.manage("migrate").returncode != 0

    project.append("config/settings.py")
    line = project.next_block("config/urls.py, in urlpatterns")
    project.replace("config/urls.py", '    path("ping/"', f'    {line}    path("ping/"')
    assert set(re.findall(r"api_guard\.\w+", project.check())) == {"api_guard.E002"}
    assert "2 views in notes.views have no guard: NoteViewSet at /api/notes/$, ping at" in (
        project.check()
    )

    added = project.next_block("notes/views.py, the new lines")
    project.replace(
        "notes/views.py", "class NoteViewSet(", '@guard(read="notes:read")\nclass NoteViewSet('
    )
    project.replace(
        "notes/views.py", "@api_view(", '@guard(read=PUBLIC, throttle="20/m")\n@api_view('
    )
    project.replace(
        "notes/views.py", "from notes", "from api_guard import PUBLIC, guard\nfrom notes"
    )
    views = (tmp_path / "notes/views.py").read_text()
    assert all(line in views for line in added.splitlines() if "..." not in line)
    begin, _, end = checks_shown.pop(0).partition("\n")[2].partition("\n...\n")
    found = project.check()
    assert found.startswith(begin)
    assert found.strip().endswith(end.strip())

    project.append("config/settings.py")
    project.write("notes/views.py")
    assert "no issues" in checks_shown.pop(0)
    assert project.check() == "System check identified no issues (0 silenced).\n"
    [listed] = [code for code in shown if code.startswith("$ python manage.py guard_endpoints")]
    rows = project.manage("guard_endpoints", "--fail-on", "unguarded,unknown").stdout.splitlines()
    assert set(listed.splitlines()[1:]) - {"..."} <= set(rows)
    assert project.manage("migrate").returncode == 0
    project.shell(
        DRIVER,
        "answer = web.delete('/api/notes/2/')",
        "assert (answer.status_code, answer.json()['code']) == (401, 'not_authenticated')",
        "web.force_login(__import__('django.contrib.auth').contrib.auth.get_user_model().objects.get())",
        "assert web.get('/api/notes/').status_code == 403",
        "web.logout()",
        project.next_block("in the shell"),
        REFUSED,
        typed(shown, "guard_grant"),
        ALLOWED,
        typed(shown, "guard_revoke"),
        REVOKED,
        project.next_block("in the shell"),
        USERS,
    )
    assert project.blocks == []


def typed(shown, command):
    """Return code that does what a console of the page does, and compares what is said."""
    [console] = [code for code in shown if code.startswith(f"$ python manage.py {command} ")]
    line, _, said = console.partition("\n")
    return f"""
import io, shlex
from django.core.management import call_command
out = io.StringIO()
call_command(*shlex.split({line.removeprefix("$ python manage.py ")!r}), stdout=out)
assert out.getvalue() == {said!r}, out.getvalue()
"""


SECURITY = (DOCS / "security.md").read_text()
MAPPED = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in SECURITY.splitlines()
    if re.match(r"\| (?:API)?\d", line)
]


@pytest.mark.parametrize("row", MAPPED, ids=lambda row: row[0])
def test_every_row_of_the_map_names_a_file_and_a_test_that_exist(row):
    *_, said, files, tests = row
    files = re.findall(r"`([\w/]+\.py)`", files)
    tests = re.findall(r"`(test_\w+\.py)::(test_\w+)`", tests)
    assert (files and tests) or said.startswith("not offered")
    for file in files:
        assert (ROOT / "api_guard" / file).exists(), file
    for file, test in tests:
        assert f"def {test}(" in (ROOT / "tests" / file).read_text(), f"{file}::{test}"


def test_the_map_has_all_ten_risks_and_the_requirements_in_their_order():
    risks = re.findall(r"^\| API(\d+):2023 ", SECURITY, re.MULTILINE)
    assert risks == [str(number) for number in range(1, 11)]
    _, _, asvs = SECURITY.partition("## OWASP ASVS")
    numbers = re.findall(r"^\| (\d+)\.(\d+)(?:\.(\d+))?[ ,]", asvs, re.MULTILINE)
    order = [tuple(int(part or 0) for part in number) for number in numbers]
    assert len(order) > 30
    assert order == sorted(order)
