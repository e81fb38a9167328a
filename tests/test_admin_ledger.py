"""The page of the ledger: asked by what, who, whom, scope and day; in words; verified; exported."""

from __future__ import annotations

import csv
import io
import json
import logging
from datetime import date, timedelta

import pytest
from asgiref.sync import async_to_sync
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.db import DatabaseError, connection, transaction
from django.test import AsyncClient
from django.test.utils import CaptureQueriesContext
from django.urls import path
from django.utils import timezone

from api_guard import grants, ledger
from api_guard.admin.ledger import records, verification
from api_guard.admin.ledger.asking import AskForm
from api_guard.admin.ledger.wording import EVENTS, event_in_words, facts_of, known_in_words
from api_guard.core.ledger import Event
from api_guard.grants import System
from api_guard.models import (
    LedgerRecord,
    LedgerVerification,
    RateOverride,
    ScopeGrant,
    recorded,
)
from tests.conftest import MODELS

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]
urlpatterns = [path("admin/", admin.site.urls)]

LIST = "/admin/api_guard/ledgerrecord/"
CODE = System("a test")


def may(user, *codenames):
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
    return user


@pytest.fixture
def auditor(client, staff):
    client.force_login(may(staff, "view_ledgerrecord"))
    return client


@pytest.fixture
def acts(alice, bob):
    grants.grant("notes:read", alice, by=CODE, reason="=1+1")
    grants.grant("notes:write", bob, by=grants.Claimed(alice))
    grants.grant("notes:read", bob, by=grants.Claimed(bob))
    grants.revoke_all(bob, by=grants.Claimed(alice))
    ledger.chain()  # as after each commit


def shown(client, **query):
    page = client.get(LIST, query)
    assert page.status_code == 200
    return [(str(line.what), line.scope) for line in page.context["lines"]]


def text(page):
    return page.content.decode()


def sql(statement, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


# Asked


def test_each_field_narrows_the_list(auditor, acts, alice, bob):
    everything = shown(auditor)
    assert [what for what, _ in everything] == ["revoked", "revoked", *["granted"] * 3]
    assert shown(auditor, event="revoke", scope="notes:read") == [("revoked", "notes:read")]
    assert shown(auditor, who="bob") == [("granted", "notes:read")]
    assert len(shown(auditor, who="alice", whom="bob")) == 3
    assert shown(auditor, whom="ali") == [("granted", "notes:read")]
    assert len(shown(auditor, whom=f"user:{bob.pk}")) == 4
    assert len(shown(auditor, q="alice")) == 4
    assert shown(auditor, scope="notes:rea") == shown(auditor, who="a test") == []
    assert shown(auditor, unknown="1", o="-1", p="x") == everything


def test_days_narrow_the_list_and_wrong_ones_are_said(auditor, acts):
    today = timezone.localdate()
    assert len(shown(auditor, since=today, until=today)) == 5
    assert shown(auditor, since=today + timedelta(1)) == []
    assert shown(auditor, until=today - timedelta(1)) == []
    assert shown(auditor, whom="bob", since=today + timedelta(1)) == []
    assert len(shown(auditor, since=date.min, until=date.max)) == 5
    assert shown(auditor, since=date.max) == []
    page = auditor.get(LIST, {"since": "yesterday"})
    assert page.context["lines"] == []
    assert "Please correct the errors above" in text(page)
    assert "Enter a valid date" in text(page)


def test_without_time_zones_a_day_is_that_of_the_server(auditor, acts, settings):
    settings.USE_TZ = False
    today = date.today()  # noqa: DTZ011  # as the server says
    assert len(AskForm({"since": today, "until": today}).rows()) == 5
    assert len(AskForm({"since": date.min}).rows()) == 5


def test_a_scope_with_other_letters_is_found(auditor, alice, settings):
    settings.API_GUARD = {"SCOPES": {"n!#$%&é"[:6]: "Odd", "notes:read": "Read"}}
    grants.grant("n!#$%&", alice, by=CODE)
    assert shown(auditor, scope="n!#$%&") == [("granted", "n!#$%&")]
    with transaction.atomic():
        who = grants.who_of(CODE)
        ledger.record(Event.OVERRIDE, who=who, scope="view:é/" + "x" * 300, facts={"limit": "3"})
    assert shown(auditor, scope="view:é/" + "x" * 300)[0][0] == "set another limit"
    assert shown(auditor, scope="view:é/") == []
    record = LedgerRecord.objects.first()
    assert "view:é/" + "x" * 300 in text(auditor.get(f"{LIST}{record.pk}/change/"))


def test_a_list_takes_the_same_number_of_queries_however_long_it_is(auditor, acts, alice):
    auditor.get(LIST)
    with CaptureQueriesContext(connection) as few:
        auditor.get(LIST, {"whom": "alice", "event": "grant"})
    names = [grants.System(f"job {n}") for n in range(30)]
    for by in names:
        grants.grant("notes:write", alice, by=by)
        grants.revoke_all(alice, by=by)
    with CaptureQueriesContext(connection) as many:
        assert len(shown(auditor, whom="alice", event="grant")) == 31
    assert len(many) == len(few)


def test_a_long_list_says_that_there_is_more(auditor, acts, monkeypatch):
    monkeypatch.setattr(records, "MOST_ROWS", 5)
    assert "The first 1000" in text(auditor.get(LIST))


def test_an_empty_ledger_and_a_search_without_result_say_what_to_do(auditor, acts):
    assert "No record matches" in text(auditor.get(LIST, {"who": "nobody"}))
    sql("DELETE FROM api_guard_ledgerrecord")
    assert "The ledger is empty" in text(auditor.get(LIST))


# In words


def test_old_and_new_values_are_in_words(auditor, alice, settings):
    settings.API_GUARD = {"SCOPES": {"notes:read": "Read"}, "LEDGER_KEYS": {"k": "x" * 40}}
    row = grants.grant("notes:read", alice, by=CODE)
    grants.extend(row, timezone.now() + timedelta(days=3), by=CODE)
    override = RateOverride(name="budget:api/h", limit=5, user=alice)
    override.save()
    override.limit = 7
    override.save()
    page = text(auditor.get(LIST))
    assert "<del>never</del> → " in page
    assert "limit: <del>5</del> → 7" in page
    assert "limit: 5<" in page
    record = LedgerRecord.objects.filter(event="override").first()
    assert "limit: 5 → 7" in text(auditor.get(f"{LIST}{record.pk}/change/"))


def test_every_event_has_words_and_nothing_that_was_made_unreadable_is_an_error(auditor, acts):
    assert set(EVENTS) == set(Event)
    assert event_in_words("odd") == known_in_words("odd") == "odd"
    assert list(facts_of("odd", {"facts": []})) == []
    odd = {"facts": {"expires_at": "then", "limit": None, "until": "2026-01-01", "name": ""}}
    assert [str(fact) for fact in facts_of("odd", odd)] == [
        "ends: then",
        "until: 01/01/2026 midnight",
        "name: nothing",
    ]
    for content in ("{", "[]", '{"facts": 3}', ""):
        sql("UPDATE api_guard_ledgerrecord SET content = %s, at = 'then'", content)
        assert auditor.get(LIST).status_code == 200
        assert auditor.get(f"{LIST}{LedgerRecord.objects.first().pk}/change/").status_code == 200


def test_names_lead_to_access_only_for_who_may_see_it(auditor, acts, alice, staff):
    url = f"/admin/api_guard/access/user/{alice.pk}/"
    assert url not in text(auditor.get(LIST))
    may(staff, "view_access", "view_scope")
    assert url in text(auditor.get(LIST))
    assert "/admin/api_guard/scope/notes_3Aread/" in text(auditor.get(LIST))


def test_a_rate_is_named_in_words_and_no_link_leads_nowhere(auditor, staff, alice, settings):
    settings.API_GUARD = {"SCOPES": {"notes:read": "Read"}, "CEILING": "100/h"}
    may(staff, "view_scope")
    RateOverride(name="budget:api/h", limit=5, user=alice).save()
    RateOverride(name="budget:gone/h", limit=5, user=alice).save()
    row = grants.grant("notes:read", alice, by=CODE)
    settings.API_GUARD = {"SCOPES": {"notes:write": "Write"}, "CEILING": "100/h"}
    page = auditor.get(LIST)
    said = [(line.scope, line.rate, line.scope_url) for line in page.context["lines"]]
    assert said == [
        (row.scope, "", ""),
        ("budget:gone/h", "", ""),
        ("budget:api/h", "the whole API", ""),
    ]
    assert "the whole API" in text(page)


# Verified


def test_the_page_says_up_to_where_it_was_verified(auditor, acts, alice):
    assert "Never verified" in text(auditor.get(LIST))
    page = auditor.post(f"{LIST}verify/", follow=True)
    assert "The ledger verifies." in text(page)
    assert "Verified up to record 5." in text(page)
    grants.grant("notes:write", alice, by=CODE)
    ledger.chain()
    assert "1 newer record is not verified." in text(auditor.get(LIST))
    assert auditor.get(f"{LIST}verify/").status_code == 302
    assert LedgerVerification.objects.count() == 1


def test_an_error_is_said_and_what_was_changed_since_too(auditor, acts):
    auditor.post(f"{LIST}verify/")
    sql("UPDATE api_guard_ledgerrecord SET digest = %s WHERE sequence = 5", "0" * 64)
    assert "changed since it was verified" in text(auditor.get(LIST))
    page = text(auditor.post(f"{LIST}verify/", follow=True))
    assert "The last verification found 1 error." in page
    assert "It found 1 error." in page


def test_nobody_forges_a_verification_with_sql(auditor, acts):
    auditor.post(f"{LIST}verify/")
    for change in ("errors = 0, sequence = 4", "digest = 'x'", "key_id = 'x'"):
        sql(f"UPDATE api_guard_ledgerverification SET {change}")
        assert "Never verified" in text(auditor.get(LIST))


def test_a_pruned_ledger_is_verified_too(auditor, acts, bob):
    auditor.post(f"{LIST}verify/")
    ledger.prune(5, who=grants.who_of(CODE))
    page = text(auditor.get(LIST))
    assert "Pruned up to record 5." in page
    assert "Verified up to record 5." in page


def test_a_long_ledger_is_left_to_the_command(auditor, acts, monkeypatch):
    monkeypatch.setattr(verification, "MOST_VERIFIED", 4)
    assert "manage.py guard_ledger verify" in text(auditor.get(LIST))
    auditor.post(f"{LIST}verify/")
    assert not LedgerVerification.objects.exists()


def test_a_ledger_beside_very_many_grants_is_left_to_the_command(auditor, bob, monkeypatch):
    monkeypatch.setattr(verification, "MOST_VERIFIED", 1)
    grants.grant("notes:read", bob, by=CODE)
    ledger.chain()
    assert "Verify now" in text(auditor.get(LIST))
    with recorded():
        ScopeGrant.objects.bulk_create([ScopeGrant(user=bob, scope="notes:write")])
    assert "Verify now" not in text(auditor.get(LIST))


def test_an_empty_ledger_is_not_verified(auditor, db):
    assert "Nothing is chained yet." in text(auditor.get(LIST))
    auditor.post(f"{LIST}verify/")
    assert not LedgerVerification.objects.exists()
    ledger.note_verified(None, 0)
    assert ledger.last_verified() is None


def test_what_cannot_be_chained_or_remembered_is_said(auditor, acts, monkeypatch, caplog):
    sql("UPDATE api_guard_ledgerhead SET mac = 'x'")
    grants.grant("notes:write", Group.objects.create(name="somebody"), by=CODE)
    assert "The head of the ledger was changed" in text(auditor.post(f"{LIST}verify/", follow=True))

    def fail(self, *args, **kwargs):
        raise DatabaseError("read-only")

    monkeypatch.setattr(LedgerVerification, "save", fail)
    assert list(grants.verify(ledger.Tally()))
    assert "could not be remembered" in caplog.text


# Exported


def rows_of(page):
    return list(csv.DictReader(io.StringIO(b"".join(page.streaming_content).decode())))


def test_what_is_filtered_is_exported(auditor, acts, staff, caplog):
    may(staff, "export_ledgerrecord")
    assert "Export as CSV" in text(auditor.get(LIST))
    with caplog.at_level(logging.INFO, "api_guard.ledger"):
        page = auditor.get(f"{LIST}export/csv/", {"event": "grant"})
    assert page.headers["Content-Disposition"] == 'attachment; filename="ledger.csv"'
    assert "no-store" in page.headers["Cache-Control"]
    rows = rows_of(page)
    assert [row["event"] for row in rows] == ["grant"] * 3
    assert rows[-1]["reason"] == "'=1+1"
    assert rows[-1]["who"] == "a test"
    assert f"by user {staff.pk}" in caplog.text
    page = auditor.get(f"{LIST}export/jsonl/", {"whom": "bob"})
    lines = [json.loads(line) for line in b"".join(page.streaming_content).splitlines()]
    assert [line["event"] for line in lines] == ["revoke", "revoke", "grant", "grant"]
    assert lines[0]["details"]["whom"]["text"] == "bob"
    assert json.loads(lines[0]["content"])["scope"].startswith("notes:")


def test_an_export_goes_on_over_many_pages_and_says_what_was_erased(
    auditor, acts, staff, alice, monkeypatch
):
    monkeypatch.setattr("api_guard.ledger.exporting._PAGE", 2)
    may(staff, "export_ledgerrecord")
    with transaction.atomic():
        ledger.forget(alice.pk, who=grants.who_of(CODE))
    ledger.chain()
    rows = rows_of(auditor.get(f"{LIST}export/csv/"))
    assert [row["number"] for row in rows] == ["6", "5", "4", "3", "2", "1"]
    assert "(erased)" in [row["who"] for row in rows]


def test_an_export_needs_both_permissions_and_a_good_question(client, staff, acts):
    for codenames, status in (
        ((), 403),
        (("view_ledgerrecord",), 403),
        (("export_ledgerrecord",), 403),
        (("view_ledgerrecord", "export_ledgerrecord"), 200),
    ):
        staff.user_permissions.clear()
        client.force_login(type(staff).objects.get(pk=may(staff, *codenames).pk))
        assert client.get(f"{LIST}export/csv/").status_code == status, codenames
    assert client.get(f"{LIST}export/xlsx/").status_code == 404
    assert client.get(f"{LIST}export/csv/", {"since": "x"}).status_code == 404
    client.logout()
    assert client.get(f"{LIST}export/csv/").status_code == 302


def test_who_may_not_look_verifies_nothing(client, staff, acts):
    client.force_login(staff)
    assert client.post(f"{LIST}verify/").status_code == 403
    assert client.get(LIST).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_an_export_streams_under_asgi_too(acts, admin_user):
    @async_to_sync
    async def ask():
        browser = AsyncClient()
        await browser.aforce_login(admin_user, MODELS)
        page = await browser.get(f"{LIST}export/csv/")
        assert page.is_async
        return b"".join([piece async for piece in page.streaming_content])

    assert len(ask().decode().splitlines()) == 6
