"""The ledger in a database: what is recorded, chained, verified, erased and pruned."""

from __future__ import annotations

import json
from io import StringIO
from types import SimpleNamespace

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, connections, transaction

from api_guard import conf, ledger
from api_guard.core.findings import Kind
from api_guard.core.ledger import Event, Known, Party, Who
from api_guard.exceptions import GuardError
from api_guard.ledger import Tally, chaining, recording, rows
from api_guard.ledger.verifying import _tail
from api_guard.models import (
    AppendOnlyError,
    LedgerCheckpoint,
    LedgerDetail,
    LedgerHead,
    LedgerRecord,
)

pytestmark = pytest.mark.django_db(transaction=True)

ALICE, BOB = Party("user", "1", "alice"), Party("user", "2", "bob")
BY_ALICE = Who(Known.AUTHENTICATED, ALICE)
SYSTEM = Who(Known.SYSTEM, Party("system", "", "migration 0007"))
TABLES = {
    "record": LedgerRecord._meta.db_table,
    "detail": LedgerDetail._meta.db_table,
    "head": LedgerHead._meta.db_table,
    "checkpoint": LedgerCheckpoint._meta.db_table,
}


def act(number=0, who=BY_ALICE, whom=BOB, **said):
    said = {"scope": "notes:read", "reason": f"why {number}", "address": "192.0.2.1", **said}
    with transaction.atomic():
        ledger.record(Event.GRANT, who=who, whom=whom, **said)


@pytest.fixture
def nine(db):
    for number in range(1, 10):
        act(number)


def sql(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement.format(**TABLES), values)


def findings(exported=None):
    return list(ledger.verify(ledger.Tally(), exported))


def named(exported=None):
    return [(found.kind.value, found.sequence) for found in findings(exported)]


def run(*arguments):
    out = StringIO()
    call_command("guard_ledger", *arguments, stdout=out)
    return out.getvalue()


def ids():
    return list(LedgerRecord.objects.order_by("id").values_list("pk", flat=True))


def test_a_record_says_what_was_done_and_is_chained_after_the_commit():
    with transaction.atomic():
        ledger.record(
            Event.EXTEND,
            who=BY_ALICE,
            whom=BOB,
            scope="notes:read",
            reason="on call\0\ud800",
            address="192.0.2.1",
            facts={"before": None, "after": "2027-01-01T00:00:00+00:00"},
        )
        assert LedgerRecord.objects.get().sequence is None
    row = LedgerRecord.objects.get()
    assert (row.sequence, row.event, str(row)) == (1, "extend", f"extend at {row.at}")
    said = json.loads(row.content)
    promised = said.pop("details")
    assert said == {
        "known": "authenticated",
        "who": "user",
        "whom": "user",
        "scope": "notes:read",
        "facts": {"before": None, "after": "2027-01-01T00:00:00+00:00"},
    }
    found = {one.part: (one.key, one.text) for one in ledger.details([row.pk])[row.pk]}
    assert found == {
        "who": ("user:1", "alice"),
        "whom": ("user:2", "bob"),
        "reason": ("", "on call\\0\\ud800"),
        "address": ("", "192.0.2.1"),
    }
    assert promised.keys() == found.keys()
    assert not any(text in row.content for text in ("alice", "bob", "192.0.2.1", "on call"))
    detail = LedgerDetail.objects.get(part="who")
    assert str(detail) == f"who of {row.pk}"
    assert str(LedgerHead.objects.get()) == "head at 1"
    assert findings() == []


def test_what_was_not_said_has_no_detail():
    act(who=Who(Known.UNKNOWN, Party("user", "", "")), whom=None, reason="", address="")
    act(who=SYSTEM, whom=None, reason="", address="")
    assert [(one.key, one.text) for one in LedgerDetail.objects.all()] == [("", "migration 0007")]
    assert findings() == []


def test_there_is_no_record_without_a_transaction():
    with pytest.raises(GuardError, match=r"with transaction.atomic\(using='default'\)"):
        ledger.record(Event.GRANT, who=SYSTEM)
    assert not LedgerRecord.objects.exists()


def test_a_change_without_its_record_is_undone(monkeypatch):
    def fail(self, *args, **kwargs):
        raise DatabaseError("the disk is full")

    monkeypatch.setattr(LedgerDetail, "save", fail)

    @transaction.atomic
    def change():
        get_user_model().objects.create_user("carol")
        ledger.record(Event.GRANT, who=BY_ALICE)

    with pytest.raises(DatabaseError, match="the disk is full"):
        change()
    assert not LedgerRecord.objects.exists()
    assert not get_user_model().objects.exists()


def test_a_record_goes_with_the_change_that_is_undone():
    @transaction.atomic
    def undone(number):
        act(number)
        raise ZeroDivisionError

    with transaction.atomic():
        act(1)
        with pytest.raises(ZeroDivisionError):
            undone(2)
        assert LedgerRecord.objects.count() == 1
    assert LedgerRecord.objects.get().sequence == 1
    with pytest.raises(ZeroDivisionError):
        undone(3)
    assert LedgerRecord.objects.count() == 1
    assert findings() == []


def test_many_records_of_one_transaction_are_chained_in_their_order(monkeypatch):
    monkeypatch.setattr(chaining, "_BATCH", 2)
    with transaction.atomic():
        for number in range(7):
            act(number)
    assert [row.sequence for row in LedgerRecord.objects.order_by("id")] == list(range(1, 8))
    assert ledger.chain() == 0
    assert findings() == []


def test_a_failure_to_chain_is_logged_and_the_next_one_chains_it(monkeypatch, caplog):
    def fail(*args):
        raise DatabaseError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(chaining, "in_transaction", fail)
        act(1)
    assert "are not chained yet" in caplog.text
    assert LedgerRecord.objects.get().sequence is None
    tally = ledger.Tally()
    assert list(ledger.verify(tally)) == []
    assert (tally.chained, tally.unchained) == (0, 1)
    assert tally.oldest_unchained == LedgerRecord.objects.get().at
    assert "1 not chained yet, since 20" in run("verify")
    assert run("chain") == "Chained 1 record.\n"
    act(2)
    assert sorted(LedgerRecord.objects.values_list("sequence", flat=True)) == [1, 2]


def test_two_who_make_the_head_at_once_make_one(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(recording, "chain_after_commit", lambda: None)
        act(1)
    real = rows.start

    def meanwhile():
        monkeypatch.setattr(chaining, "start", real)
        chaining._make_head()

    monkeypatch.setattr(chaining, "start", meanwhile)
    assert ledger.chain() == 1
    assert findings() == []


def test_what_somebody_else_has_chained_is_not_chained_again(nine, monkeypatch):
    """As a transaction around it would show it, which does not see what others do."""
    [row] = rows.records(LedgerRecord.objects.filter(sequence=4))
    stale = type(row)(*list(vars(row).values())[:6])
    monkeypatch.setattr(chaining, "unchained", lambda after, size: [] if after else [stale])
    assert ledger.chain() == 0
    assert findings() == []


def test_nothing_is_added_to_a_chain_whose_head_is_not_sound(nine, caplog):
    sql("UPDATE {head} SET sequence = 4")
    act(10)
    assert "The head of the ledger was changed" in caplog.text
    assert named()[0] == ("edit", None)
    sql("DELETE FROM {head}")
    act(11)
    assert "somebody deleted the head" in caplog.text
    assert named() == [("deletion", None)]


# What somebody does who reaches the database, each with what it is called.
TEXT = "SELECT content FROM (SELECT content FROM {record} WHERE sequence = 4) AS x"
BY_SQL = {
    "edit of the content": (
        ["UPDATE {record} SET content = REPLACE(content, 'read', 'write') WHERE sequence = 5"],
        [("edit", 5)],
    ),
    "edit of the event": (
        ["UPDATE {record} SET event = 'revoke' WHERE sequence = 5"],
        [("edit", 5)],
    ),
    "edit of its case": (
        ["UPDATE {record} SET event = 'GRANT' WHERE sequence = 5"],
        [("edit", 5)],
    ),
    "edit of the content to another one's": (
        [f"UPDATE {{record}} SET content = ({TEXT}) WHERE sequence = 5"],
        [("edit", 5)],
    ),
    "deletion": (["DELETE FROM {record} WHERE sequence = 5"], [("deletion", 5)]),
    "deletion, numbers closed": (
        [
            "DELETE FROM {record} WHERE sequence = 5",
            *(f"UPDATE {{record}} SET sequence = {n - 1} WHERE sequence = {n}" for n in (6, 7)),
            *(f"UPDATE {{record}} SET sequence = {n - 1} WHERE sequence = {n}" for n in (8, 9)),
        ],
        [("deletion", 5)],
    ),
    "insertion, chained": (
        [
            "INSERT INTO {record} (id, at, event, key_id, content, mac, sequence, previous, digest)"
            " SELECT REPLACE(id, '0', '1'), at, event, key_id, content, mac, 10, digest, mac"
            " FROM {record} WHERE sequence = 9"
        ],
        [("insertion", 10)],
    ),
    "insertion, to be chained": (
        [
            "INSERT INTO {record} (id, at, event, key_id, content, mac)"
            " SELECT REPLACE(id, '0', '1'), at, event, key_id, content, mac"
            " FROM {record} WHERE sequence = 9"
        ],
        [("insertion", None)],
    ),
    "insertion between": (
        [
            *(f"UPDATE {{record}} SET sequence = {n + 1} WHERE sequence = {n}" for n in (9, 8, 7)),
            "INSERT INTO {record} (id, at, event, key_id, content, mac, sequence, previous, digest)"
            " SELECT REPLACE(id, '0', '1'), at, event, key_id, content, mac, 7, 'x', digest"
            " FROM {record} WHERE sequence = 6",
        ],
        [("insertion", 7)],
    ),
    "reordering": (
        [
            "UPDATE {record} SET sequence = 0 WHERE sequence = 5",
            "UPDATE {record} SET sequence = 5 WHERE sequence = 6",
            "UPDATE {record} SET sequence = 6 WHERE sequence = 0",
        ],
        [("reordering", 6), ("reordering", 5)],
    ),
    "truncation": (["DELETE FROM {record} WHERE sequence > 7"], [("truncation", 7)]),
    "truncation of all": (["DELETE FROM {record}"], [("truncation", 0)]),
    "edit of the head": (["UPDATE {head} SET sequence = 4"], [("edit", None), ("edit", None)][:1]),
    "deletion of the head": (["DELETE FROM {head}"], [("deletion", None)]),
    "edit of a name": (
        ["UPDATE {detail} SET text = 'mallory' WHERE part = 'who' AND record = %s"],
        [("detail edited", 5)],
    ),
    "deletion of a reason": (
        ["DELETE FROM {detail} WHERE part = 'reason' AND record = %s"],
        [("detail deleted", 5)],
    ),
    "a reason as if erased": (
        [
            "UPDATE {detail} SET text = '', salt = '', forgotten = 'x'"
            " WHERE part = 'reason' AND record = %s"
        ],
        [("detail deleted", 5)],
    ),
    "a detail put in": (
        [
            "INSERT INTO {detail} (record, part, {quote}key{quote}, text, salt, forgotten)"
            " VALUES (%s, 'more', '', 'x', 'x', '')"
        ],
        [("detail inserted", 5)],
    ),
    "details of nothing": (
        [
            "INSERT INTO {detail} (record, part, {quote}key{quote}, text, salt, forgotten)"
            " VALUES ('x', 'who', '', 'x', 'x', '')"
        ],
        [("detail inserted", None)],
    ),
}


@pytest.mark.parametrize("name", BY_SQL)
def test_what_was_done_by_sql_is_named_and_nothing_else(name, nine, monkeypatch):
    monkeypatch.setattr(rows, "_PAGE", 2)
    statements, said = BY_SQL[name]
    fifth = LedgerRecord.objects.get(sequence=5).pk
    monkeypatch.setitem(TABLES, "quote", connection.ops.quote_name("x")[0])
    for statement in statements:
        sql(statement, *([fifth] if "%s" in statement else []))
    assert named() == said


def test_what_was_put_in_by_sql_is_not_made_a_part_of_the_chain(nine, caplog):
    for statement in BY_SQL["insertion, to be chained"][0]:
        sql(statement)
    act(10)
    assert "is not chained: somebody changed it" in caplog.text
    assert LedgerRecord.objects.filter(sequence__isnull=False).count() == 10
    assert named() == [("insertion", None)]


def test_a_record_that_was_deleted_before_it_was_chained_leaves_its_details(nine, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(recording, "chain_after_commit", lambda: None)
        act(10)
    [name] = [row.pk for row in LedgerRecord.objects.filter(sequence__isnull=True)]
    sql("DELETE FROM {record} WHERE sequence IS NULL")
    [found] = findings()
    assert (found.kind, found.id) == (Kind.DELETION, name)


def test_an_end_that_was_cut_off_with_its_head_is_told_by_a_checkpoint_alone(nine, tmp_path):
    file = tmp_path / "checkpoint"
    act(10)
    head = LedgerHead.objects.values().get()
    act(11)
    assert run("checkpoint", str(file)) == ""
    sql("DELETE FROM {record} WHERE sequence = 11")
    sql("DELETE FROM {detail} WHERE record NOT IN (SELECT id FROM {record})")
    sql("UPDATE {head} SET sequence = %s, digest = %s, at = %s, mac = %s",
        *(head[name] for name in ("sequence", "digest", "at", "mac")))  # fmt: skip
    assert run("verify") == "10 records chained.\nThe ledger verifies.\n"
    with pytest.raises(CommandError, match="First: truncation: record 10 is the last record"):
        run("verify", "--checkpoint", str(file))
    # And what is written in its place is another end.
    act(12)
    assert named() == []
    with pytest.raises(CommandError, match="First: fork: record 11 differs from"):
        run("verify", "--checkpoint", str(file))


def test_a_fork_is_named(nine):
    old = LedgerHead.objects.values().get()
    act(10)
    act(11)
    [kept] = LedgerRecord.objects.filter(sequence=10).values()
    del kept["scope"]  # the database writes it
    sql("DELETE FROM {record} WHERE sequence > 9")
    sql("UPDATE {head} SET sequence = %s, digest = %s, at = %s, mac = %s",
        *(old[name] for name in ("sequence", "digest", "at", "mac")))  # fmt: skip
    act(12)
    act(13)
    sql("DELETE FROM {record} WHERE sequence = 10")
    columns = ", ".join(kept)
    sql(f"INSERT INTO {{record}} ({columns}) VALUES ({', '.join(['%s'] * 9)})", *kept.values())
    assert named() == [("fork", 11)]


def test_a_checkpoint_is_a_line_that_nobody_else_writes(nine, settings):
    line = run("checkpoint")
    assert ledger.read_checkpoint(line).sequence == 9
    said = json.loads(line)
    for name, value in (("sequence", 8), ("digest", "0" * 64), ("at", "then"), ("mac", "é")):
        with pytest.raises(GuardError, match="was changed"):
            ledger.read_checkpoint(json.dumps({**said, name: value}))
    for text in ("", "[]", "{}", '{"sequence": "x"}'):
        with pytest.raises(GuardError, match="not a checkpoint"):
            ledger.read_checkpoint(text)
    with pytest.raises(GuardError, match="'none' of the checkpoint is not in LEDGER_KEYS"):
        ledger.read_checkpoint(json.dumps({**said, "key_id": "none"}))


def test_there_is_no_checkpoint_of_an_empty_ledger():
    with pytest.raises(CommandError, match="The ledger is empty"):
        run("checkpoint")
    assert run("verify") == "0 records chained.\nThe ledger verifies.\n"


def test_verify_shows_the_first_and_counts_the_rest(nine):
    for _ in range(3):
        for number in range(10):
            act(number)
    sql("UPDATE {record} SET event = 'x'")
    out = StringIO()
    with pytest.raises(CommandError, match=r"First: edit: record 1 ") as error:
        call_command("guard_ledger", "verify", stdout=out)
    assert error.value.returncode == 1
    assert len(out.getvalue().splitlines()) == 22
    assert "and 19 more" in out.getvalue()


def test_what_is_chained_while_the_ledger_is_verified_is_no_finding(nine, monkeypatch):
    real = rows.head
    turns = iter([real, lambda: act(10) or real(), lambda: act(11) or real()])
    monkeypatch.setattr(rows, "head", lambda: next(turns, real)())
    tally = ledger.Tally()
    assert list(ledger.verify(tally)) == []
    assert tally.chained == 11


# Append-only


@pytest.mark.parametrize("table", [LedgerRecord, LedgerDetail, LedgerHead])
def test_no_row_is_changed_or_deleted_by_django(table, nine):
    row = table.objects.first()
    everything = table._base_manager.all()
    for change in (
        row.save,
        row.delete,
        everything.delete,
        lambda: everything.update(at="now"),
        lambda: everything.bulk_create([row]),
        lambda: everything.bulk_update([row], ["pk"]),
    ):
        with pytest.raises(AppendOnlyError, match="cannot be changed or deleted"):
            change()
    assert findings() == []


def test_no_row_is_put_in_the_place_of_another(nine):
    row = LedgerRecord.objects.get(sequence=5)
    with pytest.raises(DatabaseError), transaction.atomic():
        LedgerRecord(**{f.name: getattr(row, f.name) for f in row._meta.fields}).save()
    assert findings() == []


# Erasure


def test_a_user_is_forgotten_and_the_ledger_verifies(nine):
    act(10, who=Who(Known.AUTHENTICATED, BOB), whom=ALICE, reason="of alice", address="192.0.2.2")
    user = get_user_model().objects.create_user("carol")
    assert (
        run("forget", "--pk", "2", "--by", "carol", "--reason", "asked") == "Erased 20 details.\n"
    )
    left = set(LedgerDetail.objects.values_list("text", flat=True))
    assert left == {"", "alice", "192.0.2.1", "of alice", "carol", "asked"}
    assert not LedgerDetail.objects.filter(key="user:2").exists()
    record = LedgerRecord.objects.get(event="forget")
    assert json.loads(record.content)["known"] == "claimed"
    assert ledger.details([record.pk])[record.pk][0].key in (f"user:{user.pk}", "")
    assert run("verify") == "11 records chained; 20 details erased.\nThe ledger verifies.\n"
    assert run("forget", "--pk", "2") == "Erased 0 details.\n"
    # What the record of it does not name was not erased by it.
    sql("UPDATE {detail} SET text = '', salt = '', {key} = '', forgotten = %s WHERE part = 'who'"
        .replace("{key}", connection.ops.quote_name("key")), record.pk)  # fmt: skip
    assert {kind for kind, _ in named()} == {"detail deleted"}


def test_an_erasure_by_a_record_that_was_edited_is_none(nine):
    run("forget", "--pk", "2")
    sql("UPDATE {record} SET at = 'x' WHERE event = 'forget'")
    assert {kind for kind, _ in named()} == {"detail deleted", "edit"}


def test_a_user_is_forgotten_by_name_in_many_steps(monkeypatch):
    monkeypatch.setattr("api_guard.ledger.erasing._BATCH", 4)
    user = get_user_model().objects.create_user("dora")
    for number in range(5):
        act(number, whom=Party("user", str(user.pk), "dora"))
    assert run("forget", "dora") == "Erased 10 details.\n"
    assert LedgerRecord.objects.filter(event="forget").count() == 3
    assert findings() == []
    with pytest.raises(CommandError, match="There is no user 'nobody'"):
        run("forget", "nobody")


# Pruning


def test_old_records_are_pruned_and_the_ledger_begins_at_a_signed_checkpoint(nine, tmp_path):
    file = tmp_path / "checkpoint"
    run("checkpoint", str(file))
    assert run("prune", "--through", "6") == "Pruned 6 records.\n"
    assert str(LedgerCheckpoint.objects.get()) == "pruned through 6"
    assert LedgerDetail.objects.values("record").distinct().count() == 4  # and of the prune
    assert run("verify") == "4 records chained; pruned through 6.\nThe ledger verifies.\n"
    assert json.loads(LedgerRecord.objects.get(sequence=10).content)["facts"]["through"] == "6"
    run("verify", "--checkpoint", str(file))
    run("prune", "--through", "10")
    assert "the checkpoint is older than that" in run("verify", "--checkpoint", str(file))
    assert run("prune", "--through", "3") == "Pruned 0 records.\n"
    with pytest.raises(
        CommandError, match=r"Record 40 is not chained\. The last chained record is 11"
    ):
        run("prune", "--through", "40")


def test_an_exported_checkpoint_is_no_beginning_and_neither_is_one_that_was_edited(nine):
    said = json.loads(run("checkpoint"))
    values = [said[name] for name in ("sequence", "digest", "at", "key_id", "mac")]
    sql("INSERT INTO {checkpoint} (sequence, digest, at, key_id, mac) VALUES (%s, %s, %s, %s, %s)",
        *values)  # fmt: skip
    assert named()[0] == ("edit", 9)
    assert "its checkpoint was changed" in str(findings()[0])


def test_a_beginning_that_was_deleted_is_a_deletion(nine):
    run("prune", "--through", "6")
    sql("DELETE FROM {checkpoint}")
    assert named() == [("deletion", 1)]


def test_a_ledger_with_anything_wrong_is_not_pruned(nine):
    sql("UPDATE {record} SET event = 'x' WHERE sequence = 2")
    with pytest.raises(CommandError, match=r"has an error and was not pruned\. edit: record 2"):
        run("prune", "--through", "6")
    assert LedgerRecord.objects.count() == 9


def test_what_a_prune_that_was_cut_short_has_left_is_told_and_deleted(nine, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("api_guard.ledger.checkpoints._delete_some", lambda through: 0)
        run("prune", "--through", "6")
    assert "pruned through 6; 6 of these still exist: prune again." in run("verify")
    sql("UPDATE {record} SET event = 'x' WHERE sequence = 2")
    assert named() == [("edit", 2)]
    assert run("prune", "--through", "6") == "Pruned 6 records.\n"
    assert findings() == []


def test_a_ledger_that_is_pruned_while_it_is_verified_is_to_be_verified_again(nine):
    found = ledger.verify(ledger.Tally())
    sql("UPDATE {record} SET event = 'x' WHERE sequence = 9")
    next(found)
    sql("INSERT INTO {checkpoint} (sequence, digest, at, key_id, mac) VALUES (1, '', '', '', '')")
    with pytest.raises(GuardError, match="Verify it again"):
        list(found)


# Export


def test_the_export_has_a_line_for_each_chained_record(nine):
    run("forget", "--pk", "2")
    lines = [json.loads(line) for line in run("export", "--since", "7").splitlines()]
    assert [line["sequence"] for line in lines] == [8, 9, 10]
    first = lines[0]
    assert first["details"]["who"]["text"] == "alice"
    assert first["details"]["whom"] == {"forgotten": lines[2]["id"]}
    assert first["mac"] == LedgerRecord.objects.get(sequence=8).mac
    assert [json.loads(line)["sequence"] for line in ledger.export()][:2] == [1, 2]


# Keys


def own_keys(settings, **keys):
    settings.API_GUARD = {**settings.API_GUARD, "LEDGER_KEYS": keys}


def test_keys_are_rotated_and_what_no_key_is_known_of_is_named(settings, caplog):
    act(1)
    [site] = conf.ledger_keys()
    assert site.startswith("secret-key:")
    own_keys(settings, first="f" * 32, **{"secret-key": None})
    act(2)
    own_keys(settings, second="s" * 32, first="f" * 32, **{"secret-key": None})
    act(3)
    assert list(LedgerRecord.objects.order_by("id").values_list("key_id", flat=True)) == [
        *(site, "first", "second")
    ]
    assert findings() == []
    own_keys(settings, second="s" * 32)
    assert named() == [("unknown key", 1), ("unknown key", 2)]
    # A process of a deployment that goes on does not know the newest key yet.
    own_keys(settings, third="t" * 32, second="s" * 32, first="f" * 32)
    with transaction.atomic():
        act(4)
        own_keys(settings, second="s" * 32, first="f" * 32, **{"secret-key": None})
    assert "is not chained: the key 'third' is unknown" in caplog.text
    own_keys(settings, third="t" * 32, second="s" * 32, first="f" * 32, **{"secret-key": None})
    assert ledger.chain() == 1
    assert findings() == []


def test_what_an_older_secret_key_signed_verifies_while_django_knows_it(settings):
    act(1)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another one", [settings.SECRET_KEY]
    act(2)
    assert findings() == []
    settings.SECRET_KEY_FALLBACKS = []
    assert named() == [("unknown key", 1)]


def test_the_database_is_that_of_the_grants():
    assert ledger.database() == "default"
    assert connections["default"].in_atomic_block is False
    assert ids() == []


def test_a_record_that_was_changed_in_all_that_tells_its_place_is_named_first(nine):
    sql("UPDATE {record} SET content = 'a', previous = 'x', digest = 'y' WHERE sequence = 5")
    assert named()[0] == ("edit", 5)


def test_a_record_that_was_met_in_the_chain_is_not_judged_again(nine):
    sql("UPDATE {record} SET sequence = NULL WHERE sequence = 9")
    met = SimpleNamespace(was_met=lambda row: True)
    judge = SimpleNamespace(findings=lambda page: [])
    assert list(_tail(met, judge, {}, Tally())) == []


@pytest.mark.skipif(connection.vendor != "sqlite", reason="other databases keep to the types")
@pytest.mark.parametrize("column", ["at", "event", "content", "mac", "previous", "digest"])
def test_bytes_in_a_column_of_text_are_an_edit(nine, column):
    sql(f"UPDATE {{record}} SET {column} = x'ff00' WHERE sequence = 5")
    assert named()[0] == ("edit", 5)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="other databases keep to the types")
def test_a_text_in_the_place_of_a_number_is_named(nine):
    sql("UPDATE {record} SET sequence = 'five' WHERE sequence = 5")
    assert named()[0] == ("reordering", "five")


@pytest.mark.skipif(connection.vendor != "sqlite", reason="other databases keep to the types")
@pytest.mark.parametrize("number", [5, 9, None])
def test_an_id_of_bytes_is_named_and_verify_ends(nine, number):
    if number is None:
        sql(
            "UPDATE {record} SET sequence = NULL, previous = NULL, digest = NULL, id = x'ff00'"
            " WHERE sequence = 9"
        )
    else:
        sql(f"UPDATE {{record}} SET id = x'ff00' WHERE sequence = {number}")
    assert named()
    assert list(ledger.contents())


@pytest.mark.skipif(connection.vendor != "sqlite", reason="other databases keep to the types")
@pytest.mark.parametrize("column", ["at", "key_id", "mac", "digest"])
def test_bytes_in_the_head_are_named(nine, column):
    sql(f"UPDATE {{head}} SET {column} = x'ff00'")
    assert named()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="other databases keep to the types")
@pytest.mark.parametrize("column", ["key", "text", "salt", "forgotten"])
def test_bytes_in_a_detail_are_named(nine, column):
    fifth = LedgerRecord.objects.get(sequence=5).pk
    sql(f"UPDATE {{detail}} SET \"{column}\" = x'ff00' WHERE part = 'who' AND record = %s", fifth)
    assert [number for _, number in named()] == [5]
