"""The page of blocks: seen, looked up, and lifted with a reason by whoever may."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.db import connection
from django.urls import path
from django.utils.html import escape

from api_guard import grants, ledger
from api_guard.admin import blocks as page_of_blocks
from api_guard.exceptions import GuardError, TooManyFailures
from api_guard.grants import Claimed, GrantError, System
from api_guard.limits import credentials
from api_guard.limits.counters import CounterFault
from api_guard.models import LedgerRecord

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]
urlpatterns = [path("admin/", admin.site.urls)]

BLOCKS = "/admin/api_guard/block/"
CODE = System("a test")


def may(user, *codenames):
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
    return user


@pytest.fixture(autouse=True)
def _limits(settings):
    said = {"account_at_address": "2/h", "account": "9/h", "address": "9/h", "token": "2/h"}
    settings.API_GUARD = {"SCOPES": {"notes:read": "Read"}, "FAILED_CREDENTIALS": said}


@pytest.fixture
def auditor(client, staff):
    client.force_login(may(staff, "view_block"))
    return client


@pytest.fixture
def lifter(client, staff):
    client.force_login(may(staff, "view_block", "lift_block"))
    return client


def guess(rf, account, address="203.0.113.9", kind="user"):
    """Fail until the account is blocked at the address."""
    request = rf.get("/", REMOTE_ADDR=address)
    for _ in range(2):
        credentials.begin(request, kind, account).failed()
    with pytest.raises(TooManyFailures):
        credentials.begin(request, kind, account)


def text(page, status=200):
    assert page.status_code == status
    return page.content.decode()


def keys(page):
    return [key for _block, key, _kind in page.context["lines"]]


def messages(page):
    return [str(message) for message in page.context["messages"]]


def test_what_is_blocked_is_listed_searched_and_filtered(auditor, rf, alice):
    assert "Nothing is blocked." in text(auditor.get(BLOCKS))
    guess(rf, "alice")
    guess(rf, "the-app", "2001:db8::1", kind="client")
    page = text(auditor.get(BLOCKS))
    for said in ("user:alice", "client:the-app", "203.0.113.9", "an account at an address", "2/h"):
        assert said in page
    assert "Lift the selected blocks" not in page
    assert len(keys(auditor.get(BLOCKS, {"q": "ALICE 203"}))) == 1
    assert len(keys(auditor.get(BLOCKS, {"limit": "account_at_address"}))) == 2
    assert "No block matches" in text(auditor.get(BLOCKS, {"limit": "token"}))


def test_a_block_is_lifted_with_a_reason_and_a_record(lifter, rf, alice):
    guess(rf, "Alice")
    guess(rf, "bob")
    [bobs, alices] = keys(lifter.get(BLOCKS))
    url = f"{BLOCKS}?q=alice"
    assert messages(lifter.post(url, {"block": alices}, follow=True)) == ["Write a reason."]
    page = lifter.post(url, {"reason": "she called"}, follow=True)
    assert messages(page) == ["Select the blocks to lift."]
    page = lifter.post(url, {"block": [alices, "7 x"], "reason": "she called"}, follow=True)
    assert messages(page) == ["Lifted: user:alice 203.0.113.9."]
    assert keys(lifter.get(BLOCKS)) == [bobs]
    credentials.begin(rf.get("/", REMOTE_ADDR="203.0.113.9"), "user", "alice")
    record = LedgerRecord.objects.get(event="lift_block")
    found = {each.part: each for each in ledger.details([record.pk])[record.pk]}
    assert (found["whom"].key, found["whom"].text) == (f"user:{alice.pk}", "alice at 203.0.113.9")
    assert (found["who"].text, found["reason"].text) == ("sue", "she called")
    assert "203.0.113.9" not in record.content
    ledger.chain()
    assert list(grants.verify(ledger.Tally())) == []


def test_who_is_blocked_is_named_in_the_record_and_only_a_user_has_a_key(rf, db, django_user_model):
    # To MySQL and MariaDB these are one name: there it is nobody's.
    for name in ("Carol", "carol") if connection.vendor != "mysql" else ():
        django_user_model.objects.create_user(name)
    guess(rf, "carol")
    guess(rf, "app", kind="client")
    for found in credentials.blocks():
        grants.lift_block(found, by=Claimed("somebody"))
    for _ in range(2):
        credentials.count_bad(rf.get("/", REMOTE_ADDR="203.0.113.7"), f"bad{_}")
    [found] = credentials.blocks()
    grants.lift_block(found, by=CODE)
    rows = LedgerRecord.objects.filter(event="lift_block").order_by("pk")
    of = ledger.details([row.pk for row in rows])
    whom = [next(each for each in of[row.pk] if each.part == "whom") for row in rows]
    assert [(each.key, each.text) for each in whom] == [
        ("", "carol at 203.0.113.9"),
        ("", "app at 203.0.113.9"),
        ("", "203.0.113.7"),
    ]
    assert ledger.forget(0, who=grants.who_of(CODE)) == 0


def test_a_block_that_is_not_listed_is_looked_up_and_lifted(lifter, rf, alice):
    guess(rf, "alice")
    for number in range(3):
        cache.delete(f"api_guard:block:{number}")
    assert "Nothing is blocked." in text(lifter.get(BLOCKS))
    asked = {"kind": "user", "account": " ALICE ", "address": "203.0.113.9"}
    assert "Neither is blocked" in text(lifter.get(BLOCKS, {**asked, "kind": "client"}))
    page = lifter.get(BLOCKS, asked)
    [key] = keys(page)
    assert key == "account_at_address 2/h user:alice"
    url = page.wsgi_request.get_full_path()
    page = lifter.post(url, {"block": key, "reason": "she called"}, follow=True)
    assert messages(page) == ["Lifted: user:alice 203.0.113.9."]
    assert "Neither is blocked" in text(page)
    assert "correct the errors" in text(lifter.get(BLOCKS, {"address": "nowhere"}))


def test_a_block_that_has_ended_meanwhile_is_not_lifted(rf, alice):
    guess(rf, "alice")
    [block] = credentials.blocks()
    [counted] = credentials.reached("user", "alice", "203.0.113.9")
    grants.lift_block(block, by=CODE)
    for each in (block, counted):
        with pytest.raises(GrantError, match="already ended") as error:
            grants.lift_block(each, by=CODE)
        assert error.value.code == "no_block"
    assert LedgerRecord.objects.filter(event="lift_block").count() == 1


def test_what_could_not_be_lifted_is_said(lifter, rf, alice, monkeypatch):
    guess(rf, "alice")
    [key] = keys(lifter.get(BLOCKS))
    for error, why in ((GrantError("no_block", "Over."), "Over."), (GuardError("No."), "No.")):

        def fail(*args, error=error, **kwargs):
            raise error

        monkeypatch.setattr(page_of_blocks.grants, "lift_block", fail)
        page = lifter.post(BLOCKS, {"block": key, "reason": "x"}, follow=True)
        assert messages(page) == [f"Not lifted: user:alice 203.0.113.9. {why}"]


def test_each_act_needs_its_permission(client, staff, manager, rf, alice):
    guess(rf, "alice")
    [block] = credentials.blocks()
    client.force_login(staff)
    text(client.get(BLOCKS), 403)
    may(staff, "view_block")
    client.force_login(type(staff).objects.get(pk=staff.pk))
    [key] = keys(client.get(BLOCKS))
    text(client.post(BLOCKS, {"block": key, "reason": "x"}), 403)
    client.force_login(manager)
    text(client.get(BLOCKS), 403)
    with pytest.raises(GrantError, match="may not lift"):
        grants.lift_block(block, by=manager)
    assert credentials.blocks() == [block]


def test_without_the_cache_the_page_says_so(lifter, monkeypatch):
    def fail():
        raise CounterFault("down")

    monkeypatch.setattr(page_of_blocks.credentials, "blocks", fail)
    assert "does not answer" in text(lifter.get(BLOCKS))
    assert "does not answer" in text(lifter.post(BLOCKS, {"reason": "x"}))


def test_without_limits_nothing_is_reached(settings, db):
    settings.API_GUARD = {"FAILED_CREDENTIALS": False}
    assert credentials.reached("user", "alice", "203.0.113.9") == []
    settings.API_GUARD = {}
    assert credentials.reached("user", "", "") == []


def test_hostile_names_are_escaped(lifter, rf):
    name = "<b>\"'"
    guess(rf, name)
    page = text(lifter.get(BLOCKS))
    assert name not in page
    assert escape(name) in page
