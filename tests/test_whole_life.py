"""The whole life of a grant over HTTP, at a moved clock: the API obeys at each step, at once."""

from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import CommandError, call_command
from django.urls import include, path
from django.utils import timezone
from rest_framework.decorators import api_view
from rest_framework.response import Response

from api_guard import grants, guard, reviews
from api_guard.ledger import contents
from api_guard.models import ReviewedGrant, ScopeGrant
from tests.urls import urlpatterns as admin_urls

TEST = grants.System("a test")


@guard(read="notes:read")
@api_view(["GET"])
def notes(request):
    return Response([])


urlpatterns = [
    path("notes/", notes),
    path("access/", include("api_guard.requests.urls")),
    *admin_urls,
]
pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db(transaction=True)]


class Clock:
    """A clock that tests move."""

    def __init__(self, monkeypatch):
        self._real, self._by = timezone.now, timedelta()
        monkeypatch.setattr("django.utils.timezone.now", lambda: self._real() + self._by)

    def move(self, **by):
        self._by += timedelta(**by)


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


@pytest.fixture
def nora(staff):
    """Who manages the scopes of notes, and sees the pages of grants."""
    group = Group.objects.create(name="managers")
    grants.authorize(group, "Notes", by=TEST)
    names = ("view_scopegrant", "change_scopegrant")
    group.permissions.set(Permission.objects.filter(codename__in=names))
    staff.groups.add(group)
    return staff


@pytest.fixture(autouse=True)
def _settings(settings):
    settings.API_GUARD = {
        **settings.API_GUARD,
        "SCOPES": {
            "notes:read": {
                "description": "Read notes",
                "group": "Notes",
                "requestable": True,
                "max_days": 30,
            }
        },
        "NOTICES": {"to": ["security@example.com"], "days": 7},
    }


def unused(*options):
    out = StringIO()
    call_command("guard_unused", *options, stdout=out)
    return out.getvalue()


def test_a_grant_lives_from_its_request_to_its_revocation(
    api, alice, nora, application, issue, clock, client, mailoutbox
):
    grants.grant("notes:read", application, by=TEST, expires_at=timezone.now() + timedelta(days=30))
    token = issue("notes:read", user=alice, seconds=400 * 86400)
    asks, decides = "/access/v1/requests/", "/access/v1/decisions/"

    def obeys():
        """Return what the API answers to a session and to a token of alice."""
        api.credentials()
        by_session = api.by_session(alice).get("/notes/").status_code
        api.logout()
        return by_session, api.by_token(token).get("/notes/").status_code

    def post(user, url, **body):
        # Sessions end while the clock moves.
        api.credentials()
        return api.by_session(user).post(url, body, format="json")

    # Requested.
    assert obeys() == (403, 403)
    asked = post(alice, asks, scope="notes:read", reason="the report", days=30)
    assert (asked.status_code, obeys()) == (201, (403, 403))

    # Approved, for less.
    clock.move(days=1)
    until = (timezone.now() + timedelta(days=10)).isoformat()
    approved = post(nora, f"{decides}{asked.data['id']}/approve/", until=until)
    assert (approved.status_code, approved.data["state"]) == (200, "granted")

    # Used.
    assert obeys() == (200, 200)
    row = ScopeGrant.objects.get(user=alice)
    assert row.last_used_at is not None

    # Expiring.
    clock.move(days=5)
    assert obeys() == (200, 200)
    call_command("guard_notify", verbosity=0)
    assert f"notes:read for user alice, until {row.expires_at:%Y-%m-%d}" in mailoutbox[-1].body

    # Extended, by asking again.
    again = post(alice, asks, scope="notes:read", reason="a second report", days=20)
    assert post(nora, f"{decides}{again.data['id']}/approve/").data["state"] == "granted"
    clock.move(days=10)
    assert obeys() == (200, 200)

    # Unused: `guard_unused` names it, and revokes nothing before uses were tracked for so long.
    clock.move(days=4)
    assert f"grant {row.pk}: " in unused("--days", "3")
    with pytest.raises(CommandError, match="Uses are recorded since"):
        unused("--days", "30", "--revoke", "--by", nora.username)
    assert obeys() == (200, 200)
    assert f"grant {row.pk}: " not in unused("--days", "3")

    # Reviewed: a reviewer keeps it, and `guard_unused` lists it no more.
    due = timezone.now() + timedelta(days=7)
    review = reviews.open_review(
        "The notes", reviewer=nora, due_at=due, by=TEST, scope="notes:read"
    )
    item = ReviewedGrant.objects.get(review=review, grant_id=row.pk)
    reviews.decide(review, [item.pk], "keep", by=nora, until=due)
    clock.move(days=4)
    assert f"grant {row.pk}: " not in unused("--days", "3")

    # Revoked, on the page of the admin.
    client.force_login(nora, "django.contrib.auth.backends.ModelBackend")
    chosen = {"action": "revoke", "_selected_action": [row.pk]}
    page = client.post("/admin/api_guard/scopegrant/", chosen)["Location"]
    client.post(page, {"reason": "done", "seen": "1"})
    row.refresh_from_db()
    assert (row.revoked_by, row.revoked_reason, obeys()) == (nora, "done", (403, 403))

    # Asked for again, and left to end by the clock.
    last = post(alice, asks, scope="notes:read", reason="a third report", days=5)
    post(nora, f"{decides}{last.data['id']}/approve/")
    assert obeys() == (200, 200)
    clock.move(days=5)
    assert obeys() == (403, 403)

    # The ledger tells it, and nothing else has happened.
    whole = [said.event for said in contents()]
    of_alice = [each for each in whole if each not in ("authorize", "join_group")]
    assert of_alice == [
        "grant",  # to the client
        *("request", "approve", "grant"),
        *("request", "approve", "extend"),
        *("open_review", "review", "keep"),
        "revoke",
        *("request", "approve", "grant"),
    ]
    assert list(grants.differences()) == []
