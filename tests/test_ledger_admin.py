"""The ledger in the admin, which shows it and changes nothing; its keys and its checks."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db import OperationalError, connection, transaction
from django.urls import path

from api_guard import conf, grants, ledger
from api_guard.checks.ledger import check_ledger_database, check_ledger_key
from api_guard.checks.settings import check_settings
from api_guard.grants import Claimed, System
from api_guard.models import LedgerRecord
from api_guard.models.transactions import in_transaction

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]
urlpatterns = [path("admin/", admin.site.urls)]

LIST = "/admin/api_guard/ledgerrecord/"
LONG = "a secret of more than thirty-two characters"


@pytest.fixture
def acts(alice, bob):
    grants.grant("notes:read", alice, by=System("a seed"), reason="she asked")
    grants.grant("notes:write", bob, by=Claimed("somebody"))
    grants.revoke_all(bob, by=Claimed(alice))


def shown(client, **query):
    page = client.get(LIST, query)
    assert page.status_code == 200
    return [row.event for row in page.context["cl"].result_list]


@pytest.fixture
def reader(client, staff):
    staff.user_permissions.add(Permission.objects.get(codename="view_ledgerrecord"))
    client.force_login(staff)
    return client


def test_who_did_what_to_whom_and_why_is_shown(reader, acts):
    page = reader.get(LIST).content.decode()
    for said in ("a seed", "she asked", "user:", "claimed", "notes:write"):
        assert said in page
    record = LedgerRecord.objects.get(event="grant", content__contains="notes:read")
    page = reader.get(f"{LIST}{record.pk}/change/").content.decode()
    for said in ("she asked", "expires_at: None", record.mac):
        assert said in page


def test_a_search_names_a_user_a_number_or_a_record(reader, acts, alice):
    record = LedgerRecord.objects.first()
    assert sorted(shown(reader, q="alice")) == ["grant", "revoke"]
    assert sorted(shown(reader, q=f"user:{alice.pk}")) == ["grant", "revoke"]
    assert shown(reader, q="nobody") == []
    assert shown(reader, q="7777777") == []
    assert shown(reader, q="9" * 30) == []
    assert shown(reader, q=record.pk) == [record.event]
    assert shown(reader, event="revoke") == ["revoke"]


def test_what_was_erased_and_what_was_broken_is_shown_as_that(reader, acts, alice):
    with transaction.atomic():
        who = grants.who_of(System("a test"))
        assert ledger.forget(alice.pk, who=who) > 0
    assert "erased" in reader.get(LIST).content.decode()
    for content in ("{", "[]"):
        with connection.cursor() as cursor:
            cursor.execute("UPDATE api_guard_ledgerrecord SET content = %s", [content])
        assert reader.get(LIST).status_code == 200


def test_nobody_changes_anything(client, admin_user, acts):
    client.force_login(admin_user)
    record = LedgerRecord.objects.first()
    assert client.get(f"{LIST}add/").status_code == 403
    assert client.post(f"{LIST}{record.pk}/change/", {"event": "x"}).status_code == 403
    assert client.post(f"{LIST}{record.pk}/delete/", {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [record.pk], "post": "yes"}
    client.post(LIST, chosen)
    assert LedgerRecord.objects.filter(pk=record.pk).exists()


def test_who_may_not_look_does_not(client, staff):
    client.force_login(staff)
    assert client.get(LIST).status_code == 403


# Keys and checks


@pytest.mark.parametrize(
    "value",
    [
        {"2026": "short"},
        {},
        [LONG],
        {"a b": LONG},
        {1: LONG},
        {"secret-key": LONG},
        {"2026": None},
    ],
)
def test_a_key_that_is_no_key_is_an_error_and_signs_nothing(settings, value):
    settings.API_GUARD = {"LEDGER_KEYS": value}
    [message] = check_settings()
    assert (message.id, "LEDGER_KEYS" in message.msg) == ("api_guard.E001", True)
    assert next(iter(conf.ledger_keys())).startswith("secret-key:")


def test_a_ledger_without_a_key_of_its_own_is_warned_of(settings):
    [warning] = check_ledger_key()
    assert warning.id == "api_guard.W081"
    settings.SECRET_KEY_FALLBACKS = ["an old secret"]
    settings.API_GUARD = {"LEDGER_KEYS": {"2026": LONG, "secret-key": None}}
    assert check_ledger_key() == []
    assert [name.partition(":")[0] for name in conf.ledger_keys()] == ["2026"] + 2 * ["secret-key"]


class Elsewhere:
    def db_for_write(self, model, **hints):
        return "other" if model is LedgerRecord else None


def test_a_ledger_in_another_database_is_an_error(settings):
    assert check_ledger_database() == []
    settings.DATABASE_ROUTERS = [Elsewhere()]
    [error] = check_ledger_database()
    assert (error.id, "LedgerRecord" in error.msg) == ("api_guard.E082", True)


# A change that met another in a deadlock


class GaveWay(Exception):
    def __init__(self, sqlstate):
        super().__init__()
        self.sqlstate = sqlstate


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("number", "state", "tries"),
    [(1213, None, 3), (1020, None, 3), (0, "40P01", 3), (0, "40001", 3), (0, "42P01", 1)],
)
def test_what_gave_way_is_done_again(number, state, tries):
    done = []

    def change():
        done.append(1)
        if len(done) < 3:
            raise OperationalError(number) from GaveWay(state)
        return "done"

    if tries == 1:
        with pytest.raises(OperationalError):
            in_transaction(change, "default")
    else:
        assert in_transaction(change, "default") == "done"
    assert len(done) == tries
