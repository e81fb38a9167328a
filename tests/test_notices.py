"""Signals after the commit, and the daily digest by mail."""

import threading
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.mail import EmailMessage
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from django.utils import timezone

from api_guard import checks, conf, grants, notices, signals
from api_guard.exceptions import GuardError
from api_guard.models import Notice, ScopeGrant
from tests.test_requests import SCOPES, TEST, soon

pytestmark = pytest.mark.django_db(transaction=True)
NOTICES = {"to": ["security@example.com"], "base_url": "https://api.example.com/", "days": 3}


@pytest.fixture(autouse=True)
def _settings(settings):
    settings.API_GUARD = {**settings.API_GUARD, "SCOPES": SCOPES, "NOTICES": NOTICES}


@pytest.fixture
def heard():
    """Return what the signals have told, by name."""
    names = ("request_made", "request_approved", "request_declined", "sensitive_granted")
    names += ("grant_expiring", "grant_expired")
    told, receivers = [], []
    for name in names:

        def receive(sender, name=name, **said):
            told.append((name, connection.in_atomic_block, said))

        receivers.append(receive)
        getattr(signals, name).connect(receive, dispatch_uid=f"test {name}")
    yield told
    for name in names:
        getattr(signals, name).disconnect(dispatch_uid=f"test {name}")


@pytest.fixture
def two(transactional_db):
    """Two who may give any scope."""
    users = get_user_model().objects
    return users.create_superuser("one"), users.create_superuser("two")


def notify(*options):
    out = StringIO()
    call_command("guard_notify", *options, stdout=out)
    return out.getvalue()


def ask(user, scope="notes:read", reason="the report", days=2):
    return grants.request(scope, by=user, reason=reason, expires_at=soon(days=days))


# Signals


def test_signals_are_sent_after_the_commit(alice, bob, two, heard):
    one, other = two
    first = ask(alice)
    grants.approve(first, by=one)
    second = ask(bob)
    grants.decline(second, by=one)
    third = ask(alice, "pay:refund")
    grants.approve(third, by=one)
    grants.approve(third, by=other)
    assert [name for name, *_ in heard] == [
        *("request_made", "request_approved", "request_made", "request_declined"),
        *("request_made", "request_approved", "request_approved", "sensitive_granted"),
    ]
    assert not any(is_inside for _, is_inside, _ in heard)
    assert heard[1][2]["grant"] == ScopeGrant.objects.get(scope="notes:read")
    assert heard[3][2]["by"] == one
    assert (heard[5][2]["grant"], heard[7][2]["by"]) == (None, other)


def test_requests_that_were_made_together_are_told_each(alice, bob, two, heard):
    offer = grants.Offer(("notes:read", "pay:refund"), (alice, bob), TEST, "", soon(days=2))
    given = grants.grant_many(offer)
    assert [(name, is_inside, said["request"]) for name, is_inside, said in heard] == [
        ("request_made", False, row) for row in given.asked
    ]
    assert len(given.asked) == 2


def test_what_is_rolled_back_is_not_told(alice, heard):
    with transaction.atomic():
        ask(alice)
        transaction.set_rollback(True)
    assert heard == []


def test_a_receiver_that_fails_changes_nothing(alice):
    def fail(**said):
        raise RuntimeError

    signals.request_made.connect(fail)
    try:
        assert ask(alice).pk
    finally:
        signals.request_made.disconnect(fail)


# The digest


@pytest.fixture
def everything(alice, bob, two):
    """One of each thing to tell."""
    group = Group.objects.create(name="staff\r\nBcc: evil@example.com")
    grants.grant("notes:read", bob, by=TEST, expires_at=soon(days=2))
    grants.grant("notes:write", group, by=TEST, expires_at=soon(seconds=5))
    grants.grant("notes:hidden", bob, by=TEST, expires_at=soon(days=30))
    ask(alice, reason="line one\nSubject: forged\x1b[31m")
    refund = ask(alice, "pay:refund")
    grants.approve(refund, by=two[0])
    grants.approve(refund, by=two[1])
    grants.grant(
        "notes:hidden", two[0], by=two[0], reason="an incident", expires_at=soon(hours=0.5)
    )


@pytest.fixture
def a_moment_later(monkeypatch):
    moment = timezone.now() + timedelta(seconds=10)

    def later():
        monkeypatch.setattr("django.utils.timezone.now", lambda: moment)

    return later


def test_the_digest_tells_each_thing_once(everything, mailoutbox, heard, a_moment_later):
    a_moment_later()
    heard.clear()
    assert notify() == "Told 6.\n"
    [mail] = mailoutbox
    assert mail.subject == "Access: 1 break-glass, 1 sensitive, 1 waiting, 2 expiring, 1 expired"
    assert (mail.to, mail.body.count("https://api.example.com/admin/")) == (NOTICES["to"], 5)
    assert "https://api.example.com/admin/api_guard/grantrequest/" in mail.body
    assert "- notes:hidden for user one, until" in mail.body
    assert "by one: an incident" in mail.body
    assert "pay:refund for user alice" in mail.body
    assert [name for name, *_ in heard] == ["grant_expiring", "grant_expiring", "grant_expired"]
    assert notify() == "Nothing to tell.\n"
    assert len(mailoutbox) == 1


def test_no_text_of_a_user_forges_a_line_or_a_header(everything, mailoutbox, a_moment_later):
    a_moment_later()
    notify()
    [mail] = mailoutbox
    lines = mail.body.splitlines()
    assert not any(line.startswith(("Bcc:", "Subject:")) for line in lines)
    assert "\x1b" not in mail.body
    assert "evil" not in mail.message().as_string().partition("\n\n")[0]
    assert "line one Subject: forged" in mail.body


def test_a_grant_that_is_extended_is_told_again(alice, mailoutbox):
    row = grants.grant("notes:read", alice, by=TEST, expires_at=soon(days=1))
    assert notify() == "Told 1.\n"
    grants.extend(row, soon(days=2), by=TEST)
    assert notify() == "Told 1.\n"
    assert notify() == "Nothing to tell.\n"


def test_a_dry_run_shows_the_mail_and_tells_nothing(alice, mailoutbox):
    grants.grant("notes:read", alice, by=TEST, expires_at=soon(days=1))
    said = notify("--dry-run")
    assert said.startswith("Access: 1 expiring\n\nGrants that expire soon (1)\n- notes:read for")
    assert said.endswith("Dry run: nothing was sent.\n")
    assert (mailoutbox, Notice.objects.count()) == ([], 0)
    assert notify() == "Told 1.\n"
    assert notify("--dry-run") == "Nothing to tell.\n"


@pytest.mark.parametrize("way", ["raises", "sends nothing"])
def test_a_mail_that_fails_is_sent_again(alice, mailoutbox, monkeypatch, heard, way):
    def fail(self):
        if way == "raises":
            raise OSError("refused by the server: secret")
        return 0

    grants.grant("notes:read", alice, by=TEST, expires_at=soon(days=1))
    with monkeypatch.context() as patched:
        patched.setattr(EmailMessage, "send", fail)
        with pytest.raises(CommandError, match=r"^The mail was not sent: OSError\.$"):
            notify()
    assert (Notice.objects.count(), heard) == (0, [])
    assert notify() == "Told 1.\n"
    assert len(mailoutbox) == 1


def test_what_a_dead_process_has_claimed_is_told_after_an_hour(alice, mailoutbox):
    row = grants.grant("notes:read", alice, by=TEST, expires_at=soon(days=1))
    key = f"expiring:{row.pk}:{row.expires_at:%Y%m%dT%H%M%S}"
    claim = Notice.objects.create(key=key, run="dead", claimed_at=soon(minutes=-59))
    assert str(claim) == key
    assert (notify(), notify("--dry-run")) == ("Nothing to tell.\n",) * 2
    Notice.objects.update(claimed_at=soon(minutes=-61))
    assert notify("--dry-run").startswith("Access: 1 expiring")
    assert notify() == "Told 1.\n"


def test_what_expired_since_the_last_notice_is_told(alice, bob, mailoutbox, monkeypatch):
    grants.grant("notes:read", alice, by=TEST, expires_at=soon(days=1))
    grants.grant("notes:read", bob, by=TEST, expires_at=soon(days=9))
    notify()
    moment = timezone.now() + timedelta(days=20)
    monkeypatch.setattr("django.utils.timezone.now", lambda: moment)
    assert notify() == "Told 2.\n"
    assert mailoutbox[-1].subject == "Access: 2 expired"


def test_a_request_of_code_without_an_end_is_told(alice, settings, mailoutbox):
    scopes = {**SCOPES, "keys:read": {"description": "Keys", "sensitive": True}}
    settings.API_GUARD = {**settings.API_GUARD, "SCOPES": scopes}
    grants.grant("keys:read", alice, by=TEST)
    notify()
    assert "\n- keys:read for user alice\n" in mailoutbox[0].body


def test_a_long_digest_is_cut(alice, mailoutbox):
    users = [get_user_model()(username=f"{n:03}" + "u" * 140) for n in range(210)]
    get_user_model().objects.bulk_create(users)
    for user in get_user_model().objects.exclude(pk=alice.pk):
        grants.grant("notes:read", user, by=TEST, reason="r" * 400, expires_at=soon(days=1))
    notify()
    [mail] = mailoutbox
    assert "- and 10 more" in mail.body
    assert max(map(len, mail.body.splitlines())) < 210
    assert mail.subject == "Access: 210 expiring"


@pytest.mark.urls("tests.test_requests")
def test_without_pages_there_are_no_links(alice, mailoutbox):
    grants.grant("notes:read", alice, by=TEST, expires_at=soon(days=1))
    notify()
    assert "https://" not in mailoutbox[0].body


def test_without_an_address_only_signals_are_sent(alice, mailoutbox, heard, settings):
    settings.API_GUARD = {**settings.API_GUARD, "NOTICES": {"to": []}}
    grants.grant("notes:read", alice, by=TEST, expires_at=soon(days=1))
    assert notify() == "Told 1.\n"
    assert (mailoutbox, [name for name, *_ in heard]) == ([], ["grant_expiring"])


def test_nothing_is_sent_inside_a_transaction(alice, mailoutbox):
    grants.grant("notes:read", alice, by=TEST, expires_at=soon(days=1))
    with transaction.atomic(), pytest.raises(GuardError, match="inside a transaction"):
        notices.send()
    assert mailoutbox == []


@pytest.mark.parametrize(
    "value",
    [
        None,
        "security@example.com",
        {},
        {"to": "security@example.com"},
        {"to": ["nobody"]},
        {"to": ["a@example.com\nBcc: b@example.com"]},
        {"to": ["a@example.com"], "from": "nobody"},
        {"to": ["a@example.com"], "base_url": "javascript:1"},
        {"to": ["a@example.com"], "base_url": "https://a\nb"},
        {"to": ["a@example.com"], "base_url": 1},
        {"to": ["a@example.com"], "days": 0},
        {"to": ["a@example.com"], "cc": []},
    ],
)
def test_without_right_settings_nothing_is_sent(alice, settings, value, mailoutbox):
    grants.grant("notes:read", alice, by=TEST, expires_at=soon(days=1))
    settings.API_GUARD = {**settings.API_GUARD, "NOTICES": value}
    for options in ((), ("--dry-run",)):
        with pytest.raises(CommandError, match="Set API_GUARD"):
            notify(*options)
    assert (mailoutbox, Notice.objects.count()) == ([], 0)


def test_right_settings_are_no_mistake(settings):
    assert checks.check_settings() == []
    settings.API_GUARD = {
        **settings.API_GUARD,
        "NOTICES": {"to": ["a@example.com"], "from": "api@example.com"},
    }
    assert checks.check_settings() == []
    assert (conf.notices().sender, conf.notices().days) == ("api@example.com", 7)
    settings.API_GUARD = {**settings.API_GUARD, "NOTICES": {"to": "a@example.com"}}
    [mistake] = checks.check_settings()
    assert "a list of e-mail addresses" in mistake.msg


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite writes one at a time")
def test_of_many_processes_at_once_one_tells(mailoutbox):
    users = get_user_model().objects
    for number in range(20):
        user = users.create_user(f"u{number}")
        grants.grant("notes:read", user, by=TEST, expires_at=soon(days=1))
    start = threading.Barrier(6)
    told = []

    def run():
        try:
            start.wait(10)
            told.extend(notices.send())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(told) == 20
    assert len({item.key for item in told}) == 20
    assert sum(mail.body.count("- notes:read") for mail in mailoutbox) == 20
