"""`manage.py guard_endpoints`: listed, compared, probed."""

from __future__ import annotations

import csv
import io
import json
import logging
import time
from dataclasses import replace

import pytest
from django.core.management import CommandError, call_command
from django.urls import include, path
from rest_framework import permissions
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView
from rest_framework.viewsets import ModelViewSet

from api_guard import ANY_OBJECT, PUBLIC, SIGNED_IN, STAFF, any_of, guard
from api_guard.access.endpoints import FORMATS, Row, endpoints, listing, routes
from api_guard.permissions import HasScopes
from api_guard.testing.probes import probe
from tests.models import Note
from tests.test_leaks import STRICT, UNDECLARED, UNSEALED

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]


class Answer(APIView):
    def get(self, request):
        Note.objects.create(title="a real handler ran")
        return Response("answer")


@guard(
    read="notes:read",
    write=("notes:write", any_of("audit:read", "notes:publish")),
    throttle={"read": ("5/s", "99/d")},
    owner={"write": "author"},
    objects={"read": ANY_OBJECT},
)
class Notes(ModelViewSet):
    queryset = Note.objects.all()


class Scoped(Answer):
    permission_classes = [HasScopes("notes:read")]


class Both(Answer):
    permission_classes = [
        permissions.IsAuthenticated
        & HasScopes("notes:read")
        & HasScopes(any_of("notes:write", "audit:read"))
    ]


class OwnScopes(permissions.BasePermission):
    declares_scopes = True


class Own(Answer):
    permission_classes = [permissions.IsAuthenticated, OwnScopes]


class Open(Answer):
    permission_classes = [permissions.AllowAny]


class Writes(Answer):
    def dispatch(self, request, *args, **kwargs):
        Note.objects.create(title="a real dispatch ran")
        return super().dispatch(request, *args, **kwargs)


class Fails(Answer):
    def initialize_request(self, request, *args, **kwargs):
        raise ZeroDivisionError


class Extra(Answer):
    permission_classes = [HasScopes("notes:read")]

    def get_permissions(self):
        return [permissions.AllowAny()]


router = SimpleRouter()
router.register("notes", Notes)


@guard(read="notes:read")
class Halved(Answer):
    post = Answer.get


@guard(write="notes:write")
class WriteOnly(APIView):
    def post(self, request):
        return Response()


urlpatterns = [
    path("", include(router.urls)),
    path("halved", Halved.as_view()),
    path("write-only", WriteOnly.as_view()),
    path("suffixed.<str:format>", guard(read="notes:read")(Answer).as_view()),
    path("post-only", Notes.as_view({"post": "create"})),
    path("plain", lambda request: None),
    path("ping/<int:number>", guard(read=PUBLIC)(Answer).as_view()),
    path("desk", guard(read=SIGNED_IN)(Writes).as_view()),
    path("staff", guard(read=(STAFF, "audit:read"))(Answer).as_view()),
    path("scoped", Scoped.as_view()),
    path("fails", guard(read=PUBLIC)(Fails).as_view()),
]
OPEN = "tests.open_urls"


@pytest.fixture
def open_urls(monkeypatch):
    import sys

    module = type(sys)(OPEN)
    module.urlpatterns = [path("open", Open.as_view()), path("lost", Extra.as_view())]
    monkeypatch.setitem(sys.modules, OPEN, module)
    return module


def run(**options):
    out = io.StringIO()
    call_command("guard_endpoints", stdout=out, **options)
    return out.getvalue()


def test_the_whole_api_stands_on_one_page():
    rows = {(row.method, row.path): row for row in listing(endpoints())}
    read = rows["GET HEAD", "/notes/$"]
    assert (read.requirement, read.rates, read.objects) == ("notes:read", "5/s 99/d", "any")
    write = rows["POST", "/notes/$"]
    assert write.requirement == "notes:write, audit:read or notes:publish"
    assert (write.action, write.objects, write.rates) == ("create", "owner=author", "")
    assert rows["GET HEAD OPTIONS", "/desk"].requirement == "SIGNED_IN (first-party only)"
    assert rows["GET HEAD OPTIONS", "/staff"].requirement == "STAFF, audit:read"
    assert rows["GET HEAD OPTIONS", "/ping/<int:number>"].status == "public"
    assert rows["GET HEAD OPTIONS", "/scoped"].requirement == "notes:read (HasScopes)"
    assert rows["POST", "/write-only"].requirement == "notes:write"
    assert rows["OPTIONS", "/write-only"].requirement == "refused"


def test_a_probe_leaves_plain_views_alone(settings):
    before = len(list(probe()))
    settings.API_GUARD = {**settings.API_GUARD, "PREFIXES": ["/plain"]}
    assert len(list(probe())) == before
    assert [e.route for e in endpoints() if e.status.value == "unguarded"] == ["/plain"]


def test_every_format_says_the_same():
    rows = [vars(row) for row in listing(endpoints())]
    assert json.loads(run(format="json")) == rows
    assert list(csv.DictReader(io.StringIO(run(format="csv")))) == rows
    markdown = [line.strip("| ").split(" | ") for line in run(format="markdown").splitlines()]
    assert markdown[0] == list(rows[0])
    assert len(markdown) == len(rows) + 2
    table = run().splitlines()
    assert len(table) == len(rows) + 1
    assert all(row["view"] in line for row, line in zip(rows, table[1:], strict=True))


def test_a_collapsed_listing_has_one_row_for_each_view():
    listed = json.loads(run(format="json", collapse=True))
    assert len(listed) == len({(e.view, e.view_class) for e in endpoints()})
    rows = {row["view"].rpartition(".")[2]: row for row in listed}
    assert rows["Notes"] == {
        "method": "GET HEAD OPTIONS POST PUT PATCH DELETE",
        "path": "/notes/$ and 2 more",
        "view": "tests.test_guard_endpoints.Notes",
        "action": "list create retrieve update partial_update destroy",
        "requirement": "read notes:read; write notes:write, audit:read or notes:publish",
        "rates": "5/s 99/d",
        "objects": "any; owner=author",
        "status": "guarded",
    }
    assert rows["WriteOnly"]["requirement"] == "write notes:write"
    assert rows["Halved"]["requirement"] == "read notes:read; POST refused"


def test_a_view_with_has_scopes_is_listed_with_its_scopes(open_urls):
    given = Scoped.as_view(permission_classes=[HasScopes("audit:read")])
    open_urls.urlpatterns = [
        path("both", Both.as_view()),
        path("own", Own.as_view()),
        path("given", given),
    ]
    assert [row.requirement for row in listing(endpoints(OPEN))] == [
        "notes:read, notes:write or audit:read (HasScopes)",
        "its own scopes (HasScopes)",
        "audit:read (HasScopes)",
    ]


def test_a_view_with_public_and_guarded_operations_has_both_statuses(open_urls, settings):
    @guard(read=PUBLIC, write="notes:write")
    class Half(Answer):
        post = Answer.get

    open_urls.urlpatterns.append(path("half", Half.as_view()))
    settings.API_GUARD = {**settings.API_GUARD, "PREFIXES": ["/hand"]}
    open_urls.urlpatterns.append(path("hand", lambda request: None))
    *_, half, plain = json.loads(run(format="json", collapse=True, urlconf=OPEN))
    assert half["status"] == "public guarded"
    assert (plain["method"], plain["requirement"]) == ("ANY", "")


def test_a_listing_of_some_statuses_hides_the_others_and_still_fails_on_them(open_urls):
    only = run(only="unguarded,unknown", urlconf=OPEN)
    assert {line.split()[-1] for line in only.splitlines()[1:]} == {"unguarded", "unknown"}
    assert len(run(only="unguarded", urlconf=OPEN).splitlines()) == 2
    assert run(only="public", urlconf=OPEN).count("\n") == 1
    with pytest.raises(CommandError, match="--only: nonsense is not a status"):
        run(only="nonsense")
    with pytest.raises(CommandError, match="/open is unguarded"):
        run(only="unknown", fail_on="unguarded", urlconf=OPEN)


def test_a_release_fails_on_what_it_must_not_have(open_urls):
    run(fail_on="unguarded,unknown")
    with pytest.raises(CommandError, match="GET HEAD OPTIONS /open is unguarded"):
        run(fail_on="unguarded,unknown", urlconf=OPEN)
    with pytest.raises(CommandError, match="nonsense is not a status"):
        run(fail_on="nonsense")


def test_a_change_of_policy_is_a_visible_line(tmp_path, open_urls):
    kept = tmp_path / "endpoints.md"
    kept.write_text(run(format="markdown"), encoding="utf-8")
    assert run(format="markdown", diff=str(kept)) == ""
    with pytest.raises(CommandError, match="differ"):
        run(format="markdown", diff=str(kept), urlconf=OPEN)
    with pytest.raises(CommandError, match="cannot be read"):
        run(diff=str(tmp_path / "nowhere"))


def test_a_probe_runs_no_handler_and_finds_no_leak_where_there_is_none():
    text = run(probe=True)
    assert "LEAK" not in text
    found = {(f.method, f.path): f for f in probe()}
    assert (found["GET", "/ping/<int:number>"].anonymous) == "reached"
    desk = found["GET", "/desk"]
    assert (desk.anonymous, desk.grantless, desk.is_leak) == ("401", "reached", False)
    notes = found["POST", "/notes/$"]
    assert (notes.anonymous, notes.grantless) == ("401", "403")
    assert found["GET", "/fails"].anonymous == "ZeroDivisionError"
    assert not found["GET", "/fails"].is_clear
    assert "?     GET      /fails" in text
    assert found["GET", "/suffixed.<str:format>"].anonymous == "401"
    assert (found["HEAD", "/ping/<int:number>"].anonymous) == "reached"
    assert not Note.objects.exists()
    assert Answer.get.__module__ == __name__


@pytest.mark.parametrize(
    "hosts", [[], ["*"], ["api.example.com"], [".example.com", "api.example.org"], ["[::1]"]]
)
def test_a_probe_comes_to_a_host_that_the_project_answers(settings, caplog, hosts):
    settings.ALLOWED_HOSTS, settings.DEBUG = hosts, True
    text = run(probe=True)
    assert "DisallowedHost" not in text
    assert "ok    POST     /notes/$  anonymous 401, without grants 403" in text
    assert not [each for each in caplog.records if each.name == "api_guard.decisions"]
    assert not logging.getLogger("api_guard.decisions").disabled


@pytest.mark.parametrize(
    "option",
    [
        {"fail_on": "unknown"},
        {"diff": "x"},
        {"format": "csv"},
        {"only": "public"},
        {"collapse": True},
    ],
)
def test_a_probe_goes_alone(option):
    with pytest.raises(CommandError, match="cannot be combined"):
        run(probe=True, **option)


@pytest.mark.urls("tests.test_leaks")
def test_every_leak_that_we_know_of_is_refused_to_a_probe_too():
    found = {(f.method, f.path): f for f in probe()}
    # One handler is reached, for the seal to refuse what it says: the check names it, too.
    leaks = {f.path for f in found.values() if f.is_leak}
    assert leaks == {"/unsealed/scopes-then-none"}
    for group, views in (("undeclared", UNDECLARED), ("unsealed", UNSEALED)):
        for name in views.keys() - {"scopes-then-none"}:
            answers = {f.anonymous for f in found.values() if f.path == f"/{group}/{name}"}
            assert answers <= {"403", "401"}, name
    assert {found["GET", f"/strict/{name}"].anonymous for name in STRICT} <= {"401", "403"}


def test_a_view_that_admits_more_than_its_policy_says_is_a_leak(settings, open_urls):
    """A project without the middleware has no seal, and the probe knows."""
    settings.MIDDLEWARE = settings.MIDDLEWARE[1:]
    with pytest.raises(CommandError, match="reached their handler"):
        run(probe=True, urlconf=OPEN)


def test_two_thousand_endpoints_are_walked_in_seconds(monkeypatch):
    import sys

    big = SimpleRouter()
    for number in range(230):
        cls = type(f"Notes{number}", (Notes,), {"__module__": __name__})
        big.register(f"notes-{number}", cls, basename=f"notes-{number}")
    module = type(sys)("tests.big_urls")
    module.urlpatterns = big.urls
    monkeypatch.setitem(sys.modules, "tests.big_urls", module)
    started = time.perf_counter()
    rows = list(endpoints("tests.big_urls"))
    listing(rows)
    assert len(rows) >= 2000
    assert time.perf_counter() - started < 5
    assert len(routes("tests.big_urls")) == 460


def test_one_long_cell_does_not_widen_the_other_lines():
    long = ", ".join(f"field_{number}<notes.views.Tags" for number in range(50))
    row = Row("GET", "/notes/", "notes.views.Notes", "", "PUBLIC", "", "any", "public")
    lines = FORMATS["table"]([row, replace(row, objects=long)]).splitlines()
    assert lines[0].index("status") == lines[1].index("public")
    assert max(map(len, lines[:2])) < 100
    assert lines[2].endswith(f"{long}  public")
