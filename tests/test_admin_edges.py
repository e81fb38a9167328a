"""What the admin and its command say where there is nothing: no row, no page, no block any more."""

from __future__ import annotations

import pytest
from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, LogEntry
from django.core.management import CommandError, call_command
from django.db.models import Q

from api_guard import grants
from api_guard.admin import granting
from api_guard.admin.lists import IndexedAdmin
from api_guard.admin.viewing import client_url
from api_guard.limits import credentials
from api_guard.models import GrantRequest, LedgerVerification, ScopeGrant


class Bare(IndexedAdmin):
    """A list whose own columns are not searched."""


def test_a_name_that_nobody_has_finds_nothing_where_nothing_else_is_searched(db):
    assert Bare(ScopeGrant, admin.AdminSite("empty"))._named("nobody-at-all") == Q(pk__in=())


def test_a_site_without_the_page_of_clients_has_no_link_to_it():
    assert client_url(admin.AdminSite("empty")) == ""


def test_what_was_only_asked_for_is_neither_logged_nor_said_to_be_given(rf, admin_user, alice):
    request = rf.get("/")
    request.user = admin_user
    granting.log(request, [], ADDITION, [{"added": {}}])
    assert not LogEntry.objects.exists()
    asked = GrantRequest(scope="notes:read", user=alice)
    [(level, said)] = granting._told(grants.Given((), (asked,), ()), None)
    assert level == messages.WARNING
    assert "Two other users have to approve it" in said


def test_a_block_that_ends_while_it_is_lifted_is_an_error_of_the_command(db, rf, monkeypatch):
    for number in range(30):
        credentials.count_bad(rf.get("/", REMOTE_ADDR="203.0.113.7"), f"bad{number}")
    [block] = credentials.blocks()
    monkeypatch.setattr(credentials, "release", lambda block: False)
    with pytest.raises(CommandError, match="already ended"):
        call_command("guard_blocks", "--lift", str(block.number))


def test_a_verification_says_how_far_it_went():
    assert str(LedgerVerification(sequence=3)) == "verified up to 3"
