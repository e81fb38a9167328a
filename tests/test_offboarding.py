"""A user who leaves: everything is shown, then ended, and no credential answers any more."""

from __future__ import annotations

import io
from base64 import b64encode
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.urls import include, path
from django.utils import timezone
from oauth2_provider.models import AccessToken, Application, Grant, RefreshToken
from rest_framework.authentication import BasicAuthentication, SessionAuthentication
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import grants, guard, ledger, reviews
from api_guard.authentication import OAuth2Authentication
from api_guard.core.ledger import Event
from api_guard.grants import GrantError, System
from api_guard.models import GrantRequest, LedgerRecord, RateOverride, RemoteSubject
from api_guard.offboarding import leaving, listing, offboard
from tests.conftest import Caller
from tests.test_authorities import SCOPES, managing, nora, refusal  # noqa: F401
from tests.test_granting_acts import one

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]
CODE = System("a test")


@guard(read="notes:read")
class Show(APIView):
    authentication_classes = [OAuth2Authentication, SessionAuthentication, BasicAuthentication]

    def get(self, request):
        return Response("shown")


urlpatterns = [path("show", Show.as_view()), path("o/", include("api_guard.oauth2.urls"))]


@pytest.fixture(autouse=True)
def _scopes(settings):
    settings.API_GUARD = {**settings.API_GUARD, "SCOPES": SCOPES}


@pytest.fixture
def everything(alice, bob, application, issue, give):
    """Give alice one of each, and return her credentials by what they are."""
    editors, others = (Group.objects.create(name=name) for name in ("editors", "others"))
    empty = Group.objects.create(name="empty")
    alice.groups.add(editors, others, empty)
    give(alice, "notes:read", "plain")
    give(editors, "notes:read")
    give(application, "notes:read")
    grants.authorize(others, "Notes", by=CODE)
    grants.grant("pay:refund", alice, by=CODE, expires_at=timezone.now() + timedelta(days=3))
    grants.grant("pay:refund", bob, by=alice_asks(alice), expires_at=soon(3))
    RateOverride.objects.create(user=alice, name="view:1/m", limit=5)
    RemoteSubject.objects.create(user=alice, issuer="https://id.example", subject="a1")
    Application.objects.create(
        name="hers",
        client_id="hers",
        user=alice,
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
        client_secret="kept",
    )
    access = issue("notes:read", user=alice)
    refresh = RefreshToken.objects.create(
        user=alice, application=application, token="refresh", access_token=access
    )
    Grant.objects.create(
        user=alice, application=application, code="code", expires=soon(1), redirect_uri="x:/"
    )
    password = b64encode(b"alice:wonderland").decode()
    session = Caller()
    assert session.login(username="alice", password="wonderland")
    basic = Caller(HTTP_AUTHORIZATION=f"Basic {password}")
    return {"session": session, "basic": basic, "token": Caller().by_token(access)}, refresh


def alice_asks(alice):
    return grants.Claimed(alice)


def soon(days):
    return timezone.now() + timedelta(days=days)


def answers(callers):
    return {name: caller.get("/show").status_code for name, caller in callers.items()}


def run(*options):
    out = io.StringIO()
    call_command("guard_offboard", "alice", *options, stdout=out)
    return out.getvalue().splitlines()


def test_nothing_answers_afterwards_by_any_credential(everything, alice, bob, manager):
    callers, refresh = everything
    assert set(answers(callers).values()) == {200}
    had = offboard(alice, by=manager, reason="left the company", new_owner=bob)
    assert set(answers(callers).values()) <= {401, 403}
    assert not Caller().login(username="alice", password="wonderland")
    refresh.refresh_from_db()
    assert refresh.revoked is not None
    assert not AccessToken.objects.filter(user=alice).exists()
    assert not Grant.objects.filter(user=alice).exists()
    left = leaving(get_user_model().objects.get(pk=alice.pk))
    assert list(left.lines()) == []
    assert left.is_nothing
    assert not had.is_nothing
    # Groups that give nothing are not the guard's affair.
    assert list(alice.groups.values_list("name", flat=True)) == ["empty"]
    assert {row.outcome for row in GrantRequest.objects.all()} == {"declined"}
    assert Application.objects.get(client_id="hers").user == bob
    # All of it is in the ledger, and the ledger is whole.
    told = set(LedgerRecord.objects.values_list("event", flat=True))
    assert told >= {
        Event.REVOKE,
        Event.LEAVE_GROUP,
        Event.DECLINE,
        Event.END_OVERRIDE,
        Event.UNMAP_SUBJECT,
        Event.CLIENT_OWNER,
        Event.END_ACCESS,
    }
    assert list(ledger.verify(ledger.Tally())) == []
    assert list(grants.differences()) == []


def test_it_is_shown_before_it_is_done(everything, alice, bob):
    callers, _ = everything
    request = GrantRequest.objects.filter(user=alice).get()
    other = GrantRequest.objects.filter(user=bob).get()
    lines = [
        "grant notes:read",
        "grant plain",
        "group editors",
        "group others",
        f"request {request.pk}: {request}",
        f"request {other.pk}: {other}",
        "rate override view:1/m",
        f"remote subject {RemoteSubject.objects.get()}",
        "client hers, which needs a new owner",
        "3 tokens and codes",
        "is_active",
        "the password, and all sessions",
    ]
    assert run() == [*lines, "Nothing was changed. --apply ends it."]
    assert set(answers(callers).values()) == {200}
    with pytest.raises(CommandError, match=r"hers needs a new owner who is active\. Nothing was"):
        run("--apply")
    assert set(answers(callers).values()) == {200}
    assert run("--apply", "--client", "hers=bob", "--by", "bob", "--reason", "left") == [
        *lines,
        "Ended for alice.",
        "Change the secret of hers: alice may know it.",
    ]
    assert run() == ["Nothing gives this user access."]
    assert set(answers(callers).values()) <= {401, 403}
    with pytest.raises(CommandError, match="is not CLIENT_ID=NAME"):
        run("--apply", "--client", "hers")


def test_what_the_user_has_to_review_is_shown_and_left_to_others(alice, nora, manager):  # noqa: F811
    row = grants.grant("notes:read", alice, by=CODE)
    review = reviews.open_review(
        "Notes", reviewer=nora, due_at=soon(9), by=manager, scope="notes:read"
    )
    line = f"review {review.pk}: Notes, which is left to users who may grant every scope"
    assert list(leaving(nora).lines())[-1] == line
    offboard(nora, by=manager)
    left = leaving(nora)
    assert (left.is_nothing, list(left.lines())) == (True, [line])
    item = review.items.get().pk
    with refusal("not_reviewer"):
        reviews.decide(review, [item], "revoke", by=nora)
    reviews.decide(review, [item], "revoke", by=manager)
    row.refresh_from_db()
    assert row.revoked_by == manager


def test_what_the_user_approved_before_counts_no_more(alice, bob, managing, manager):  # noqa: F811
    ann, bea, cleo = managing("ann", "Pay"), managing("bea", "Pay"), managing("cleo", "Pay")
    request = grants.grant("pay:refund", bob, by=CODE, expires_at=soon(3))
    grants.approve(request, by=ann)
    offboard(ann, by=manager)
    assert grants.approve(request, by=bea) == request
    assert not grants.held(bob).exists()
    assert grants.approve(request, by=cleo).grantee == bob


@pytest.mark.parametrize("owner", ["alice", "inactive"])
def test_a_client_gets_an_owner_who_is_there(everything, alice, owner):
    get_user_model().objects.create_user("inactive", is_active=False)
    with refusal("no_owner"):
        offboard(alice, by=CODE, new_owner=get_user_model().objects.get(username=owner))
    assert get_user_model().objects.get(pk=alice.pk).is_active
    assert grants.held(alice).count() == 2


def test_it_needs_the_authority_over_every_scope(alice, nora):  # noqa: F811
    with refusal("no_authority"):
        offboard(alice, by=nora)
    with refusal("nobody"):
        offboard(alice, by=System(" "))
    with refusal("null_character"):
        offboard(alice, by=CODE, reason="\0")
    assert get_user_model().objects.get(pk=alice.pk).is_active


def test_a_new_owner_for_another_client_is_an_error(everything, alice, bob):
    with refusal("no_client"):
        offboard(alice, by=CODE, new_owner=bob, new_owners={"hirs": bob})
    assert get_user_model().objects.get(pk=alice.pk).is_active


def test_a_superuser_is_offboarded_by_a_superuser(admin_user, manager):
    with refusal("no_authority"):
        offboard(admin_user, by=manager)
    other = get_user_model().objects.create_superuser("otto")
    offboard(admin_user, by=other)
    assert leaving(admin_user).is_nothing


def test_each_token_of_an_inactive_user_is_counted_once(alice, issue):
    alice.is_active = False
    alice.save()
    issue("notes:read", user=alice)
    offboard(alice, by=CODE)
    assert one(Event.END_ACCESS)["facts"]["tokens"] == "1"


def test_what_fails_in_the_middle_is_undone(everything, alice, bob, monkeypatch):
    callers, _ = everything

    def fail(*args, **kwargs):
        raise GrantError("closed", "It was decided meanwhile.")

    monkeypatch.setattr(grants, "decline", fail)
    with refusal("closed"):
        offboard(alice, by=CODE, new_owner=bob)
    assert set(answers(callers).values()) == {200}
    assert Application.objects.get(client_id="hers").user == alice
    assert grants.held(alice).count() == 2


def test_what_fails_at_the_end_is_undone_too(everything, alice, bob, monkeypatch):
    callers, _ = everything

    def fail(*args, **kwargs):
        raise GrantError("nobody", "It failed.")

    monkeypatch.setattr(grants, "note_end_of_access", fail)
    with refusal("nobody"):
        offboard(alice, by=CODE, new_owner=bob)
    assert set(answers(callers).values()) == {200}
    assert Application.objects.get(client_id="hers").user == alice
    assert grants.held(alice).count() == 2


def test_a_request_that_is_decided_meanwhile_does_not_save_its_user(everything, alice, monkeypatch):
    decline, tries = grants.decline, []

    def late(row, **said):
        tries.append(row)
        if len(tries) == 1:
            raise GrantError("closed", "It was approved meanwhile.")
        return decline(row, **said)

    monkeypatch.setattr(grants, "decline", late)
    offboard(alice, by=CODE, new_owner=get_user_model().objects.get(username="bob"))
    assert len(tries) > 1
    assert leaving(alice).is_nothing


def test_nobody_offboards_a_user_who_was_deleted(alice):
    get_user_model().objects.get(pk=alice.pk).delete()
    with refusal("no_grantee"):
        offboard(alice, by=CODE)


def test_superusers_lose_their_flags_and_a_user_with_nothing_has_nothing(admin_user, bob):
    assert list(leaving(admin_user).lines())[:3] == ["is_active", "is_staff", "is_superuser"]
    offboard(admin_user, by=CODE)
    admin_user.refresh_from_db()
    assert not any(getattr(admin_user, name) for name in listing.FLAGS)
    assert leaving(admin_user).is_nothing
    offboard(admin_user, by=CODE)


def test_a_user_model_without_groups_and_flags_can_be_listed():
    class Plain(AbstractBaseUser):
        class Meta:
            app_label = "tests"
            managed = False

    assert listing.flags_of(Plain()) == []
    assert list(listing._groups(Plain())) == []
