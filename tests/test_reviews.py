"""A reviewer decides about each grant of a review, and the evidence tells it."""

from __future__ import annotations

import csv
import io
import json
import threading
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.urls import path
from django.utils import timezone
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import grants, guard, ledger, reviews
from api_guard.core.ledger import Event
from api_guard.grants import Claimed, GrantError, System
from api_guard.grants.finding import unrevoked_like_any
from api_guard.models import (
    AccessReview,
    LedgerRecord,
    ReviewedGrant,
    ScopeGrant,
    ScopeUse,
    recorded,
)
from api_guard.models.recorded import UnrecordedError
from api_guard.reviews import deciding, evidence, opening

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
CODE = System("a test")
TERMS = {
    "notes:read": {"description": "Read notes", "group": "notes"},
    "notes:write": {"description": "Change notes", "group": "notes"},
    "audit:read": {"description": "Read the audit", "group": "audit"},
}


@guard(read="notes:read")
class Show(APIView):
    def get(self, request):
        return Response()


urlpatterns = [path("show", Show.as_view())]


def soon(days=30):
    return timezone.now() + timedelta(days=days)


@pytest.fixture(autouse=True)
def _terms(settings):
    settings.API_GUARD = {**settings.API_GUARD, "SCOPES": TERMS}


@pytest.fixture
def nora(db):
    """Who manages the scopes of the notes."""
    user = get_user_model().objects.create_user("nora", password="nora")
    group = Group.objects.create(name="managers of notes")
    user.groups.add(group)
    grants.authorize(group, "notes", by=CODE)
    return user


@pytest.fixture
def crew(db):
    return Group.objects.create(name="crew")


@pytest.fixture
def held(alice, bob, crew, give):
    """Grants of notes to two users and a group, and one of the audit."""
    return {
        "alice": give(alice, "notes:read")[0],
        "bob": give(bob, "notes:write")[0],
        "crew": give(crew, "notes:read")[0],
        "audit": give(alice, "audit:read")[0],
    }


@pytest.fixture
def review(held, nora, manager):
    return reviews.open_review(
        "Notes, autumn", reviewer=nora, due_at=soon(), by=manager, scope_group="notes"
    )


def item(review, row):
    return review.items.get(grant=row).pk


def refused(call, *args, **kwargs):
    with pytest.raises(GrantError) as error:
        call(*args, **kwargs)
    return error.value.code


def problems():
    assert list(ledger.verify(ledger.Tally())) == []
    return [str(each) for each in grants.differences()]


def run(*options):
    out = io.StringIO()
    call_command("guard_review", *options, stdout=out)
    return out.getvalue()


# Opened


def test_its_grants_are_fixed_when_it_opens(review, held, bob, give):
    give(bob, "notes:read")
    assert {row.grant_id for row in review.items.all()} == {
        held[name].pk for name in ("alice", "bob", "crew")
    }
    assert review.grants == 3
    assert str(review) == "Notes, autumn"
    assert str(review.items.get(grant=held["alice"])).startswith("notes:read for user:")


@pytest.mark.parametrize(
    ("covers", "names", "said"),
    [
        ({}, {"alice", "bob", "crew", "audit"}, "all scopes"),
        ({"scope": "notes:read"}, {"alice", "crew"}, "notes:read"),
        ({"scope_group": "notes"}, {"alice", "bob", "crew"}, "the group notes"),
        ({"grantee_kind": "group"}, {"crew"}, "all scopes of each group"),
        ({"scope": "notes:read", "grantee_kind": "user"}, {"alice"}, "notes:read of each user"),
    ],
)
def test_it_covers_what_is_said(held, manager, covers, names, said, monkeypatch):
    monkeypatch.setattr(opening, "_PAGE", 2)
    review = reviews.open_review("All", reviewer=manager, due_at=soon(), by=CODE, **covers)
    assert {row.grant_id for row in review.items.all()} == {held[name].pk for name in names}
    assert review.covers == said


def test_grants_that_have_ended_are_not_in_it(held, manager):
    grants.revoke(held["alice"], by=CODE)
    with recorded():
        ScopeGrant.objects.filter(pk=held["bob"].pk).update(expires_at=timezone.now())
    review = reviews.open_review("All", reviewer=manager, due_at=soon(), by=CODE)
    assert review.grants == 2


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"scope": "notes:reed"}, "unknown_scope"),
        ({"scope_group": "nodes"}, "unknown_scope_group"),
        ({"scope": "notes:read", "scope_group": "notes"}, "invalid"),
        ({"grantee_kind": "robot"}, "no_grantee"),
        ({"due_at": timezone.now() - timedelta(days=1)}, "past"),
        ({"title": "x" * 201}, "max_length"),
        ({"title": ""}, "blank"),
        ({"title": "\0"}, "null_character"),
        ({"title": "\ud800"}, "surrogate"),
        ({"by": None}, "nobody"),
    ],
)
def test_what_cannot_be_opened_is_refused(held, manager, change, code):
    said = {"title": "All", "reviewer": manager, "due_at": soon(), "by": CODE} | change
    assert refused(reviews.open_review, said.pop("title"), **said) == code
    assert not AccessReview.objects.exists()


def test_who_manages_what_it_covers_may_open_it(held, nora, alice):
    said = {"reviewer": nora, "due_at": soon()}
    opened = reviews.open_review("Mine", by=nora, scope_group="notes", **said)
    assert opened.opened_by == nora
    assert refused(reviews.open_review, "All", by=nora, **said) == "no_authority"
    for covers in ({"scope": "notes:read"}, {"scope_group": "notes"}, {"scope": "audit:read"}):
        assert refused(reviews.open_review, "x", by=alice, **said, **covers) == "no_authority"


def test_a_reviewer_who_could_not_decide_is_refused(held, nora, alice, manager):
    for reviewer, covers in ((nora, {}), (nora, {"scope": "audit:read"}), (alice, {})):
        said = {"reviewer": reviewer, "due_at": soon(), "by": manager, **covers}
        assert refused(reviews.open_review, "x", **said) == "no_reviewer"


# Decided


def test_a_revoke_takes_effect_at_once(review, held, nora, alice, api):
    api.by_session(alice)
    assert api.get("/show").status_code == 200
    done = reviews.decide(review, [item(review, held["alice"])], "revoke", by=nora, reason="left")
    assert (done.count, done.ended) == (1, ())
    assert api.get("/show").status_code == 403
    row = grants.get(held["alice"].pk)
    assert (row.revoked_by, row.revoked_reason) == (nora, "left")


def test_a_grant_that_is_kept_is_acknowledged_until_the_date(review, held, nora):
    until = soon(90)
    reviews.decide(review, [item(review, held["bob"])], "keep", by=nora, until=until)
    row = review.items.get(grant=held["bob"])
    assert (row.decision, row.keep_until, row.decided_by) == ("keep", until, nora)
    assert grants.get(held["bob"].pk).kept_until == until


def test_many_are_decided_at_once_and_counted(review, held, nora):
    ScopeUse.objects.create(grant=held["bob"], last_used_at=timezone.now())
    every = list(review.items.values_list("pk", flat=True))
    assert reviews.progress(review) == reviews.Progress(total=3, kept=0, revoked=0, ended=0)
    reviews.decide(review, every[:1], "keep", by=nora, until=soon())
    assert reviews.decide(review, every[1:], "revoke", by=nora).count == 2
    done = reviews.progress(review)
    assert (done.kept, done.revoked, done.ended, done.left) == (1, 2, 0, 0)
    assert grants.get(held["bob"].pk).revoked_reason == "review: Notes, autumn"
    assert review.items.get(grant=held["bob"]).last_used_at is not None


def test_a_grant_that_ended_meanwhile_is_shown_as_ended(review, held, nora, alice):
    gone, expired, deleted = (item(review, held[name]) for name in ("bob", "crew", "alice"))
    grants.revoke(held["bob"], by=CODE)
    with recorded():
        ScopeGrant.objects.filter(pk=held["crew"].pk).update(expires_at=timezone.now())
    alice.delete()
    done = reviews.decide(review, [gone, expired, deleted], "revoke", by=nora)
    assert (done.count, set(done.ended)) == (0, {gone, expired, deleted})
    assert reviews.progress(review).ended == 3
    states = {row["row"]: row["state"] for row in reviews.rows_of(review)}
    assert states == {gone: "revoked", expired: "expired", deleted: "deleted"}


def test_a_decision_cannot_be_changed(review, held, nora, manager):
    wanted = [item(review, held["bob"])]
    reviews.decide(review, wanted, "keep", by=nora, until=soon())
    assert refused(reviews.decide, review, wanted, "revoke", by=manager) == "already_decided"
    row = review.items.get(pk=wanted[0])
    with recorded(), pytest.raises(ValidationError, match="cannot be changed"):
        row.save()
    for write in (row.save, row.delete, review.save, review.delete):
        with pytest.raises(ValidationError):
            write()
    for rows in (review.items.all(), AccessReview.objects.all()):
        with pytest.raises(UnrecordedError):
            rows.delete()
    with pytest.raises(UnrecordedError):
        review.items.update(decision="")
    # What the ledger records may be written.
    with recorded():
        undecided = review.items.get(grant=held["alice"])
        undecided.save()
        undecided.delete()
    assert review.items.count() == 2


def test_only_the_reviewer_decides_or_who_may_grant_everything(review, held, nora, manager, alice):
    wanted = [item(review, held["bob"])]
    other = get_user_model().objects.create_user("olga")
    other.groups.set(nora.groups.all())
    for by in (alice, other):
        assert refused(reviews.decide, review, wanted, "revoke", by=by) == "not_reviewer"
    assert reviews.decide(review, wanted, "revoke", by=manager).count == 1
    nora.is_active = False
    nora.save()
    wanted = [item(review, held["alice"])]
    assert refused(reviews.decide, review, wanted, "revoke", by=nora) == "not_reviewer"


def test_authority_is_checked_when_it_is_decided(review, held, nora):
    nora.groups.clear()
    wanted = [item(review, held["bob"])]
    for said in ({"decision": "revoke"}, {"decision": "keep", "until": soon()}):
        assert refused(reviews.decide, review, wanted, by=nora, **said) == "no_authority"
    assert review.items.filter(decision="").count() == 3


def test_nobody_reviews_a_grant_of_their_own(held, nora, manager, crew, give):
    [mine] = give(nora, "notes:write")
    nora.groups.add(crew)
    review = reviews.open_review("x", reviewer=nora, due_at=soon(), by=manager, scope_group="notes")
    for row in (mine, held["crew"]):
        wanted = [item(review, held["bob"]), item(review, row)]
        for said in ({"decision": "revoke"}, {"decision": "keep", "until": soon()}):
            assert refused(reviews.decide, review, wanted, by=nora, **said) == "own_grant"
    # All of them or none.
    assert review.items.filter(decision="").count() == 4
    assert grants.get(held["bob"].pk).is_live()


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"decision": "maybe"}, "invalid"),
        ({"decision": ""}, "invalid"),
        ({"decision": "keep"}, "invalid"),
        ({"decision": "revoke", "until": soon()}, "invalid"),
        ({"decision": "keep", "until": timezone.now() - timedelta(days=1)}, "past"),
        ({"decision": "revoke", "reason": "x" * 501}, "max_length"),
        ({"decision": "revoke", "by": CODE}, "nobody"),
        ({"decision": "revoke", "by": Claimed("nora")}, "nobody"),
        ({"decision": "revoke", "items": range(1001)}, "too_many"),
        ({"decision": "revoke", "items": [-1]}, "not_in_review"),
    ],
)
def test_what_cannot_be_decided_is_refused(review, nora, said, code):
    said = {"items": list(review.items.values_list("pk", flat=True)), "by": nora} | said
    assert refused(reviews.decide, review, **said) == code
    assert not review.items.exclude(decision="").exists()


def test_a_claimed_user_decides_nothing(review, nora):
    assert refused(reviews.decide, review, [], "revoke", by=Claimed(nora)) == "nobody"


@pytest.mark.parametrize("decision", ["keep", "revoke"])
def test_the_number_of_queries_does_not_grow_with_what_is_decided(
    nora, manager, application, crew, give, decision
):
    users = [get_user_model().objects.create_user(f"user{number}") for number in range(30)]
    for grantee in (*users, crew, application):
        give(grantee, "notes:read")
    review = reviews.open_review("x", reviewer=nora, due_at=soon(), by=manager, scope_group="notes")
    every = list(review.items.order_by("-pk").values_list("pk", flat=True))
    until = soon(90) if decision == "keep" else None
    counts = []
    # The first ones are of a client, a group and a user.
    for items in (every[:3], every[3:]):
        decider = get_user_model().objects.get(pk=nora.pk)  # it has not read its permissions yet
        with CaptureQueriesContext(connection) as found:
            reviews.decide(review, items, decision, by=decider, until=until)
        counts.append(len(found))
    assert counts[1] <= counts[0] < 40
    assert review.items.filter(decision=decision).count() == 32
    events = list(LedgerRecord.objects.order_by("id").values_list("event", flat=True))[-58:]
    assert events == [Event.REVIEW] * 29 + [Event(decision)] * 29
    assert problems() == []


def test_each_record_of_many_decisions_tells_its_own_grant(review, held, nora):
    ScopeUse.objects.create(grant=held["alice"], last_used_at=timezone.now())
    every = list(review.items.order_by("pk").values_list("pk", "grant_id"))
    until = soon(90)
    reviews.decide(review, [pk for pk, _grant in every], "keep", by=nora, until=until, reason="x")
    told = LedgerRecord.objects.filter(event=Event.REVIEW).order_by("id")
    facts = [json.loads(row.content)["facts"] for row in told]
    assert [(int(each["decision"]), int(each["reviewed"])) for each in facts] == every
    assert {each["until"] for each in facts} == {until.isoformat()}
    told = LedgerRecord.objects.filter(event=Event.KEEP).order_by("id")
    facts = [json.loads(row.content)["facts"] for row in told]
    assert [(int(each["grant"]), each["was"]) for each in facts] == [(pk, None) for _, pk in every]
    used = dict(review.items.values_list("grant_id", "last_used_at"))
    assert {pk for pk, moment in used.items() if moment} == {held["alice"].pk}


def test_what_is_the_same_as_some_grants_is_found(held, alice, bob, crew, application, give):
    wanted = [held["alice"], held["crew"], *give(application, "notes:write")]
    give(bob, "notes:read")
    give(crew, "notes:write")
    assert set(unrevoked_like_any(wanted)) == {row.pk for row in wanted}
    assert set(unrevoked_like_any([held["bob"]])) == {held["bob"].pk}


def test_what_was_revoked_before_the_lock_counts_as_ended(review, held, nora, monkeypatch):
    own = deciding.locked_live

    def late(keys):
        grants.revoke(held["bob"], by=CODE)
        return own(keys)

    monkeypatch.setattr(deciding, "locked_live", late)
    wanted = [item(review, held["alice"]), item(review, held["bob"])]
    done = reviews.decide(review, wanted, "revoke", by=nora)
    assert (done.count, done.ended) == (1, (item(review, held["bob"]),))
    assert grants.get(held["bob"].pk).revoked_by is None


def test_a_row_of_another_review_is_refused(review, held, nora, manager):
    other = reviews.open_review("x", reviewer=manager, due_at=soon(), by=CODE)
    wanted = [item(other, held["bob"])]
    assert refused(reviews.decide, review, wanted, "revoke", by=nora) == "not_in_review"


# Closed


def test_after_it_is_closed_nothing_is_decided(review, held, nora, alice):
    assert refused(reviews.close_review, review, by=alice) == "not_reviewer"
    assert reviews.close_review(review, by=nora).closed_at is not None
    wanted = [item(review, held["bob"])]
    assert refused(reviews.decide, review, wanted, "revoke", by=nora) == "closed"
    assert refused(reviews.close_review, review, by=CODE) == "closed"
    assert reviews.progress(review).left == 3


def test_a_reviewer_sees_the_open_reviews(review, held, nora, manager, alice):
    other = reviews.open_review("x", reviewer=manager, due_at=soon(), by=CODE)
    assert set(reviews.reviews_of(nora)) == {review}
    assert set(reviews.reviews_of(manager)) == {review, other}
    assert set(reviews.reviews_of(alice)) == set()
    reviews.close_review(review, by=nora)
    assert set(reviews.reviews_of(nora)) == set()


# Recorded


def decided(review, held, nora):
    reviews.decide(review, [item(review, held["bob"])], "keep", by=nora, until=soon())
    reviews.decide(review, [item(review, held["alice"])], "revoke", by=nora, reason="left")


def test_the_ledger_tells_and_verifies_it(review, held, nora):
    decided(review, held, nora)
    reviews.close_review(review, by=nora)
    told = list(LedgerRecord.objects.order_by("id").values_list("event", flat=True))
    assert told[-6:] == [
        Event.OPEN_REVIEW,
        Event.REVIEW,
        Event.KEEP,
        Event.REVIEW,
        Event.REVOKE,
        Event.CLOSE_REVIEW,
    ]
    assert problems() == []
    assert grants.adopt(by=CODE) == 0
    nora.delete()
    assert problems() == []


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE {items} SET decision = 'keep' WHERE decision = 'revoke'", "its decision is keep"),
        ("UPDATE {items} SET keep_until = NULL WHERE decision = 'keep'", "its keep date is"),
        (
            "UPDATE {items} SET decided_by_id = NULL WHERE decision = 'keep'",
            "decider is nobody",
        ),
        ("UPDATE {items} SET decision = '' WHERE decision = 'revoke'", "ended or was deleted"),
        ("UPDATE {items} SET decision = 'keep' WHERE decision = ''", "it has no record"),
        ("DELETE FROM {items} WHERE decision = ''", "its list is 2"),
        ("UPDATE {items} SET grant_id = grant_id + 100 WHERE decision = ''", "its list is 3"),
        ("UPDATE {items} SET grantee = 'user:9' WHERE decision = ''", "its list is 3"),
        ("UPDATE {reviews} SET due_at = opened_at", "its due is"),
        ("UPDATE {reviews} SET scope = 'audit:read'", "its covers is audit:read"),
        ("UPDATE {reviews} SET reviewer_id = opened_by_id", "its reviewer is"),
        ("UPDATE {reviews} SET closed_at = opened_at", "its closed is yes"),
    ],
)
def test_what_sql_did_is_named(review, held, nora, statement, said):
    decided(review, held, nora)
    tables = {"items": ReviewedGrant._meta.db_table, "reviews": AccessReview._meta.db_table}
    with connection.cursor() as cursor:
        cursor.execute(statement.format(**tables))
    found = problems()
    assert any(said in each for each in found), found


def test_reviews_that_have_no_record_are_adopted(review, held, nora):
    decided(review, held, nora)
    closed = reviews.open_review("x", reviewer=nora, due_at=soon(), by=CODE, scope="notes:write")
    reviews.close_review(closed, by=nora)
    since = LedgerRecord.objects.count()
    ledger.chain()
    assert grants.adopt(by=CODE, since=since) >= 3
    assert problems() == []
    assert grants.adopt(by=CODE) == 0


def test_a_closed_review_that_has_no_record_is_adopted_as_closed(nora):
    with recorded():
        AccessReview.objects.create(
            title="loaded", reviewer=nora, due_at=soon(), closed_at=soon(), grants=0, digest="x"
        )
    assert "it has no record" in " ".join(problems())
    assert grants.adopt(by=CODE) == 1
    assert problems() == []


# Evidence


def test_the_evidence_tells_who_what_when_and_why(review, held, nora, alice):
    ScopeUse.objects.create(grant=held["alice"], last_used_at=timezone.now())
    decided(review, held, nora)
    told = json.loads("".join(reviews.as_json(review)))
    assert told["title"] == "Notes, autumn"
    assert told["reviewer"] == "nora"
    assert (told["total"], told["kept"], told["revoked"], told["left"]) == (3, 1, 1, 1)
    by_name = {each["grantee"]: each for each in told["grants"]}
    assert by_name["alice"]["decision"] == "revoke"
    assert by_name["alice"]["decided_by"] == "nora"
    assert by_name["alice"]["reason"] == "left"
    assert by_name["alice"]["state"] == "revoked"
    assert by_name["alice"]["last_used_at"] is not None
    assert by_name["bob"]["keep_until"] is not None
    assert by_name["crew"]["decision"] is None
    assert by_name["crew"]["grantee_kind"] == "group"


def test_what_was_used_after_a_decision_does_not_change_the_evidence(review, held, nora):
    decided(review, held, nora)
    ScopeUse.objects.create(grant=held["bob"], last_used_at=timezone.now())
    ScopeUse.objects.create(grant=held["crew"], last_used_at=timezone.now())
    used = {row["grantee"]: row["last_used_at"] for row in reviews.rows_of(review)}
    assert used["bob"] is None
    assert used["crew"] is not None


def test_the_csv_has_a_line_for_each_grant_and_no_formula(review, held, nora, manager, monkeypatch):
    monkeypatch.setattr(evidence, "_PAGE", 1)
    reviews.decide(
        review, [item(review, held["bob"])], "revoke", by=nora, reason='=HYPERLINK("http://x")\n"'
    )
    head, *rows = csv.reader(io.StringIO("".join(reviews.as_csv(review))))
    assert tuple(head) == evidence.COLUMNS
    assert len(rows) == 3
    [row] = [dict(zip(head, row, strict=True)) for row in rows if row[4] == "bob"]
    assert row["reason"] == '\'=HYPERLINK("http://x")\n"'


def test_evidence_of_a_deleted_user_keeps_its_key(review, held, nora, alice):
    key = str(alice.pk)
    alice.delete()
    nora.delete()
    review.refresh_from_db()
    told = json.loads("".join(reviews.as_json(review)))
    assert told["reviewer"] is None
    assert {"user", key} <= {
        value for each in told["grants"] for value in (each["grantee_kind"], each["grantee"])
    }


# The command


def test_the_command_opens_lists_tells_and_closes(held, nora, manager):
    said = ["--reviewer", "nora", "--due", "2099-01-31", "--scope-group", "notes", "--by", "mia"]
    assert "Opened review" in run("open", "Autumn", *said)
    review = AccessReview.objects.get()
    assert review.opened_by == manager
    line = run("list")
    assert f"review {review.pk}: Autumn, the group notes, by nora, due 2099-01-3" in line
    assert "3 of 3 left" in line
    assert json.loads(run("list", "--format", "json"))[0]["left"] == 3
    assert json.loads(run("evidence", str(review.pk)))["total"] == 3
    assert run("evidence", str(review.pk), "--format", "csv").startswith('"row","grant"')
    assert "3 of 3 were not decided" in run("close", str(review.pk))
    assert "No open review." in run("list")
    assert ", closed, " in run("list", "--all")
    with pytest.raises(CommandError, match="Nothing was changed"):
        run("close", str(review.pk))
    with pytest.raises(CommandError, match="There is no review 999"):
        run("evidence", "999")
    with recorded():
        AccessReview.objects.all().delete()
    assert "No review." in run("list", "--all")


# Threads


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite writes one at a time")
def test_of_two_decisions_at_once_one_counts(alice, give, manager):
    [row] = give(alice, "notes:read")
    review = reviews.open_review("x", reviewer=manager, due_at=soon(), by=CODE)
    wanted, barrier, told = [item(review, row)], threading.Barrier(4), []

    def decide(number):
        until = soon() if number % 2 else None
        try:
            barrier.wait()
            reviews.decide(review, wanted, "keep" if until else "revoke", by=manager, until=until)
            told.append("decided")
        except GrantError as error:
            told.append(error.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=decide, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["already_decided"] * 3 + ["decided"]
    assert LedgerRecord.objects.filter(event=Event.REVIEW).count() == 1
    assert problems() == []
