"""Users ask for scopes, others decide; by functions and over HTTP."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.test import Client
from django.urls import include, path
from django.utils import timezone
from rest_framework.decorators import api_view
from rest_framework.response import Response

from api_guard import SIGNED_IN, conf, grants, guard
from api_guard.core.decision_records import DecisionRecord
from api_guard.exceptions import GuardError, GuardUnavailable, RateLimited
from api_guard.explain.reasons import in_words
from api_guard.grants import GrantError
from api_guard.ledger import contents
from api_guard.limits import counters
from api_guard.models import GrantRequest, recorded
from api_guard.requests.routes import with_scopes

SCOPES = {
    "notes:read": {"description": "Read notes", "group": "Notes", "requestable": True},
    "notes:write": {
        "description": "Change notes",
        "group": "Notes",
        "requestable": True,
        "max_days": 30,
    },
    "notes:hidden": {"description": "Not asked for", "group": "Notes"},
    "pay:refund": {
        "description": "Refund",
        "group": "Pay",
        "sensitive": True,
        "max_days": 7,
        "requestable": True,
    },
    "access:request": "Ask for access",
    "access:decide": "Decide about access",
}

STORED = []


@guard(read=SIGNED_IN, write="notes:read")
@api_view(["GET", "POST"])
def grants_without_care(request):
    """A view of a project that catches no GrantError."""
    if request.method == "GET":
        raise GrantError("already_granted", "secretive message about somebody else")
    STORED.append(Group.objects.create(name="stored before"))
    row = grants.grant("notes:write", request.user, by=request.user)
    return Response(str(row))


urlpatterns = [
    path("access/", include("api_guard.requests.urls")),
    path("tokens/", include(with_scopes(ask="access:request", decide="access:decide"))),
    path("careless/", grants_without_care),
]
pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]

ASK = "/access/v1/requests/"
DECIDE = "/access/v1/decisions/"
TEST = grants.System("a test")


@pytest.fixture(autouse=True)
def _scopes(settings):
    settings.API_GUARD = {**settings.API_GUARD, "SCOPES": SCOPES, "REQUEST_RATE": "100/d"}


@pytest.fixture
def managing(db):
    """Make a user who manages a group of scopes."""

    def managing(name, scopes="Notes"):
        group, _ = Group.objects.get_or_create(name=f"managers of {scopes}")
        if not grants.authorities().filter(group=group).exists():
            grants.authorize(group, scopes, by=TEST)
        user = get_user_model().objects.create_user(name)
        user.groups.add(group)
        return user

    return managing


@pytest.fixture
def nora(managing):
    return managing("nora")


@pytest.fixture
def later(monkeypatch):
    """Move the clock."""

    def later(**by):
        moment = timezone.now() + timedelta(**by)
        monkeypatch.setattr("django.utils.timezone.now", lambda: moment)

    return later


def soon(**by):
    return timezone.now() + timedelta(**by)


def asked(user, scope="notes:read", days=7, reason="the report"):
    return grants.request(scope, by=user, reason=reason, expires_at=soon(days=days))


def refused(code):
    return pytest.raises(GrantError, check=lambda error: error.code == code)


def is_whole():
    return list(grants.differences()) == []


# Asking


def test_a_user_asks_for_itself_and_one_other_grants(alice, nora):
    row = asked(alice)
    assert (row.user, row.asked_by, grants.state_of(row)) == (alice, alice, "open")
    assert list(grants.requests_of(alice)) == [row]
    assert list(grants.decidable(nora)) == [row]
    made = grants.approve(row, by=nora)
    assert (made.scope, made.grantee, made.granted_by) == ("notes:read", alice, nora)
    assert made.expires_at == row.expires_at
    assert (grants.state_of(row), row.decided_by) == ("granted", nora)
    assert is_whole()


@pytest.mark.parametrize(
    ("scope", "reason", "days", "code"),
    [
        ("notes:hidden", "r", 7, "not_requestable"),
        ("never:declared", "r", 7, "not_requestable"),
        ("notes:read", " ", 7, "no_reason"),
        ("notes:read", "r" * 501, 7, "max_length"),
        ("notes:read", "r\x00", 7, "null_character"),
        ("notes:read", "r", None, "no_expiry"),
        ("notes:read", "r", -1, "past"),
        ("notes:write", "r", 31, "too_long"),
        ("pay:refund", "r", 8, "too_long"),
    ],
)
def test_what_cannot_be_asked_for_leaves_nothing(alice, scope, reason, days, code):
    until = None if days is None else soon(days=days)
    with refused(code):
        grants.request(scope, by=alice, reason=reason, expires_at=until)
    assert not GrantRequest.objects.exists()


def test_only_active_users_ask(alice, application):
    for nobody in (TEST, grants.Claimed(alice), application, None):
        with refused("nobody"):
            asked(nobody)
    alice.is_active = False
    with refused("inactive"):
        asked(alice)


def test_what_a_user_holds_for_as_long_is_not_asked_for(alice, nora):
    grants.grant("notes:read", alice, by=TEST, expires_at=soon(days=10))
    with refused("already_granted"):
        asked(alice, days=9)
    row = asked(alice, days=20)
    assert grants.approve(row, by=nora).expires_at == row.expires_at
    forever = grants.grant("notes:write", alice, by=TEST, expires_at=soon(days=1))
    grants.extend(forever, soon(days=29), by=TEST)
    with refused("already_granted"):
        asked(alice, "notes:write", days=28)
    assert is_whole()


def test_an_approval_does_not_shorten_what_is_held(alice, nora):
    row = asked(alice, days=20)
    grants.grant("notes:read", alice, by=TEST, expires_at=soon(days=10))
    with refused("already_granted"):
        grants.approve(row, by=nora, expires_at=soon(days=5))
    assert grants.approve(row, by=nora, expires_at=soon(days=15)).expires_at > soon(days=14)


def test_one_request_of_a_scope_is_open_at_a_time(alice, bob, nora):
    row = asked(alice)
    asked(alice, "notes:write")
    asked(bob)
    with refused("already_asked"):
        asked(alice, days=3)
    grants.decline(row, by=nora, reason="not now")
    assert (row.decision_reason, row.decided_by) == ("not now", nora)
    assert grants.state_of(asked(alice)) == "open"


def test_the_database_holds_it_too(alice):
    asked(alice)
    twin = GrantRequest(scope="notes:read", user=alice, asked_by=alice)
    with recorded(), pytest.raises(ValidationError) as error:
        twin.save()
    assert "already_asked" in str(error.value.error_dict["__all__"][0].code)


@pytest.mark.parametrize("has_lost", [True, False])
def test_who_loses_a_race_is_told(alice, monkeypatch, has_lost):
    def race(change):
        if has_lost:
            with recorded():
                GrantRequest.objects.create(scope="notes:read", user=alice, asked_by=alice)
        raise IntegrityError

    monkeypatch.setattr("api_guard.grants.asking.in_transaction", race)
    with refused("already_asked" if has_lost else "meanwhile"):
        asked(alice)


def test_an_expired_request_that_another_process_closes_is_recorded_once(alice, later, monkeypatch):
    asked(alice, days=30)
    later(days=15)
    monkeypatch.setattr("api_guard.grants.asking.close", lambda *said: False)
    with refused("already_asked"):
        asked(alice)
    assert [said.event for said in contents()] == ["request"]


def test_a_request_never_changes(alice):
    row = asked(alice)
    row.expires_at = soon(days=300)
    with recorded(), pytest.raises(ValidationError, match="cannot be changed"):
        row.save()
    row.refresh_from_db()
    assert row.expires_at < soon(days=8)


def test_an_expired_request_says_so_and_is_not_approved(alice, nora, later):
    row = asked(alice, days=30)
    later(days=13, hours=23)
    assert grants.state_of(row) == "open"
    later(hours=1)
    assert (grants.state_of(row), grants.is_open(row)) == ("expired", False)
    assert list(grants.decidable(nora)) == []
    for decide in (
        lambda: grants.approve(row, by=nora),
        lambda: grants.decline(row, by=nora),
        lambda: grants.withdraw(row, by=alice),
    ):
        with refused("closed"):
            decide()
    again = asked(alice)
    row.refresh_from_db()
    assert (row.outcome, grants.state_of(again)) == ("expired", "open")
    assert is_whole()


def test_the_settings_say_how_long_and_how_many(settings, alice):
    assert (conf.request_lifetime().days, str(conf.request_rates()[0])) == (14, "100/d")
    settings.API_GUARD = {**settings.API_GUARD, "REQUEST_DAYS": 2, "REQUEST_RATE": None}
    assert (conf.request_lifetime().days, str(conf.request_rates()[0])) == (2, "10/d")
    settings.API_GUARD = {**settings.API_GUARD, "REQUEST_DAYS": 0, "REQUEST_RATE": "often"}
    assert (conf.request_lifetime().days, str(conf.request_rates()[0])) == (1, "1/d")


def test_a_user_asks_only_so_often_and_what_fails_is_not_counted(settings, alice, bob):
    settings.API_GUARD = {**settings.API_GUARD, "REQUEST_RATE": "2/d"}
    row = asked(alice)
    for _ in range(5):
        with refused("already_asked"):
            asked(alice)
    grants.withdraw(row, by=alice)
    asked(alice)
    with pytest.raises(RateLimited):
        asked(alice, "notes:write")
    asked(bob)
    settings.RATELIMIT_ENABLE = False
    asked(alice, "notes:write")


def test_what_cannot_be_counted_is_not_asked(alice, monkeypatch):
    def fail(*args, **kwargs):
        raise counters.CounterFault("down")

    asked(alice)
    monkeypatch.setattr(counters, "give_back", fail)
    with refused("already_asked"):
        asked(alice)
    monkeypatch.setattr(counters, "take", fail)
    with pytest.raises(GuardUnavailable):
        asked(alice, "notes:write")


# Deciding


def test_who_approves_may_shorten(alice, nora):
    row = asked(alice, days=20)
    for until, code in ((soon(days=21), "not_shorter"), (soon(days=-1), "past")):
        with refused(code):
            grants.approve(row, by=nora, expires_at=until)
    until = soon(days=2)
    assert grants.approve(row, by=nora, expires_at=until).expires_at == until
    row.refresh_from_db()
    assert row.expires_at > soon(days=19)
    assert is_whole()


def test_of_two_approvals_the_earlier_end_counts(alice, managing):
    one, two = managing("one", "Pay"), managing("two", "Pay")
    row = asked(alice, "pay:refund", days=7)
    until = soon(days=2)
    assert grants.approve(row, by=one, expires_at=until) == row
    with refused("already_approved"):
        grants.approve(row, by=one)
    assert list(grants.decidable(one)) == []
    assert list(grants.decidable(two)) == [row]
    assert grants.approve(row, by=two).expires_at == until
    assert is_whole()


def test_an_approved_grant_replaces_one_of_an_emergency(managing):
    ann, bea, cleo = managing("ann", "Pay"), managing("bea", "Pay"), managing("cleo", "Pay")
    own = grants.grant("pay:refund", ann, by=ann, reason="a fire", expires_at=soon(minutes=30))
    row = asked(ann, "pay:refund", days=5)
    grants.approve(row, by=bea)
    made = grants.approve(row, by=cleo)
    own.refresh_from_db()
    assert (own.is_break_glass, own.revoked_by) == (True, cleo)
    assert (made.is_break_glass, made.expires_at) == (False, row.expires_at)
    assert is_whole()


def test_nobody_approves_its_own_request(nora, manager):
    row = asked(nora)
    assert list(grants.decidable(nora)) == []
    with refused("own_request"):
        grants.approve(row, by=nora)
    assert grants.decline(row, by=nora).outcome == "withdrawn"
    assert is_whole()


def test_the_authority_is_judged_when_it_is_approved(alice, nora, bob):
    row = asked(alice)
    with refused("no_authority"):
        grants.approve(row, by=bob)
    nora.groups.clear()
    with refused("no_authority"):
        grants.approve(row, by=nora)
    nora.groups.set(Group.objects.all())
    nora.is_active = False
    with refused("no_authority"):
        grants.approve(row, by=nora)


def test_an_inactive_user_gets_nothing(alice, nora):
    row = asked(alice)
    get_user_model().objects.filter(pk=alice.pk).update(is_active=False)
    with refused("inactive"):
        grants.approve(GrantRequest.objects.get(pk=row.pk), by=nora)


def test_only_its_owner_withdraws_a_request(alice, bob, nora, manager):
    row = asked(alice)
    for other in (bob, nora, manager):
        with refused("no_authority"):
            grants.withdraw(row, by=other)
    assert grants.withdraw(row, by=alice, reason="found another way").outcome == "withdrawn"
    with refused("closed"):
        grants.approve(row, by=nora)
    events = [said.event for said in contents()][-2:]
    assert events == ["request", "withdraw"]
    assert is_whole()


# Over HTTP


def post(api, path, **body):
    return api.post(path, body, format="json")


def test_the_way_of_a_request_over_http(api, alice, nora):
    api.by_session(alice)
    scopes = {each["scope"]: each for each in api.get("/access/v1/scopes/").data["results"]}
    assert sorted(scopes) == ["notes:read", "notes:write", "pay:refund"]
    assert (scopes["pay:refund"]["approvals"], scopes["pay:refund"]["max_days"]) == (2, 7)
    made = post(api, ASK, scope="notes:read", reason="the report", days=20)
    assert (made.status_code, made.data["state"]) == (201, "open")
    pk = made.data["id"]
    assert [each["id"] for each in api.get(ASK).data["results"]] == [pk]
    assert api.get(f"{ASK}{pk}/").data["reason"] == "the report"
    assert api.get(DECIDE).data["results"] == []
    own = post(api, f"{DECIDE}{pk}/approve/")
    assert own.status_code == 404
    api.by_session(nora)
    [waiting] = api.get(DECIDE).data["results"]
    assert (waiting["id"], waiting["asked_by"]) == (pk, "alice")
    assert waiting["grantee"] == {"kind": "user", "name": "alice"}
    until = soon(days=2).isoformat()
    decided = post(api, f"{DECIDE}{pk}/approve/", until=until)
    assert (decided.status_code, decided.data["state"]) == (200, "granted")
    assert grants.granted(alice, None)[0].user == {"notes:read"}
    again = post(api, f"{DECIDE}{pk}/approve/")
    assert (again.status_code, again.data["code"]) == (409, "closed")


def test_a_request_is_declined_or_withdrawn_over_http(api, alice, nora):
    one, two = asked(alice), asked(alice, "notes:write")
    api.by_session(nora)
    answer = post(api, f"{DECIDE}{one.pk}/decline/", reason="not yours")
    assert (answer.status_code, answer.data["state"]) == (200, "declined")
    api.by_session(alice)
    assert api.get(f"{ASK}{one.pk}/").data["decision_reason"] == "not yours"
    answer = post(api, f"{ASK}{two.pk}/withdraw/")
    assert (answer.status_code, answer.data["state"]) == (200, "withdrawn")
    answer = post(api, f"{ASK}{two.pk}/withdraw/")
    assert (answer.status_code, answer.data["code"]) == (409, "closed")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"scope": "notes:hidden", "reason": "r", "days": 1}, 403, "not_requestable"),
        ({"scope": "notes:write", "reason": "r", "days": 31}, 400, "too_long"),
        ({"scope": "notes:read", "reason": "r", "days": 0}, 400, None),
        ({"scope": "notes:read", "reason": "r", "days": "7"}, 400, None),
        ({"scope": "notes:read", "reason": "", "days": 7}, 400, None),
        ({"scope": "notes:read", "reason": "r", "days": 7, "user": 1}, 400, None),
        ({"scope": "notes:read", "reason": "\u202er", "days": 7}, 400, None),
        ({}, 400, None),
    ],
)
def test_what_cannot_be_asked_for_has_an_exact_answer(api, alice, body, status, code):
    answer = post(api.by_session(alice), ASK, **body)
    assert (answer.status_code, answer.data.get("code")) == (status, code)
    assert not GrantRequest.objects.exists()


def test_who_asks_too_often_or_twice_is_told(api, alice, settings):
    settings.API_GUARD = {**settings.API_GUARD, "REQUEST_RATE": "2/d"}
    body = {"scope": "notes:read", "reason": "r", "days": 7}
    api.by_session(alice)
    assert post(api, ASK, **body).status_code == 201
    assert post(api, ASK, **body).data["code"] == "already_asked"
    assert post(api, ASK, **body | {"scope": "notes:write"}).status_code == 201
    answer = post(api, ASK, **body | {"scope": "pay:refund"})
    assert (answer.status_code, answer.data["code"]) == (429, "rate_limited")
    assert int(answer.headers["Retry-After"]) > 0


def test_nobody_sees_or_touches_the_request_of_another(api, alice, bob, managing):
    row = asked(alice)
    api.by_session(bob)
    assert api.get(f"{ASK}{row.pk}/").status_code == 404
    assert post(api, f"{ASK}{row.pk}/withdraw/").status_code == 404
    api.by_session(managing("paula", "Pay"))
    assert api.get(DECIDE).data["results"] == []
    assert post(api, f"{DECIDE}{row.pk}/approve/").status_code == 404
    assert post(api, f"{DECIDE}{row.pk}/decline/").status_code == 404
    assert api.get(f"{ASK}{10**30}/").status_code == 404
    assert grants.state_of(GrantRequest.objects.get()) == "open"


def test_who_is_not_signed_in_is_refused(api):
    for path_ in ("/access/v1/scopes/", ASK, f"{ASK}1/", DECIDE):
        assert api.get(path_).status_code == 401
    assert post(api, ASK).status_code == 401
    assert post(api, f"{DECIDE}1/approve/").status_code == 401


def test_an_inactive_user_does_not_ask(api, alice):
    api.by_session(alice)
    alice.is_active = False
    alice.save()
    assert post(api, ASK, scope="notes:read", reason="r", days=1).status_code == 401


def test_a_session_needs_the_csrf_token(alice):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice, "django.contrib.auth.backends.ModelBackend")
    body = {"scope": "notes:read", "reason": "r", "days": 7}
    assert browser.post(ASK, body, "application/json").status_code == 403
    assert not GrantRequest.objects.exists()
    token = "a" * 32
    browser.cookies["csrftoken"] = token
    answer = browser.post(ASK, body, "application/json", headers={"X-CSRFToken": token})
    assert answer.status_code == 201


def test_a_stolen_token_that_reads_does_not_ask_for_more(api, alice, issue, application, give):
    give(application, "notes:read", "access:request")
    give(alice, "notes:read", "access:request")
    reading = issue("notes:read", user=alice)
    body = {"scope": "notes:write", "reason": "r", "days": 7}
    answer = post(api.by_token(reading), ASK, **body)
    assert (answer.status_code, answer.data["code"]) == (403, "first_party_only")
    answer = post(api, "/tokens/v1/requests/", **body)
    assert (answer.status_code, answer.data["code"]) == (403, "insufficient_scope")
    assert not GrantRequest.objects.exists()
    asking = issue("notes:read access:request", user=alice)
    assert post(api.by_token(asking), ASK, **body).status_code == 403
    assert post(api, "/tokens/v1/requests/", **body).status_code == 201
    # What is granted then is not on the token.
    assert api.get("/tokens/v1/decisions/").status_code == 403


def test_a_client_on_its_own_asks_for_nothing(api, issue, application, give):
    give(application, "access:request")
    api.by_token(issue("access:request"))
    answer = post(api, "/tokens/v1/requests/", scope="notes:read", reason="r", days=7)
    assert (answer.status_code, answer.data["code"]) == (403, "user_only")


def test_the_scopes_of_the_routes_are_names():
    with pytest.raises(GuardError):
        with_scopes(ask="two words", decide="access:decide")


def test_the_api_asks_few_queries(api, alice, nora, django_assert_max_num_queries):
    for number in range(10):
        other = get_user_model().objects.create_user(f"asks{number}")
        asked(other)
    api.by_session(nora)
    with django_assert_max_num_queries(9):
        assert len(api.get(DECIDE).data["results"]) == 10


# A GrantError that a view does not catch


def test_an_uncaught_error_of_a_grant_is_a_refusal(api, alice, caplog, give):
    answer = api.by_session(alice).get("/careless/")
    assert (answer.status_code, answer.data["code"]) == (409, "already_granted")
    assert "somebody else" not in answer.content.decode()
    assert "somebody else" in caplog.text
    give(alice, "notes:read")
    answer = api.post("/careless/")
    assert (answer.status_code, answer.data["code"]) == (403, "no_authority")


@pytest.mark.parametrize(
    ("reason", "status", "said"),
    [
        ("closed", 409, "grants refused"),
        ("past", 400, "grants refused"),
        ("own", 403, "credential"),
    ],
)
def test_a_decision_about_a_grant_has_words(reason, status, said):
    assert said in in_words(DecisionRecord("id", "refused", reason, status=status))


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("self_grant", 403),
        ("own_grant", 403),
        ("not_reviewer", 403),
        ("closed", 409),
        ("already_decided", 409),
        ("meanwhile", 409),
        ("not_tracked", 409),
        ("past", 400),
        ("a code of tomorrow", 400),
    ],
)
def test_each_code_has_its_status(code, status):
    refusal = grants.refusal_of(GrantError(code, "why"))
    assert (refusal.status_code, refusal.detail.code) == (status, code)
    assert "why" not in str(refusal.detail)
    assert str(grants.refusal_of(GrantError(code, "why"), "why").detail) == "why"
