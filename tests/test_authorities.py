"""Who may give and take which scopes, and what each kind of somebody may not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import OperationalError, transaction
from django.utils import timezone
from oauth2_provider.models import AccessToken

from api_guard import conf, grants
from api_guard.access.receivers import connect
from api_guard.checks.granting import check_everyone_group
from api_guard.exceptions import GuardError
from api_guard.grants import Claimed, GrantError, System, giving
from api_guard.grants.finding import grantee_of
from api_guard.models import (
    GrantApproval,
    GrantAuthority,
    GrantRequest,
    RateOverride,
    RemoteSubject,
    ScopeGrant,
    recorded,
)

pytestmark = pytest.mark.django_db

CODE = System("a test")
SCOPES = {
    "notes:read": {"description": "Read notes", "group": "Notes"},
    "notes:write": {"description": "Change notes", "group": "Notes", "max_days": 30},
    "pay:refund": {"description": "Refund", "group": "Pay", "sensitive": True, "max_days": 7},
    "plain": "A scope of no group",
}


@pytest.fixture(autouse=True)
def _scopes(settings):
    settings.API_GUARD = {**settings.API_GUARD, "SCOPES": SCOPES, "EVERYONE_GROUP": "everyone"}


def soon(**delta):
    return timezone.now() + timedelta(**delta)


def refusal(code):
    return pytest.raises(GrantError, check=lambda error: error.code == code)


@pytest.fixture
def managing(db):
    """Make a user whose group manages these groups of scopes."""

    def make(name, *scope_groups):
        group = Group.objects.create(name=f"group of {name}")
        for scope_group in scope_groups:
            grants.authorize(group, scope_group, by=CODE)
        user = get_user_model().objects.create_user(name, is_staff=True)
        user.groups.add(group)
        for action in ("add", "change", "view"):
            may = Permission.objects.get(codename=f"{action}_scopegrant")
            user.user_permissions.add(may)
        return get_user_model().objects.get(pk=user.pk)

    return make


@pytest.fixture
def nora(managing):
    return managing("nora", "Notes")


# Authority


def test_a_manager_gives_and_takes_the_scopes_of_its_group_of_scopes(nora, alice, application):
    readers = Group.objects.create(name="readers")
    for grantee in (alice, readers, application):
        row = grants.grant("notes:read", grantee, by=nora, expires_at=soon(days=2))
        assert row.granted_by == nora
        grants.extend(row, soon(days=1), by=nora)
        assert grants.revoke(row, by=nora).revoked_by == nora


@pytest.mark.parametrize("scope", ["pay:refund", "plain", "undeclared"])
def test_a_manager_gives_and_takes_no_other_scope(nora, alice, scope, caplog):
    with refusal("no_authority"):
        grants.grant(scope, alice, by=nora)
    with refusal("no_authority"):
        grants.ensure("plain", alice, by=nora)
    row = grants.grant("plain", alice, by=CODE)
    for change in (
        lambda: grants.revoke(row, by=nora),
        lambda: grants.extend(row, soon(days=1), by=nora),
        lambda: grants.revoke_all(alice, by=nora),
    ):
        with refusal("no_authority"):
            change()
    assert [each.scope for each in grants.held(alice)] == ["plain"]
    assert not GrantRequest.objects.exists()
    assert f"Refused to user {nora.pk}" in caplog.text


def test_who_manages_every_scope_manages_those_of_no_group_too(managing, alice):
    boss = managing("boss", "*")
    assert grants.grant("plain", alice, by=boss).is_live()
    assert grants.managed_scopes(boss) == tuple(SCOPES)
    assert grants.revoke_all(alice, by=boss) == 1


def test_what_somebody_manages_is_what_the_group_may_now(nora, alice):
    assert grants.managed_scopes(nora) == ("notes:read", "notes:write")
    row = grants.grant("notes:read", alice, by=nora)
    for authority in grants.authorities():
        grants.deauthorize(authority, by=CODE)
    assert grants.managed_scopes(nora) == ()
    with refusal("no_authority"):
        grants.revoke(row, by=nora)
    assert row.is_live()


def test_an_inactive_manager_manages_nothing(nora, manager, alice):
    for user in (nora, manager):
        user.is_active = False
        with refusal("no_authority"):
            grants.grant("notes:read", alice, by=user)


def test_a_superuser_and_who_has_the_permission_give_any_scope(admin_user, manager, alice, bob):
    assert grants.grant("plain", alice, by=admin_user).is_live()
    assert grants.grant("plain", bob, by=manager).is_live()
    assert grants.managed_scopes(manager) == tuple(SCOPES)


@pytest.mark.parametrize("nobody", [None, "alice", System(" "), Claimed(""), object()])
def test_nobody_answers_for_a_grant(alice, nobody):
    with refusal("nobody"):
        grants.grant("plain", alice, by=nobody)
    with refusal("nobody"):
        grants.revoke_all(alice, by=nobody)
    assert not ScopeGrant.objects.exists()


def test_the_command_line_and_code_need_no_authority(alice, bob):
    assert grants.grant("plain", alice, by=Claimed("somebody")).granted_by is None
    assert grants.grant("plain", bob, by=Claimed(alice)).granted_by == alice


def test_only_who_gives_any_scope_gives_to_everyone(nora, manager):
    everyone = Group.objects.create(name="everyone")
    with refusal("no_authority"):
        grants.grant("notes:read", everyone, by=nora)
    row = grants.grant("notes:read", everyone, by=manager)
    with refusal("no_authority"):
        grants.revoke(row, by=nora)


# What a scope takes


def test_a_scope_is_given_for_as_long_as_it_says(alice):
    for expires_at in (None, soon(days=31)):
        with refusal("too_long"):
            grants.grant("notes:write", alice, by=CODE, expires_at=expires_at)
    row = grants.grant("notes:write", alice, by=CODE, expires_at=soon(days=30))
    for expires_at in (None, soon(days=31)):
        with refusal("too_long"):
            grants.extend(row, expires_at, by=CODE)
    assert grants.extend(row, soon(days=3), by=CODE).expires_at < soon(days=4)


@pytest.mark.parametrize("by", [CODE, Claimed("me")])
def test_a_sensitive_scope_is_asked_for_whoever_gives_it(alice, by):
    asked = grants.grant("pay:refund", alice, by=by, expires_at=soon(days=1))
    assert isinstance(asked, GrantRequest)
    assert not ScopeGrant.objects.exists()
    with refusal("already_asked"):
        grants.grant("pay:refund", alice, by=by, expires_at=soon(days=1))
    with refusal("needs_approval"):
        grants.ensure("pay:refund", alice, by=by)


def test_a_sensitive_scope_is_never_everyones(manager):
    everyone = Group.objects.create(name="everyone")
    for by in (CODE, manager):
        with refusal("sensitive_to_everyone"):
            grants.grant("pay:refund", everyone, by=by, expires_at=soon(days=1))


def test_a_sensitive_scope_that_everyone_s_group_held_before_is_its_members_alone(
    alice, bob, application, settings
):
    readers = Group.objects.create(name="readers")
    for scope in ("pay:refund", "plain"):
        with recorded():
            ScopeGrant.objects.create(scope=scope, group=readers)
    settings.API_GUARD = {**settings.API_GUARD, "EVERYONE_GROUP": "readers"}
    bob.groups.add(readers)
    for asked in (None, ("plain", "pay:refund")):
        for read in (grants.granted, grants.granted_with_overrides):
            assert read(alice, None, asked)[0].user == {"plain"}
            assert read(bob, application.pk, asked)[0].user == {"plain", "pay:refund"}
    [error] = check_everyone_group(databases=["default"])
    assert (error.id, "holds 'pay:refund'" in error.msg) == ("api_guard.E085", True)
    call_command("guard_revoke", "--group", "readers", "--scope", "pay:refund")
    assert check_everyone_group(databases=["default"]) == []


@pytest.mark.parametrize("name", ["Everyone", "EVERYONE ", "éveryone"])
def test_a_name_that_some_database_takes_for_everyone_s_is_judged_as_that(name, nora):
    group = Group.objects.create(name=name)
    with refusal("sensitive_to_everyone"):
        grants.grant("pay:refund", group, by=CODE, expires_at=soon(days=1))
    with refusal("no_authority"):
        grants.grant("notes:read", group, by=nora)
    other = Group.objects.create(name="another")
    other.name = f"{name}s"
    other.save()


def test_what_is_refused_because_it_is_ones_own_is_logged(nora, three, alice, caplog):
    with refusal("self_grant"):
        grants.grant("notes:read", nora, by=nora)
    request = grants.grant("pay:refund", alice, by=three[0], expires_at=soon(days=1))
    with refusal("own_request"):
        grants.approve(request, by=three[0])
    for user in (nora, three[0]):
        assert f"Refused to user {user.pk}: " in caplog.text


def test_who_is_everyone_is_asked_of_a_database_that_is_checked_and_has_tables(
    settings, monkeypatch
):
    assert check_everyone_group(databases=None) == []

    def fail(*args, **kwargs):
        raise OperationalError("no such table: api_guard_scopegrant")

    monkeypatch.setattr("django.db.models.query.QuerySet.__iter__", fail)
    assert check_everyone_group(databases=["default"]) == []
    settings.API_GUARD = {**settings.API_GUARD, "EVERYONE_GROUP": None}
    assert check_everyone_group(databases=["default"]) == []


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (SCOPES, ("pay:refund",)),
        (None, ()),
        ({"a": {"sensitive": "no"}, "b c": {"sensitive": True}, "d": "text"}, ("a",)),
    ],
)
def test_what_is_sensitive_is_read_strictly(settings, value, names):
    settings.API_GUARD = {**settings.API_GUARD, "SCOPES": value}
    assert conf.sensitive_scopes() == names


@pytest.fixture
def three(managing):
    return [managing(name, "Pay") for name in ("one", "two", "three")]


def test_two_others_approve_a_sensitive_scope(three, nora, alice):
    asks, first, second = three
    asked = grants.grant("pay:refund", alice, by=asks, reason="a case", expires_at=soon(days=1))
    with refusal("own_request"):
        grants.approve(asked, by=asks)
    with refusal("no_authority"):
        grants.approve(asked, by=nora)
    with refusal("nobody"):
        grants.approve(asked, by=CODE)
    assert grants.approve(asked, by=first) == asked
    with refusal("already_approved"):
        grants.approve(asked, by=first)
    assert not ScopeGrant.objects.exists()
    row = grants.approve(asked, by=second)
    assert (row.scope, row.grantee, row.granted_by, row.reason) == (
        "pay:refund",
        alice,
        second,
        "a case",
    )
    assert asked.outcome == "granted"
    approval = GrantApproval.objects.first()
    assert str(approval) == f"{approval.by} approves pay:refund for user alice"
    with refusal("closed"):
        grants.approve(asked, by=first)


def test_what_is_never_given_is_not_approved_either(three, alice, manager, settings):
    """A group may become everyone's while a request for it waits, and the settings may change."""
    asks, first, second = three
    readers = Group.objects.create(name="readers")
    asked, other = (
        grants.grant("pay:refund", to, by=asks, expires_at=soon(days=6)) for to in (readers, alice)
    )
    grants.approve(asked, by=first)
    grants.approve(other, by=first)
    readers.name = "everyone"
    readers.save()
    with refusal("sensitive_to_everyone"):
        grants.approve(asked, by=manager)
    scopes = {**SCOPES, "pay:refund": {**SCOPES["pay:refund"], "max_days": 1}}
    settings.API_GUARD = {**settings.API_GUARD, "SCOPES": scopes}
    with refusal("too_long"):
        grants.approve(other, by=second)
    assert not ScopeGrant.objects.exists()


def test_who_gets_it_does_not_approve_it(three, managing):
    asks, first, second = three
    asked = grants.grant("pay:refund", first, by=asks, expires_at=soon(days=1))
    with refusal("own_request"):
        grants.approve(asked, by=first)
    theirs = second.groups.get()
    group_asked = grants.grant("pay:refund", theirs, by=asks, expires_at=soon(days=1))
    with refusal("self_grant"):
        grants.approve(group_asked, by=second)


def test_an_approval_counts_while_who_gave_it_may(three, managing, alice):
    asks, first, second = three
    asked = grants.grant("pay:refund", alice, by=asks, expires_at=soon(days=1))
    grants.approve(asked, by=first)
    first.groups.clear()
    assert grants.approve(asked, by=second) == asked
    assert isinstance(grants.approve(asked, by=managing("four", "Pay")), ScopeGrant)


def test_an_approval_counts_no_more_once_its_giver_joins_the_group(three, manager):
    payers = Group.objects.create(name="payers")
    one, two, three_ = three
    request = grants.grant("pay:refund", payers, by=one, expires_at=soon(days=1))
    assert grants.approve(request, by=two) == request
    two.groups.add(payers)
    assert grants.approve(request, by=three_) == request
    assert isinstance(grants.approve(request, by=manager), ScopeGrant)


def test_a_request_for_a_group_that_became_everyone_s_is_not_approved(three):
    payers = Group.objects.create(name="payers")
    one, two, three_ = three
    request = grants.grant("pay:refund", payers, by=one, expires_at=soon(days=1))
    assert grants.approve(request, by=two) == request
    payers.name = "everyone"
    payers.save()
    three_.user_permissions.add(Permission.objects.get(codename="grant_any_scope"))
    with refusal("sensitive_to_everyone"):
        grants.approve(request, by=get_user_model().objects.get(pk=three_.pk))
    assert not ScopeGrant.objects.exists()


def test_what_is_granted_while_somebody_revokes_all_is_left(nora, alice, monkeypatch):
    grants.grant("notes:read", alice, by=CODE)
    judged = giving.refuse_without_authority

    def judge(*args):
        judged(*args)
        with recorded():
            ScopeGrant.objects.create(scope="plain", user=alice)

    monkeypatch.setattr(giving, "refuse_without_authority", judge)
    assert grants.revoke_all(alice, by=nora) == 1
    assert grants.held(alice).get().scope == "plain"


def test_a_sensitive_grant_that_somebody_shortens_meanwhile_is_not_made_longer(
    three, alice, monkeypatch
):
    with recorded():
        row = ScopeGrant.objects.create(scope="pay:refund", user=alice, expires_at=soon(days=6))
    read = giving.get

    def get(pk):
        found = read(pk)
        with recorded():
            ScopeGrant.objects.update(expires_at=soon(hours=1))
        return found

    monkeypatch.setattr(giving, "get", get)
    with refusal("needs_approval"):
        grants.extend(row, soon(days=5), by=three[0])
    assert read(row.pk).expires_at < soon(days=1)


def test_a_request_that_is_declined_is_over(three, nora, alice):
    asks, first, _ = three
    asked = grants.grant("pay:refund", alice, by=asks, expires_at=soon(days=1))
    with refusal("no_authority"):
        grants.decline(asked, by=nora)
    assert grants.decline(asked, by=first, reason="no case").outcome == "declined"
    with refusal("closed"):
        grants.decline(asked, by=asks)
    again = grants.grant("pay:refund", alice, by=asks, expires_at=soon(days=1))
    assert grants.decline(again, by=asks).outcome == "withdrawn"


def test_an_old_request_is_closed(three, alice, monkeypatch):
    asks, first, _ = three
    asked = grants.grant("pay:refund", alice, by=asks, expires_at=soon(days=1))
    moment = timezone.now() + timedelta(days=14)
    monkeypatch.setattr("django.utils.timezone.now", lambda: moment)
    with refusal("closed"):
        grants.approve(asked, by=first)


def test_a_sensitive_grant_is_made_longer_by_asking_again(three, alice):
    asks, first, second = three
    asked = grants.grant("pay:refund", alice, by=asks, expires_at=soon(days=1))
    grants.approve(asked, by=first)
    row = grants.approve(asked, by=second)
    with refusal("needs_approval"):
        grants.extend(row, soon(days=2), by=asks)
    grants.extend(row, soon(hours=2), by=asks)
    asked = grants.grant("pay:refund", alice, by=asks, expires_at=soon(days=2))
    grants.approve(asked, by=first)
    assert grants.approve(asked, by=second).pk == row.pk
    row.refresh_from_db()
    assert row.expires_at > soon(days=1)


def test_an_unknown_scope_is_not_asked_for_either(alice, settings):
    with refusal("unknown_scope"):
        grants.grant("pay:refunds", alice, by=CODE)
    with refusal("past"):
        grants.grant("plain", alice, by=CODE, expires_at=soon(days=-1))


def test_a_request_is_for_somebody_who_is_there_and_for_later(alice):
    gone = get_user_model().objects.create_user("gone")
    get_user_model().objects.filter(pk=gone.pk).delete()
    with refusal("invalid"):
        grants.grant("pay:refund", gone, by=CODE, expires_at=soon(days=1))
    with refusal("past"):
        grants.grant("pay:refund", alice, by=CODE, expires_at=soon(days=-1))
    assert not GrantRequest.objects.exists()


def test_a_user_model_without_groups_has_no_managers(alice, monkeypatch):
    class Lone(get_user_model()):
        groups = None

        class Meta:
            proxy = True
            app_label = "tests"

        def has_perm(self, *args):
            return False

    lone = Lone.objects.get(pk=alice.pk)
    assert grants.managed_scopes(lone) == ()
    readers = Group.objects.create(name="readers")
    with refusal("no_authority"):
        grants.grant("notes:read", readers, by=lone)
    monkeypatch.setattr(Lone, "has_perm", lambda self, name: True)
    assert grants.grant("notes:read", readers, by=lone).is_live()


def test_a_row_of_nobody_is_said():
    with refusal("no_grantee"):
        grantee_of(ScopeGrant(scope="plain"))


def test_a_user_model_without_groups_has_no_memberships_to_record(monkeypatch):
    monkeypatch.setattr("api_guard.access.receivers.connecting.get_user_model", lambda: AccessToken)
    connect()


# Giving to oneself


def test_who_gives_to_himself_has_an_hour_and_a_reason(nora, django_capture_on_commit_callbacks):
    told = []

    def tell(sender, grant, by, **kwargs):
        told.append((grant.scope, by))

    grants.break_glass.connect(tell)
    for reason, expires_at in (("", soon(minutes=30)), ("fire", None), ("fire", soon(hours=2))):
        with refusal("self_grant"):
            grants.grant("notes:read", nora, by=nora, reason=reason, expires_at=expires_at)
    assert not ScopeGrant.objects.exists()
    with django_capture_on_commit_callbacks(execute=True):
        row = grants.grant("notes:read", nora, by=nora, reason="fire", expires_at=soon(minutes=59))
    assert (row.is_break_glass, told) == (True, [("notes:read", nora)])
    with refusal("self_grant"):
        grants.extend(row, soon(hours=3), by=nora)
    grants.extend(row, soon(minutes=5), by=nora)


def test_break_glass_goes_past_the_second_pair_of_eyes(three):
    row = grants.grant(
        "pay:refund", three[0], by=three[0], reason="fire", expires_at=soon(minutes=59)
    )
    assert (row.is_break_glass, row.is_live()) == (True, True)


def test_what_goes_to_ones_group_or_client_goes_to_oneself(nora, manager, application):
    application.user = nora
    application.save()
    for grantee in (nora.groups.get(), application):
        with refusal("self_grant"):
            grants.grant("notes:read", grantee, by=nora, reason="x", expires_at=soon(minutes=5))
    row = grants.grant("notes:read", nora.groups.get(), by=CODE, expires_at=soon(days=1))
    with refusal("self_grant"):
        grants.extend(row, soon(days=2), by=nora)
    mine = Group.objects.create(name="managers")
    manager.groups.add(mine)
    assert grants.grant("notes:read", mine, by=manager).is_live()


# Authorities


@pytest.mark.parametrize(
    ("most", "scope", "days", "is_allowed"),
    [
        (None, "plain", None, True),
        (90, "plain", None, False),
        (90, "plain", 91, False),
        (90, "plain", 90, True),
        (90, "notes:write", 31, False),
        (10, "notes:write", 11, False),
        (10, "notes:write", 10, True),
        ("ninety", "plain", 2, False),
        (0, "plain", 2, False),
        (True, "plain", 1, True),
    ],
)
def test_no_grant_lasts_longer_than_the_settings_say(
    alice, settings, most, scope, days, is_allowed
):
    settings.API_GUARD = {**settings.API_GUARD, "MAX_GRANT_DAYS": most}
    until = None if days is None else soon(days=days)
    if is_allowed:
        assert grants.grant(scope, alice, by=CODE, expires_at=until).expires_at == until
        return
    with refusal("too_long"):
        grants.grant(scope, alice, by=CODE, expires_at=until)
    assert not ScopeGrant.objects.exists()


def test_only_who_gives_any_scope_says_who_manages_which(nora, manager, admin_user):
    readers = Group.objects.create(name="readers")
    with refusal("no_authority"):
        grants.authorize(readers, "Notes", by=nora)
    row = grants.authorize(readers, "Notes", by=manager, reason="they asked")
    assert str(row) == "The members of readers may grant and revoke the scopes of Notes"
    with refusal("already_authorized"):
        grants.authorize(readers, "Notes", by=admin_user)
    with refusal("unknown_scope_group") as caught:
        grants.authorize(readers, "Nots", by=manager)
    assert "Did you mean 'Notes'?" in str(caught.value)
    with refusal("no_authority"):
        grants.deauthorize(row, by=nora)
    grants.deauthorize(row, by=manager)
    with refusal("not_authorized"):
        grants.deauthorize(row, by=manager)


def test_rows_are_written_by_nobody_else(alice, nora):
    group = Group.objects.create(name="readers")
    rows = (
        ScopeGrant(scope="plain", user=alice),
        GrantAuthority(group=group, scope_group="*"),
        GrantRequest(scope="plain", user=alice),
        GrantApproval(by=alice),
    )
    for row in rows:
        with pytest.raises(ValidationError, match=r"Use api_guard\.grants"):
            row.save()
    kept = GrantAuthority.objects.get()
    with recorded():
        request = GrantRequest(scope="plain", user=alice)
        request.save()
        approval = GrantApproval(request=request, by=nora)
        approval.save()
    for row in (kept, approval, request):
        with pytest.raises(ValidationError, match=r"Use api_guard\.grants"):
            row.delete()
        with recorded():
            row.delete()
        assert not type(row).objects.exists()
    grant = grants.grant("plain", alice, by=CODE)
    with pytest.raises(ValidationError, match=r"Use api_guard\.grants"):
        grant.delete()
    grant.reason = "another"
    with recorded():
        ScopeGrant.objects.bulk_update([grant], ["reason"])
    for change in (
        lambda: ScopeGrant.objects.all().delete(),
        lambda: ScopeGrant.objects.update(expires_at=None),
        lambda: ScopeGrant.objects.bulk_create([ScopeGrant(scope="plain", user=alice)]),
        lambda: ScopeGrant.objects.bulk_update([grant], ["reason"]),
        lambda: alice.scope_grants.all().update(expires_at=None),
        lambda: ScopeGrant.objects.update(user_id=nora.pk),
        lambda: ScopeGrant.objects.update(granted_by=nora),
        lambda: alice.scope_grants.update(granted_by=alice),
        lambda: alice.scope_grants.clear(),
        lambda: alice.scope_grants.remove(grant),
        lambda: nora.scope_grants.add(grant),
        lambda: nora.scope_grants.set([grant]),
    ):
        # Django's own `add` would leave a broken transaction.
        with pytest.raises(GuardError, match="without a record"), transaction.atomic():
            change()
    with recorded():
        grant.delete()
    assert not ScopeGrant.objects.exists()


def test_no_related_manager_hands_a_row_to_somebody_else(nora, alice, bob, manager):
    """Django's `add()` and `set()` write by the base manager, and send no signal."""
    grant = grants.grant("plain", alice, by=CODE)
    authority = GrantAuthority.objects.get()
    asked, other = (
        grants.grant("pay:refund", each, by=CODE, expires_at=soon(days=1)) for each in (alice, bob)
    )
    grants.approve(other, by=manager)
    override = RateOverride.objects.create(name="budget:api/h", limit=5, user=alice)
    subject = RemoteSubject.objects.create(issuer="https://as.example", subject="1", user=alice)
    readers = Group.objects.create(name="readers")
    for change in (
        lambda: bob.scope_grants.add(grant),
        lambda: bob.scope_grants.set([grant]),
        lambda: alice.scope_grants.clear(),
        lambda: readers.grant_authorities.add(authority),
        lambda: bob.grant_requests.add(asked),
        lambda: asked.approvals.add(other.approvals.get()),
        lambda: bob.rate_overrides.add(override),
        lambda: bob.remote_subjects.add(subject),
        lambda: RateOverride.objects.update(limit=500),
        lambda: RateOverride.objects.bulk_update([override], ["limit"]),
        lambda: RemoteSubject.objects.bulk_create([RemoteSubject(user=bob)]),
        lambda: ScopeGrant._base_manager.update(expires_at=None),
    ):
        with (
            pytest.raises(GuardError, match="without a record in the ledger"),
            transaction.atomic(),
        ):
            change()


def test_a_grant_outlives_who_gave_it(manager, alice):
    """Django sets the user to null in one statement."""
    row = grants.grant("plain", alice, by=manager)
    grants.revoke(row, by=manager)
    manager.delete()
    row.refresh_from_db()
    assert (row.granted_by, row.revoked_by) == (None, None)


# Commands


def run(capsys, *line):
    call_command(*line)
    return capsys.readouterr().out


def test_the_first_authority_is_given_on_the_command_line(alice, capsys):
    Group.objects.create(name="managers")
    assert run(capsys, "guard_authority") == "No group has an authority.\n"
    given = ("guard_authority", "--group", "managers", "--scopes", "*")
    said = run(capsys, *given, "--by", "alice", "--reason", "the first")
    said_of = "The members of managers may grant and revoke every scope"
    assert said == f"Added: {said_of}.\n"
    assert run(capsys, "guard_authority") == f"{said_of}.\n"
    with pytest.raises(CommandError, match="already"):
        call_command(*given)
    assert run(capsys, *given, "--remove") == f"Removed: {said_of}.\n"
    with pytest.raises(CommandError, match="no authority"):
        call_command(*given, "--remove")
    for wrong in (("--group", "managers"), ("--scopes", "*"), ("--group", "no", "--scopes", "*")):
        with pytest.raises(CommandError):
            call_command("guard_authority", *wrong)


def test_scopes_are_granted_on_the_command_line(alice, application, capsys):
    readers = Group.objects.create(name="readers")
    said = run(capsys, "guard_grant", "--user", "alice", "plain", "notes:read", "--reason", "x")
    assert said == "Granted: plain for user alice.\nGranted: notes:read for user alice.\n"
    run(capsys, "guard_grant", "--group", "readers", "plain", "--until", "2999-01-31T12:00")
    assert grants.held(readers).get().expires_at.year == 2999
    asked = run(
        capsys, "guard_grant", "--client", application.client_id, "pay:refund", "--days", "3"
    )
    assert asked.startswith("Asked for, to be approved: pay:refund for client")
    assert run(capsys, "guard_revoke", "--group", "readers") == "Revoked 1 grant of readers.\n"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (("--user", "alice", "notes:read", "nonsense"), "Nothing was granted"),
        (("--user", "nobody", "plain"), "no user"),
        (("--client", "nobody", "plain"), "no client"),
        (("--group", "nobody", "plain"), "no group"),
        (("--user", "alice", "plain", "--until", "tomorrow"), "is not a time"),
        (("--user", "alice", "plain", "--until", "2027-13-45T00:00Z"), "is not a time"),
        (("--user", "alice", "plain", "--days", "99999999999"), "too large"),
        (("--user", "alice", "plain", "--days", "-1"), "past"),
        (("--user", "alice", "plain", "--by", "nobody"), "no user"),
    ],
)
def test_what_cannot_be_granted_is_said_and_nothing_is(alice, line, said):
    with pytest.raises(CommandError, match=said):
        call_command("guard_grant", *line)
    assert not ScopeGrant.objects.exists()


def test_a_group_has_no_tokens():
    Group.objects.create(name="readers")
    with pytest.raises(CommandError, match="no tokens"):
        call_command("guard_revoke", "--group", "readers", "--tokens")
