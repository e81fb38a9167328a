"""Bundles: granted as one, and what they open is in the settings and applied."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from django.urls import path
from django.utils import timezone
from rest_framework.decorators import api_view
from rest_framework.response import Response

from api_guard import any_of, checks, conf, explain, grants, guard, reviews
from api_guard.access.callers import caller_of
from api_guard.checks import granting
from api_guard.core.sync_files import SyncFileError, parse
from api_guard.exceptions import GuardError
from api_guard.grants import GrantError
from api_guard.ledger import contents
from api_guard.models import BundlePin, ScopeGrant, recorded

SCOPES = {
    "notes:read": {"description": "Read notes", "group": "Notes"},
    "notes:write": {"description": "Change notes", "group": "Notes"},
    "notes:share": {"description": "Share notes", "group": "Notes", "max_days": 30},
    "audit:read": {"description": "Read the audit", "group": "Audit"},
    "pay:refund": {"description": "Refund", "group": "Pay", "sensitive": True},
}
EDITOR = {"description": "Edit notes", "scopes": ["notes:read", "notes:write"]}
TEST = grants.System("a test")


def view(**policy):
    @guard(**policy)
    @api_view(["GET", "POST"])
    def answer(request):
        return Response(sorted(caller_of(request).scopes))

    return answer


urlpatterns = [
    path("read", view(read="notes:read")),
    path("write", view(read="notes:write")),
    path("both", view(read=("notes:read", "notes:write"))),
    path("any", view(read=any_of("audit:read", "notes:write"))),
    path("audit", view(read="audit:read")),
    path("limited", view(read="notes:write", throttle="100/m")),
    path("refund", view(read="pay:refund")),
]
pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]


@pytest.fixture
def bundle(settings):
    """Set what a bundle contains, as a deploy does; and apply it."""

    def bundle(*scopes, name="editor", applied=True):
        said = {"description": "Edit notes", "scopes": [*scopes]} if scopes else None
        found = {**settings.API_GUARD.get("BUNDLES", {}), name: said}
        settings.API_GUARD = {
            **settings.API_GUARD,
            "SCOPES": SCOPES,
            "BUNDLES": {name: each for name, each in found.items() if each is not None},
        }
        if applied:
            grants.pin(f"@{name}", by=TEST)

    return bundle


@pytest.fixture
def editor(bundle):
    bundle("notes:read", "notes:write")
    return "@editor"


def refused(code):
    return pytest.raises(GrantError, check=lambda error: error.code == code)


def statuses(api, *urls):
    return [api.get(f"/{url}").status_code for url in urls]


def is_whole():
    return list(grants.differences()) == []


# What a request gets


@pytest.mark.parametrize("kind", ["user", "group", "everyone"])
def test_a_bundle_is_granted_and_revoked_as_one(api, alice, editor, settings, kind):
    grantee = alice
    if kind != "user":
        grantee = Group.objects.create(name="editors")
        settings.API_GUARD = {
            **settings.API_GUARD,
            **({"EVERYONE_GROUP": "editors"} if kind == "everyone" else {}),
        }
        if kind == "group":
            alice.groups.add(grantee)
    api.by_session(alice)
    urls = ("read", "write", "both", "any", "limited")
    assert statuses(api, *urls) == [403] * 5
    row = grants.grant(editor, grantee, by=TEST)
    assert statuses(api, *urls, "audit") == [200] * 5 + [403]
    assert api.get("/read").json() == ["notes:read", "notes:write"]
    grants.revoke(row, by=TEST)
    assert statuses(api, *urls) == [403] * 5
    assert is_whole()


def test_a_token_gets_of_a_bundle_what_it_carries(api, alice, editor, application, issue):
    for grantee in (alice, application):
        grants.grant(editor, grantee, by=TEST)
    api.by_token(issue("notes:read", user=alice))
    assert statuses(api, "read", "write", "both") == [200, 403, 403]
    api.by_token(issue("notes:read notes:write @editor", user=alice))
    assert statuses(api, "read", "write", "both", "limited") == [200] * 4
    assert api.get("/read").json() == ["notes:read", "notes:write"]
    api.by_token(issue("@editor", user=alice))
    assert statuses(api, "read", "write") == [403, 403]
    api.by_token(issue("notes:write", to=application))
    assert statuses(api, "read", "write") == [403, 200]
    assert grants.scopes_of_client(application.pk) == {"notes:read", "notes:write"}


def test_a_bundle_that_is_widened_in_code_opens_nothing_until_applied(api, alice, bundle, editor):
    grants.grant(editor, alice, by=TEST)
    api.by_session(alice)
    assert statuses(api, "write", "audit") == [200, 403]
    bundle("notes:read", "notes:write", "audit:read", applied=False)
    assert statuses(api, "write", "audit") == [200, 403]
    assert api.get("/write").json() == ["notes:read", "notes:write"]
    [change] = grants.unpinned()
    assert str(change) == "pin bundle @editor: +audit:read"
    call_command("guard_sync", "--bundles", "--apply", "--as", "ci", stdout=StringIO())
    assert statuses(api, "write", "audit") == [200, 200]
    assert (is_whole(), grants.unpinned()) == (True, [])


def test_a_bundle_that_is_narrowed_in_code_closes_at_once_and_for_good(api, alice, bundle, editor):
    grants.grant(editor, alice, by=TEST)
    api.by_session(alice)
    bundle("notes:read", applied=False)
    assert statuses(api, "read", "write") == [200, 403]
    grants.pin(editor, by=TEST)
    bundle("notes:read", "notes:write", applied=False)
    assert statuses(api, "read", "write") == [200, 403]


def test_a_bundle_that_was_never_applied_or_is_gone_opens_nothing(api, alice, bundle, settings):
    bundle("notes:read", applied=False)
    grants.grant("@editor", alice, by=TEST)
    api.by_session(alice)
    assert statuses(api, "read") == [403]
    grants.pin("@editor", by=TEST)
    assert statuses(api, "read") == [200]
    settings.API_GUARD = {name: v for name, v in settings.API_GUARD.items() if name != "BUNDLES"}
    assert statuses(api, "read") == [403]
    assert grants.granted(alice, None)[0].user == frozenset()


def test_a_sensitive_scope_is_never_opened_by_a_bundle(api, alice, bundle):
    bundle("notes:read", "pay:refund")
    assert BundlePin.objects.get().scopes == "notes:read"
    with recorded():
        BundlePin.objects.update(scopes="notes:read pay:refund")
    grants.grant("@editor", alice, by=TEST)
    api.by_session(alice)
    assert statuses(api, "read", "refund") == [200, 403]
    assert not is_whole()


@pytest.mark.parametrize("value", ["editor", {"editor": "notes:read"}, {"editor": {"scopes": 1}}])
def test_wrong_bundles_open_nothing(api, alice, settings, editor, value):
    grants.grant(editor, alice, by=TEST)
    api.by_session(alice)
    assert statuses(api, "read") == [200]
    settings.API_GUARD = {**settings.API_GUARD, "BUNDLES": value}
    assert statuses(api, "read", "write") == [403, 403]
    assert conf.bundles() == {}


def test_a_bundle_costs_no_query_more(api, alice, editor, application, issue, settings):
    def queries():
        with CaptureQueriesContext(connection) as found:
            assert statuses(api, "write", "limited") == [200, 200]
        return len(found)

    without = {name: v for name, v in settings.API_GUARD.items() if name != "BUNDLES"}
    bundles = settings.API_GUARD
    for grantee in (alice, application):
        grants.grant("@editor", grantee, by=TEST)
        settings.API_GUARD = without
        grants.grant("notes:write", grantee, by=TEST)
        settings.API_GUARD = bundles
    for prepared in (api.by_token(issue("notes:write", user=alice)), api.by_session(alice)):
        assert prepared is api
        settings.API_GUARD = without
        queries()
        before = queries()
        settings.API_GUARD = bundles
        assert queries() == before


# Granting


def test_a_manager_grants_a_bundle_only_with_the_authority_for_all_of_it(alice, bundle, db):
    managers = Group.objects.create(name="managers")
    nora = get_user_model().objects.create_user("nora")
    nora.groups.add(managers)
    bundle("notes:read", "notes:write")
    grants.authorize(managers, "Notes", by=TEST)
    bundle("notes:read", "audit:read", name="auditor")
    assert grants.managed_scopes(nora) == ("notes:read", "notes:write", "notes:share", "@editor")
    grants.revoke(grants.grant("@editor", alice, by=nora), by=nora)
    for name in ("@auditor", "@unknown"):
        with refused("no_authority"):
            grants.grant(name, alice, by=nora)
    grants.authorize(managers, "Audit", by=TEST)
    assert grants.grant("@auditor", alice, by=nora).scope == "@auditor"
    with refused("unknown_scope"):
        grants.grant("@unknown", alice, by=TEST)


def test_a_bundle_is_as_strict_as_its_strictest_scope(alice, bundle):
    bundle("notes:read", "notes:write")
    row = grants.grant("@editor", alice, by=TEST)
    bundle("notes:read", "notes:share", applied=False)
    with refused("too_long"):
        grants.pin("@editor", by=TEST)
    grants.extend(row, timezone.now() + timedelta(days=29), by=TEST)
    grants.pin("@editor", by=TEST)
    grants.revoke(row, by=TEST)
    with refused("too_long"):
        grants.grant("@editor", alice, by=TEST)


def test_only_who_gives_any_scope_decides_what_a_bundle_opens(bundle, alice, manager):
    bundle("notes:read", applied=False)
    with refused("no_authority"):
        grants.pin("@editor", by=alice)
    grants.pin("@editor", by=manager)
    grants.pin("@never", by=manager)
    assert [said.event for said in contents()][-1] == "pin_bundle"


def test_a_pin_is_written_by_nobody_else(bundle, editor):
    pin = BundlePin.objects.get()
    assert str(pin) == "@editor: notes:read notes:write"
    for write in (pin.save, pin.delete, BundlePin.objects.all().delete):
        with pytest.raises(Exception, match="grants"):
            write()
    pin.refresh_from_db()
    assert is_whole()
    with recorded():
        pin.delete()
    assert not is_whole()


def test_sql_that_changes_a_pin_is_found_and_adopted(bundle, editor):
    with recorded():
        BundlePin.objects.update(scopes="notes:read audit:read")
    [difference] = grants.differences()
    assert "its scopes is notes:read audit:read" in str(difference)
    with recorded():
        BundlePin.objects.create(bundle="@other", scopes="notes:read")
    assert grants.adopt(by=TEST) == 2
    assert is_whole()


# Reading


def test_who_holds_a_scope_by_a_bundle_is_told(alice, editor, bundle):
    row = grants.grant(editor, alice, by=TEST)
    [way] = grants.holders(["notes:write"])
    assert (way.scope, way.bundle) == ("notes:write", "@editor")
    assert str(way) == "notes:write by bundle @editor to user alice"
    assert list(map(str, grants.ways(alice, None, ["notes:write"]))) == [str(way)]
    [who] = explain.can("notes:write", 10)
    assert str(who) == f"user alice: {way}"
    assert [str(each) for each in explain.who_can("GET", "/write", 10)] == [str(who)]
    assert grants.holders(["audit:read"]) == ()
    grants.revoke(row, by=TEST)
    [ended] = grants.ended(alice, None, ["notes:write"])
    assert "revoked on" in str(ended)


# Files and commands


def sync(said, *options):
    out = StringIO()
    try:
        call_command("guard_sync", *said, *options, stdout=out)
    except CommandError as error:
        return out.getvalue(), error.returncode
    return out.getvalue(), 0


def test_a_file_names_bundles(tmp_path, alice, editor, bundle):
    file = tmp_path / "grants.json"
    file.write_text(json.dumps({"grants": [{"user": "alice", "scopes": ["@editor"]}]}))
    assert sync([str(file)]) == ("grant @editor to user alice\n", 1)
    assert sync([str(file)], "--apply")[1] == 0
    assert sync([str(file)]) == ("No difference.\n", 0)
    out = StringIO()
    call_command("guard_sync", "--export", stdout=out)
    assert json.loads(out.getvalue())["grants"] == [
        {"user": "alice", "scopes": ["@editor"], "reason": grants.held(alice).get().reason}
    ]
    bundle("notes:read", "audit:read", applied=False)
    said, code = sync([str(file)])
    assert (said, code) == ("pin bundle @editor: +audit:read -notes:write\n", 1)
    file.write_text(json.dumps({"grants": [{"user": "alice", "scopes": ["@editors"]}]}))
    with pytest.raises(SyncFileError, match=r"API_GUARD\['BUNDLES'\]. Did you mean '@editor'"):
        grants.plan_sync(parse(file.read_bytes()))


UNPIN = "unpin bundle @editor: the settings let it open nothing"


def test_a_bundle_that_is_gone_loses_its_pin(editor, bundle):
    bundle(applied=False)
    assert sync(["--bundles"]) == (f"{UNPIN}\n", 1)
    assert sync(["--bundles"], "--apply", "--as", "ci")[1] == 0
    assert sync(["--bundles"]) == ("No difference.\n", 0)
    assert (BundlePin.objects.count(), is_whole()) == (0, True)
    assert [said.event for said in contents()][-1] == "unpin_bundle"


def test_a_bundle_that_lost_all_its_scopes_opens_none_of_them_again_by_itself(
    api, alice, bundle, settings
):
    bundle("notes:read")
    grants.grant("@editor", alice, by=TEST)
    sensitive = {**SCOPES["notes:read"], "sensitive": True}
    settings.API_GUARD = {**settings.API_GUARD, "SCOPES": {**SCOPES, "notes:read": sensitive}}
    assert sync(["--bundles"], "--apply") == (f"{UNPIN}\n", 0)
    bundle("notes:read", applied=False)
    assert api.by_session(alice).get("/read").status_code == 403


def test_a_bundle_gets_another_spelling_in_one_run(alice, bundle):
    bundle("notes:read")
    bundle(applied=False)
    bundle("notes:read", name="Editor", applied=False)
    grants.apply_sync(grants.plan_bundles(), by=TEST)
    assert list(BundlePin.objects.values_list("bundle", "scopes")) == [("@Editor", "notes:read")]
    assert (grants.unpinned(), is_whole()) == ([], True)


def test_the_commands_name_bundles(alice, editor):
    out = StringIO()
    call_command("guard_grant", editor, "--user", "alice", stdout=out)
    assert "@editor for user alice" in out.getvalue()
    call_command("guard_revoke", "--user", "alice", "--scope", editor, stdout=out)
    assert not grants.held(alice).exists()


# Settings and checks


@pytest.mark.parametrize(
    ("bundles", "said"),
    [
        ({"@editor": EDITOR}, "without @"),
        ({"editor": {**EDITOR, "scopes": []}}, "a description and scopes"),
        ({"editor": {**EDITOR, "description": " "}}, "a description and scopes"),
        ({"editor": {**EDITOR, "group": "Notes"}}, "unknown key 'group'"),
        ({"editor": {**EDITOR, "scopes": ["notes:red"]}}, "Did you mean 'notes:read'?"),
        ({"editor": {**EDITOR, "scopes": ["pay:refund"]}}, "sensitive"),
        ({"editor": EDITOR, "Editor": EDITOR}, "differ only in case"),
    ],
)
def test_a_wrong_bundle_is_a_mistake(settings, bundles, said):
    settings.API_GUARD = {**settings.API_GUARD, "SCOPES": SCOPES, "BUNDLES": bundles}
    [message] = checks.check_settings()
    assert said in message.msg


def test_right_bundles_are_no_mistake_and_a_scope_has_no_such_name(settings, editor):
    assert checks.check_settings() == []
    assert conf.bundles()["@editor"].scopes == {"notes:read", "notes:write"}
    settings.API_GUARD = {**settings.API_GUARD, "SCOPES": {"@a": "A"}, "BUNDLES": {}}
    assert "no @ first" in checks.check_settings()[0].msg
    assert conf.scopes() == {}
    with pytest.raises(GuardError, match="is a bundle"):
        guard(read="@editor")


def test_what_is_not_applied_is_warned_of(bundle, editor, monkeypatch):
    assert granting.check_bundles(databases=["default"]) == []
    bundle("notes:read", "audit:read", applied=False)
    assert granting.check_bundles(databases=None) == []
    [warning] = granting.check_bundles(databases=["default"])
    assert "pin bundle @editor: +audit:read -notes:write" in warning.msg

    def fail():
        raise DatabaseError

    monkeypatch.setattr(grants, "unpinned", fail)
    assert granting.check_bundles(databases=["default"]) == []


# What the commands say


def run(*line):
    out = StringIO()
    call_command(*line, stdout=out)
    return out.getvalue()


def test_a_dry_run_of_a_grant_does_nothing(alice, editor):
    said = run("guard_grant", "--user", "alice", editor, "audit:read", "--dry-run")
    assert said.splitlines() == [
        "Granted: @editor for user alice.",
        "Granted: audit:read for user alice.",
        "Dry run: nothing was changed.",
    ]
    assert not grants.held(alice).exists()
    line = ("guard_grant", "--user", "alice", "pay:refund", "audit:read", "--format", "json")
    assert json.loads(run(*line)) == {
        "dry_run": False,
        "changes": [
            {"act": "ask", "user": "alice", "scope": "pay:refund", "until": None, "was": None},
            {"act": "grant", "user": "alice", "scope": "audit:read", "until": None, "was": None},
        ],
    }
    with pytest.raises(CommandError, match="already has a grant of this scope"):
        run("guard_grant", "--user", "alice", editor, "audit:read", "--dry-run")


def test_a_dry_run_of_a_revoke_does_nothing(alice, editor, issue):
    grants.grant(editor, alice, by=TEST)
    token = issue("notes:read", user=alice)
    said = run("guard_revoke", "--user", "alice", "--dry-run").splitlines()
    assert said == ["Revoked 1 grant and 1 token of alice.", "Dry run: nothing was changed."]
    token.refresh_from_db()
    assert (grants.held(alice).count(), token.is_expired(), is_whole()) == (1, False, True)
    said = json.loads(run("guard_revoke", "--user", "alice", "--format", "json"))
    assert said == {"dry_run": False, "revoked": {"grants": 1, "tokens": 1}, "failed": []}
    with pytest.raises(CommandError, match="holds no grant"):
        run("guard_revoke", "--user", "alice", "--scope", editor)


def test_a_dry_run_of_a_sync_does_nothing(bundle):
    bundle("notes:read", applied=False)
    said, code = sync(["--bundles"], "--apply", "--dry-run")
    assert said.splitlines() == ["pin bundle @editor: +notes:read", "Dry run: nothing was changed."]
    assert (code, BundlePin.objects.count()) == (0, 0)
    said = json.loads(sync(["--bundles"], "--format", "json", "--apply")[0])
    assert (said["applied"], said["changes"][0]["bundle"]) == (True, "@editor")


def test_a_bundle_that_is_granted_is_declared_and_may_be_unused(editor, alice):
    row = grants.grant(editor, alice, by=TEST)
    assert list(grants.unused(90)) == []
    with recorded():
        ScopeGrant.objects.filter(pk=row.pk).update(granted_at=timezone.now() - timedelta(days=99))
    assert [(each.row.pk, each.why.value) for each in grants.unused(90)] == [(row.pk, "unused")]


@pytest.mark.parametrize("covers", [{"scope": "notes:read"}, {"scope": "@editor"}, {}])
def test_a_review_of_a_scope_covers_the_bundles_that_give_it(editor, alice, bob, covers):
    bob.user_permissions.set(Permission.objects.filter(codename="grant_any_scope"))
    row = grants.grant(editor, alice, by=TEST)
    due = timezone.now() + timedelta(days=7)
    bob = type(bob).objects.get(pk=bob.pk)
    review = reviews.open_review("Editors", reviewer=bob, due_at=due, by=TEST, **covers)
    assert list(review.items.values_list("grant_id", flat=True)) == [row.pk]
