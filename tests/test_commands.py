"""Whatever is wrong, a command says what and fails; it never ends with a traceback."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.utils import timezone

from api_guard import grants
from api_guard.limits import credentials
from api_guard.models import ScopeGrant

pytestmark = pytest.mark.django_db
CODE = grants.System("a test")
COMMANDS = [
    ("guard_authority",),
    ("guard_authority", "--group", "editors", "--scopes", "*"),
    ("guard_can", "--user", "alice", "GET", "/notes/"),
    ("guard_grant", "--user", "alice", "notes:read"),
    ("guard_keep", "1", "--end"),
    ("guard_ledger", "verify"),
    ("guard_notify", "--dry-run"),
    ("guard_offboard", "alice"),
    ("guard_review", "list"),
    ("guard_revoke", "--user", "alice"),
    ("guard_sync", "--export"),
    ("guard_sync", "--bundles"),
    ("guard_unused",),
    ("guard_who", "notes:read"),
]
# In these, 1 is an answer.
ANSWERS = ("guard_can", "guard_sync")
NO_TEXT = "a\udcffb"


@pytest.fixture
def alice(db):
    return get_user_model().objects.create_user("alice")


@pytest.fixture
def editors(db):
    return Group.objects.create(name="editors")


def failed(*arguments):
    """Return how a command failed, and its exit code."""
    with pytest.raises(CommandError) as caught:
        call_command(*arguments, stdout=io.StringIO(), stderr=io.StringIO())
    return str(caught.value), caught.value.returncode


def printed(*arguments):
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def code_of(command):
    return 2 if command in ANSWERS else 1


def no_table(execute, sql, params, many, context):
    raise OperationalError("no such table: it")


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_without_tables_or_a_database_each_command_says_so(arguments, settings):
    settings.API_GUARD = {**settings.API_GUARD, "NOTICES": {"to": ["a@example.com"]}}
    with connection.execute_wrapper(no_table):
        said, code = failed(*arguments)
    assert "no such table: it" in said
    assert "manage.py migrate" in said
    assert code == code_of(arguments[0])


@pytest.mark.parametrize(
    "arguments",
    [
        ("guard_grant", "--user", NO_TEXT, "notes:read"),
        ("guard_grant", "--user", "alice", NO_TEXT),
        ("guard_grant", "--group", "a\0b", "notes:read"),
        ("guard_revoke", "--client", NO_TEXT),
        ("guard_revoke", "--user", "alice", "--scope", NO_TEXT),
        ("guard_can", "--user", NO_TEXT, "GET", "/notes/"),
        ("guard_offboard", NO_TEXT),
        ("guard_offboard", "alice", "--client", f"reader={NO_TEXT}"),
        ("guard_ledger", "forget", "--pk", NO_TEXT),
        ("guard_blocks", "--user", NO_TEXT),
        ("guard_sync", "--bundles", "--as", NO_TEXT),
    ],
    ids=lambda arguments: arguments[0],
)
def test_an_argument_that_is_no_text_is_refused_before_anything_is_done(arguments, alice):
    said, code = failed(*arguments)
    assert "no database can store" in said
    assert code == code_of(arguments[0])


@pytest.mark.parametrize(
    "arguments",
    [
        ("guard_can", "GET", "/notes/"),
        ("guard_who", "GET", "/notes/"),
        ("guard_endpoints",),
        ("guard_endpoints", "--probe"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("urlconf", ["nowhere.urls", "json", "..urls"])
def test_a_urlconf_that_cannot_be_read_is_named(arguments, urlconf):
    said, code = failed(*arguments, "--urlconf", urlconf)
    assert f"The URLconf {urlconf!r} cannot be read" in said
    assert code == code_of(arguments[0])


@pytest.mark.parametrize("reason", [NO_TEXT, "a\0b", "x" * 501], ids=["bytes", "null", "long"])
@pytest.mark.parametrize("what", ["adopt", "forget", "prune"])
def test_the_ledger_takes_no_reason_that_a_grant_would_not_take(what, reason, alice):
    named = {"forget": ["alice"], "prune": ["--through", "1"]}.get(what, [])
    assert "The reason is not valid" in failed("guard_ledger", what, *named, "--reason", reason)[0]


@pytest.mark.parametrize("content", [b"\xff\xfe\0", b"[" * 100_000], ids=["binary", "deep"])
def test_a_file_that_is_no_checkpoint_does_not_verify(content, tmp_path):
    file = tmp_path / "checkpoint"
    file.write_bytes(content)
    said, code = failed("guard_ledger", "verify", "--checkpoint", str(file))
    assert "cannot be read" in said or "not a checkpoint" in said
    assert code == 1


def test_a_checkpoint_that_cannot_be_written_is_an_error(alice, tmp_path):
    grants.grant("notes:read", alice, by=CODE)
    said, _ = failed("guard_ledger", "checkpoint", str(tmp_path / "nowhere" / "file"))
    assert "cannot be written" in said


def test_a_listing_that_is_no_text_differs(tmp_path):
    file = tmp_path / "listing"
    file.write_bytes(b"\xff\xfe\0")
    said, code = failed("guard_endpoints", "--diff", str(file))
    assert (f"{file} cannot be read" in said, code) == (True, 1)


def test_a_log_on_standard_input_may_have_bytes_that_are_no_text(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff id\n"), "utf-8"))
    said, code = failed("guard_can", "--decision", "id", "--log", "-")
    assert ("no line of the decision id" in said, code) == (True, 2)


def test_a_time_beyond_the_last_year_is_no_time(alice):
    last = "9999-12-31T23:59:59-10:00"
    assert (
        "is not a time"
        in failed("guard_grant", "--user", "alice", "notes:read", "--until", last)[0]
    )
    assert not ScopeGrant.objects.exists()


@pytest.mark.parametrize("until", ["2127-01-31", "2127-01-31T12:00Z"])
def test_a_time_is_also_taken_where_the_project_has_no_time_zones(until, alice, settings):
    settings.USE_TZ = False
    row = grants.grant("notes:read", alice, by=CODE)
    printed("guard_grant", "--user", "alice", "notes:write", "--until", until)
    printed("guard_keep", str(row.pk), "--until", until)
    assert grants.get(row.pk).kept_until.year == 2127
    printed("guard_review", "open", "All", "--reviewer", boss().username, "--due", until)


def boss():
    return get_user_model().objects.create_superuser("boss")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("guard_authority", "--remove"), "Write what to remove"),
        (("guard_who", "notes:read", "--most", "0"), "1 or more"),
        (("guard_who", "", "/notes/"), "Write a method"),
        (("guard_can", "", "/notes/"), "Name a request"),
        (("guard_can", "GET", ""), "Name a request"),
        (("guard_sync", "--export", "--apply"), "only prints"),
        (("guard_sync", "--bundles", "--prune"), "needs a file"),
        (("guard_sync", "--bundles", "--most-removals", "-1"), "0 or more"),
        (("guard_sync", "--bundles", "--by", "nobody"), "no user 'nobody'"),
        (("guard_offboard", "alice", "--new-owner", "nobody"), "no user 'nobody'"),
        (("guard_offboard", "alice", "--client", "a=alice", "--client", "a=alice"), "twice"),
        (("guard_blocks", "--address", "nowhere", "--lift"), "not an address"),
    ],
    ids=lambda arguments: arguments[0] if isinstance(arguments, tuple) else None,
)
def test_options_that_would_do_nothing_or_something_else_are_refused(arguments, why, alice):
    said, code = failed(*arguments)
    assert why in said
    assert code == code_of(arguments[0])


def test_lifting_nothing_says_so():
    assert printed("guard_blocks", "--user", "alice", "--lift") == "Nothing is blocked.\n"


def test_the_blocks_of_an_ipv6_address_are_those_of_its_network(rf):
    for number in range(30):
        credentials.count_bad(rf.get("/", REMOTE_ADDR="2001:db8::7"), f"bad{number}")
    for said in ("2001:db8::7", "2001:db8::/64", "2001:DB8:0::8"):
        assert "2001:db8::/64" in printed("guard_blocks", "--address", said)
    assert printed("guard_blocks", "--address", "unknown") == "Nothing is blocked.\n"


class Left(io.StringIO):
    def flush(self):
        raise BrokenPipeError

    def fileno(self):
        return self.file.fileno()


def test_an_output_whose_reader_has_gone_is_an_error(alice, tmp_path, monkeypatch):
    left = Left()
    with (tmp_path / "output").open("w") as left.file:
        monkeypatch.setattr(sys, "stdout", left)
        with pytest.raises(CommandError, match="Nobody reads the output any more"):
            call_command("guard_grant", "--user", "alice", "notes:read")
    assert ScopeGrant.objects.exists()


class Full(io.StringIO):
    def write(self, text):
        raise OSError(28, "No space left on device")


def test_an_output_that_cannot_be_written_is_an_error(alice):
    with pytest.raises(CommandError, match=r"It stopped: .*No space left"):
        call_command("guard_grant", "--user", "alice", "notes:read", stdout=Full())
    assert ScopeGrant.objects.get().granted_at <= timezone.now()


@pytest.mark.once
def test_a_reader_that_goes_ends_the_command_without_a_traceback():
    command = [sys.executable, "-m", "django", "guard_endpoints", "--settings", "tests.settings"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    said = process.stderr.read().decode()
    process.stderr.close()
    assert (process.wait(timeout=60), "Traceback" in said, "BrokenPipeError" in said) == (
        1,
        False,
        False,
    )
    assert "Nobody reads the output any more" in said
