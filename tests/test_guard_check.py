"""`manage.py guard_check`: grouped, in order, in three formats, with an exit code."""

from __future__ import annotations

import importlib
import io
import json
import sys

import pytest
from django.core.checks import Error, Info, registry
from django.core.checks import Warning as Warned
from django.core.management import CommandError, call_command
from django.core.management.color import color_style
from django.urls import clear_url_caches, path
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import PUBLIC, guard
from api_guard.adoption.named import Place, place_of
from api_guard.checks.causes import Report, causes_of, report
from api_guard.checks.steps import Step, step_of
from api_guard.management.causes import as_github, as_json, as_text
from tests.projects import written
from tests.test_docs import ids_in_the_code

pytestmark = pytest.mark.urls(__name__)


class Answer(APIView):
    def get(self, request):
        return Response()


@guard(read="notes:read")
class Kept(Answer):
    pass


@guard(read=PUBLIC, write="notes:write")
class Half(Answer):
    post = Answer.get


@guard(read=PUBLIC)
class Open(Answer):
    pass


urlpatterns = [path(f"{view.__name__.lower()}/", view.as_view()) for view in (Kept, Half, Open)]
PLAIN = color_style()
UNGUARDED = Error("shop.views.Cart is routed.", hint="Write @guard(...).", id="api_guard.E002")
MIDDLEWARE = Error("It is missing.", hint='MIDDLEWARE = ["x"]', id="api_guard.E009")
SLOW = [
    Warned(f"shop.views.{name} orders.", hint="ordering_fields = [...]", id="api_guard.W074")
    for name in ("Cart", "Order")
]


def run(**options):
    out = io.StringIO()
    call_command("guard_check", stdout=out, no_color=True, **options)
    return out.getvalue()


@pytest.fixture
def found(monkeypatch):
    """Register checks of api_guard's that find what a test says."""
    said = []

    def check(app_configs, **_):
        return said

    check.__module__ = "api_guard.checks.made_up"
    check.tags = ()
    monkeypatch.setattr(registry.registry, "registered_checks", [check, _foreign])
    return said


def _foreign(app_configs, **_):
    return [Error("Of another package.", id="fields.E001")]


_foreign.tags = ()


def test_each_check_has_a_step_and_each_step_has_checks():
    assert {step_of(each) for each in ids_in_the_code()} == set(Step)
    assert step_of("api_guard.E999") is Step.DEPLOY


def test_a_project_without_findings_is_told_so_and_what_comes_next(settings):
    settings.DEBUG = True
    settings.SILENCED_SYSTEM_CHECKS = [each for each in ids_in_the_code() if "E002" not in each]
    text = run()
    assert "All is well: 2 views guarded, 1 view public, 0 views exempt.\nNext: " in text
    assert json.loads(run(format="json"))["errors"] == 0
    assert run(format="github") == ""


def test_messages_of_one_cause_stand_together_in_the_order_to_solve_them(found):
    found += [*SLOW, UNGUARDED, MIDDLEWARE, SLOW[0]]
    causes = report().causes
    assert [cause.id[-4:] for cause in causes] == ["E009", "E002", "W074"]
    assert causes[2].messages == ("shop.views.Cart orders.", "shop.views.Order orders.")
    for name in ("text", "json", "github"):
        with pytest.raises(CommandError, match="what to solve"):
            run(format=name)


def test_a_heading_stands_once_above_all_of_its_causes(found):
    found += [MIDDLEWARE, Error("Another.", id="api_guard.E001")]
    assert as_text(report(), PLAIN).count("install the guard\n") == 1


def test_the_order_does_not_depend_on_that_of_the_checks():
    later = Error("Later.", id="api_guard.E033")
    for messages in ([later, MIDDLEWARE, UNGUARDED], [UNGUARDED, MIDDLEWARE, later]):
        assert [cause.id[-3:] for cause in causes_of(messages)] == ["009", "033", "002"]


def test_what_a_person_reads(found):
    found += [*SLOW, UNGUARDED, MIDDLEWARE, Error("Two\nlines", id="api_guard.E003")]
    text = as_text(report(), PLAIN)
    assert text == (
        "Errors: install the guard\n"
        "  1. E009  It is missing.\n"
        '           Fix: MIDDLEWARE = ["x"]\n'
        "\n"
        "Errors: state what each view requires\n"
        "  2. E002  shop.views.Cart is routed.\n"
        "           Fix: Write @guard(...).\n"
        "\n"
        "Errors: state it for each operation, with declared scopes\n"
        "  3. E003  Two\n"
        "           lines\n"
        "\n"
        "Warnings: limit what may come in\n"
        "  4. W074  - shop.views.Cart orders.\n"
        "           - shop.views.Order orders.\n"
        "           Fix: ordering_fields = [...]\n"
        "\n"
        "3 errors, 2 warnings.\n"
        "Next: install the guard, then run this again. More checks look at a view when it\n"
        "has a guard: of its scopes, operations, objects and rates.\n"
        "manage.py guard_init proposes settings and guards as one patch.\n"
    )


def test_warnings_alone_fail_only_if_asked(found):
    found += SLOW[:1]
    assert "0 errors, 1 warning.\nNext: limit what may come in, from number 1 on" in run()
    with pytest.raises(CommandError):
        run(fail_on="warning")


def test_what_is_silenced_is_counted_and_not_told(found, settings):
    settings.SILENCED_SYSTEM_CHECKS = ["api_guard.E009"]
    found += [MIDDLEWARE, Info("Of no weight.", id="api_guard.W020")]
    text = run()
    assert "It is missing" not in text
    assert "1 more are silenced by SILENCED_SYSTEM_CHECKS." in text


def test_checks_of_a_deployment_and_of_a_database_run_when_asked(monkeypatch, db):
    asked = []

    def check(app_configs, databases, **_):
        asked.append(databases)
        return []

    check.__module__ = "api_guard.checks.made_up"
    monkeypatch.setattr(registry.registry, "registered_checks", [])
    monkeypatch.setattr(registry.registry, "deployment_checks", [check])
    run()
    run(deploy=True, databases=["default"])
    assert asked == [["default"]]


@pytest.fixture
def shop(tmp_path, monkeypatch, settings):
    views = "import os\n\nTAX: int = 3\nTOTAL = 1\nTOTAL = 2\n\n@wrapped\nclass Cart: ...\n"
    files = {
        "shop/__init__.py": "",
        "shop/views.py": views.replace("@wrapped", "\n"),
        "shop/broken.py": "",
        "shop/settings.py": 'DEBUG = True\nMIDDLEWARE = ["y"]\n',
    }
    written(tmp_path, files)
    monkeypatch.syspath_prepend(str(tmp_path))
    settings.SETTINGS_MODULE = "shop.settings"
    importlib.invalidate_caches()
    for name in ("shop.views", "shop.settings", "shop.broken"):
        importlib.import_module(name)
    (tmp_path / "shop/broken.py").write_text("class :")
    yield tmp_path
    clear_url_caches()
    for each in [each for each in sys.modules if each.partition(".")[0] == "shop"]:
        del sys.modules[each]


@pytest.mark.parametrize(
    ("message", "place"),
    [
        ("shop.views.Cart is routed at /cart/.", Place("shop/views.py", 9)),
        ("2 views in shop.views have no guard: Cart at /cart/.", Place("shop/views.py", 9)),
        ("shop.views.gone is routed.", Place("shop/views.py", 1)),
        ("TOTAL of shop.views", Place("shop/views.py", 4)),
        ("MIDDLEWARE lacks api_guard.middleware.GuardMiddleware.", Place("shop/settings.py", 2)),
        ("shop.broken.Cart is routed.", Place("shop/broken.py", 1)),
        ("django.views.View is routed.", None),
        ("nothing.here is named", None),
    ],
)
def test_a_message_leads_to_the_line_of_the_project_that_it_names(shop, message, place):
    assert place_of(message) == place


def test_without_a_settings_module_a_message_about_settings_has_no_place(shop, settings):
    settings.SETTINGS_MODULE = "shop.gone"
    assert place_of("MIDDLEWARE is wrong") is None


def test_json_has_every_cause_with_its_places(shop):
    found = Report(tuple(causes_of([UNGUARDED, MIDDLEWARE, *SLOW])))
    said = json.loads(as_json(found))
    assert (said["errors"], said["warnings"], said["silenced"]) == (2, 2, 0)
    assert said["causes"][0] == {
        "id": "api_guard.E009",
        "level": "error",
        "step": "install the guard",
        "fix": 'MIDDLEWARE = ["x"]',
        "messages": [{"text": "It is missing.", "place": {"file": "shop/settings.py", "line": 2}}],
    }


def test_github_shows_each_message_beside_its_line(shop):
    odd = Error("100 % of\nx.y", id="api_guard.E006")
    found = Report(tuple(causes_of([UNGUARDED, odd, SLOW[0]])))
    assert as_github(found).splitlines() == [
        "::error title=api_guard.E006::100 %25 of%0Ax.y",
        "::error file=shop/views.py,line=9,title=api_guard.E002::"
        "shop.views.Cart is routed. Fix: Write @guard(...).",
        "::warning file=shop/views.py,line=9,title=api_guard.W074::"
        "shop.views.Cart orders. Fix: ordering_fields = [...]",
    ]


def test_colours_are_those_of_django(found):
    found += [MIDDLEWARE]
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("guard_check", stdout=out, force_color=True)
    assert "\x1b[" in out.getvalue()
