"""The chain of the ledger, without a database: what is done to it is named, and nothing else is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_guard.core.chains import Walk
from api_guard.core.findings import Kind, judge_details, judge_unchained
from api_guard.core.ledger import Known, Party, Who
from api_guard.core.records import (
    CHECKPOINT,
    GENESIS,
    HEAD,
    PRUNED,
    Detail,
    Key,
    Place,
    Record,
    canonical,
    commitment,
    content_of,
    is_genuine,
    is_signed,
    link,
    mac_of,
    new_id,
    same,
    sign,
    sign_place,
)

KEY = Key("now", b"n" * 32)
OLD = Key("old", b"o" * 32)
KEYS = {"now": KEY, "old": OLD}
START = Place(0, GENESIS)
SYSTEM = Who(Known.SYSTEM, Party("system", "", "a test"))
LENGTH = 9


def written(number, key=KEY, details=()):
    content = content_of(SYSTEM, None, f"scope:{number}", {}, details)
    name = new_id(key, 1_000_000 + number, bytes([number]) * 9)
    row = Record(name, f"2026-01-01T00:00:{number:02}.000000Z", "grant", key.id, content, "")
    return replace(row, mac=mac_of(key, row))


def chained(rows, start=START):
    """Chain rows as api_guard does, and return them with the head."""
    place, done = start, []
    for row in rows:
        key = KEYS[row.key_id]
        new = Place(place.sequence + 1, link(key, place.digest, place.sequence + 1, row.mac))
        done.append(replace(row, sequence=new.sequence, previous=place.digest, digest=new.digest))
        place = new
    return done, sign_place(KEY, HEAD, place, "now")


ROWS, END = chained([written(number) for number in range(1, LENGTH + 1)])


def judged(rows, head=END, start=START, exported=None, keys=KEYS):
    """Return what is wrong, as the ledger's own verification asks: in order, then what is left."""
    by_previous = {}
    for row in rows:
        by_previous.setdefault(row.previous, row)
    walk = Walk(keys, start, head, by_previous.get, exported)
    found = []
    numbered = [row for row in rows if row.sequence is not None]
    for row in sorted(numbered, key=lambda row: (row.sequence, row.id)):
        found += walk.step(row)
    found += walk.end(head)
    for row in rows:
        if row.sequence is None and not walk.was_met(row):
            found += filter(None, [judge_unchained(row, keys)])
    return found


def named(rows, *args, **kwargs):
    return [(found.kind.value, found.sequence) for found in judged(rows, *args, **kwargs)]


def with_row(number, **columns):
    """Return the ledger with columns of one record changed."""
    return [replace(row, **columns) if row.sequence == number else row for row in ROWS]


def without(*numbers):
    return [row for row in ROWS if row.sequence not in numbers]


def forged(**columns):
    return Record(**{**vars(written(77)), "id": "f" * 64, "mac": "e" * 64, **columns})


def renumbered(rows, first, by):
    """Return rows whose numbers from `first` on were moved."""
    return [
        replace(row, sequence=row.sequence + by) if row.sequence >= first else row for row in rows
    ]


def swapped(one, other, *columns):
    a, b = ROWS[one - 1], ROWS[other - 1]
    rows = without(one, other)
    rows.append(replace(a, **{name: getattr(b, name) for name in columns}))
    rows.append(replace(b, **{name: getattr(a, name) for name in columns}))
    return rows


def test_a_sound_ledger_has_nothing_wrong_and_neither_has_an_empty_one():
    assert judged(ROWS) == []
    assert judged([], head=None) == []
    assert judged([], head=sign_place(KEY, HEAD, START, "now")) == []


TAMPERED = {
    "a text": (with_row(5, content=ROWS[4].content.replace("scope:5", "scope:6")), [("edit", 5)]),
    "the event": (with_row(5, event="revoke"), [("edit", 5)]),
    "the time": (with_row(5, at="2025-01-01T00:00:00.000000Z"), [("edit", 5)]),
    "the id": (with_row(5, id="0" * 64), [("edit", 5)]),
    "the signature": (with_row(5, mac="0" * 64), [("edit", 5)]),
    "the signature, not ASCII": (with_row(5, mac="é" * 64), [("edit", 5)]),
    "the key, to another": (with_row(5, key_id="old"), [("edit", 5)]),
    "the key, to none": (with_row(5, key_id="none"), [("edit", 5)]),
    "the digest": (with_row(5, digest="0" * 64), [("edit", 5)]),
    "the last digest": (with_row(9, digest="0" * 64), [("edit", 9)]),
    "the previous": (with_row(5, previous="1" * 64), [("edit", 5)]),
    "the previous, to none": (with_row(5, previous=None), [("edit", 5)]),
    "the number, taken away": (with_row(5, sequence=None), [("edit", 5)]),
    "the last number, taken away": (with_row(9, sequence=None), [("edit", 9)]),
    "the last number": (with_row(9, sequence=12), [("edit", 12)]),
    "a text and its signature": (with_row(5, content="{}", mac="0" * 64), [("edit", 5)]),
    "a number, far on": (with_row(5, sequence=500), [("reordering", 500)]),
    "a number, on": (with_row(5, sequence=12), [("reordering", 12)]),
    "a number, back": (with_row(5, sequence=-3), [("reordering", -3)]),
    "a number, far back": (with_row(5, sequence=-3000), [("reordering", -3000)]),
    "the last number, back": (with_row(9, sequence=-3), [("reordering", -3)]),
    "two numbers swapped": (
        swapped(5, 6, "sequence"),
        [("reordering", 6), ("reordering", 5)],
    ),
    "the last two": (swapped(8, 9, "sequence"), [("reordering", 9), ("reordering", 8)]),
    "all numbers from one on": (renumbered(ROWS, 5, 1), [("edit", 6)]),
    "places swapped": (
        swapped(5, 6, "sequence", "previous", "digest"),
        [("reordering", 5), ("reordering", 6)],
    ),
    "places far apart swapped": (
        swapped(3, 9, "sequence", "previous", "digest"),
        [("reordering", 3), ("reordering", 9)],
    ),
    "one deleted": (without(5), [("deletion", 5)]),
    "the first deleted": (without(1), [("deletion", 1)]),
    "three deleted": (without(4, 5, 6), [("deletion", 4)]),
    "one deleted, numbers closed": (renumbered(without(5), 5, -1), [("deletion", 5)]),
    "two deleted": (without(3, 7), [("deletion", 3), ("deletion", 7)]),
    "the last deleted": (without(9), [("truncation", 8)]),
    "all deleted": ([], [("truncation", 0)]),
    "one put at the end": ([*ROWS, forged(sequence=10)], [("insertion", 10)]),
    "one put at the beginning": ([*ROWS, forged(sequence=0)], [("insertion", 0)]),
    "one put between": (
        [*renumbered(ROWS, 5, 1), forged(sequence=5, previous="2" * 64)],
        [("insertion", 5)],
    ),
    "one put in the place of another": (
        [*without(5), forged(sequence=5, previous=ROWS[4].previous, digest=ROWS[4].digest)],
        [("insertion", 5), ("deletion", 5)],
    ),
    "one of no key put at the end": (
        [*ROWS, forged(sequence=10, key_id="none")],
        [("insertion", 10)],
    ),
    "one put in, not chained": ([*ROWS, forged()], [("insertion", None)]),
    "two edited": (
        [replace(row, event="x") if row.sequence in (2, 8) else row for row in ROWS],
        [("edit", 2), ("edit", 8)],
    ),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_what_was_done_is_named_and_nothing_else(name):
    rows, said = TAMPERED[name]
    assert named(rows) == said


def other_end(since):
    """Return the rows of a second chain that leaves the first after a number, and its head."""
    place = Place(since, ROWS[since - 1].digest)
    return chained([written(number) for number in range(40, 40 + LENGTH - since)], place)


def test_two_chains_of_one_ledger_are_a_fork():
    others, head = other_end(7)
    assert named([*ROWS, *others], head=head)[0] == ("fork", 8)
    # The constraints held, so that one of each had to go.
    assert named([*ROWS[:8], others[1]], head=head) == [("fork", 9)]
    assert named(ROWS, head=head) == [("fork", 9)]


def test_a_head_that_was_tampered_with_is_named():
    back = sign_place(KEY, HEAD, Place(4, ROWS[3].digest), "then")
    assert named(ROWS, head=None) == [("deletion", None)]
    assert named(ROWS, head=back) == [("edit", None)]
    assert named(ROWS, head=replace(END, mac="0" * 64)) == [("edit", None)]
    assert named(ROWS, head=replace(END, key_id="none")) == [("unknown key", None)]
    moved = replace(END, place=Place(12, "3" * 64))
    assert named(ROWS, head=moved) == [("edit", None), ("truncation", 9)]


def test_only_a_checkpoint_kept_elsewhere_tells_of_an_end_cut_off_with_its_head():
    rows, head = chained([written(number) for number in range(1, 5)])
    exported = END.place
    assert named(rows, head=head) == []
    assert named(rows, head=head, exported=exported) == [("truncation", 4)]
    assert named([], head=None, exported=exported) == [("truncation", 0)]
    assert named(ROWS, exported=Place(4, ROWS[3].digest)) == []


def test_a_ledger_written_anew_is_another_one_than_the_checkpoint_has_seen():
    others, head = other_end(7)
    assert named([*ROWS[:7], *others], head=head) == []
    rewritten = [*ROWS[:7], *others]
    assert named(rewritten, head=head, exported=END.place) == [("fork", 9)]


def test_a_pruned_ledger_begins_at_its_checkpoint():
    start = Place(4, ROWS[3].digest)
    assert named(ROWS[4:], start=start) == []
    assert named(ROWS[4:], start=start, exported=start) == []
    assert named(ROWS[4:], start=start, exported=Place(4, "4" * 64)) == [("fork", 4)]
    assert named(ROWS[5:], start=start) == [("deletion", 5)]
    assert named([], head=None, start=start, exported=start) == []


def test_keys_are_rotated_and_a_retired_one_is_named():
    rows, head = chained([*(written(n, OLD) for n in (1, 2)), *(written(n) for n in (3, 4))])
    assert named(rows, head=head) == []
    only = {"now": KEY}
    assert named(rows, head=head, keys=only) == [("unknown key", 1), ("unknown key", 2)]
    found = judge_unchained(written(1, OLD), only)
    assert (found.kind, str(found)) == (
        Kind.UNKNOWN_KEY,
        f"unknown key: record ({found.id}) is signed with the key 'old', which is not in "
        "LEDGER_KEYS.",
    )


def test_a_record_that_is_not_chained_yet_is_judged_by_itself():
    row = written(3)
    assert judge_unchained(row, KEYS) is None
    assert judge_unchained(replace(row, event="revoke"), KEYS).kind == Kind.EDIT
    assert judge_unchained(forged(), KEYS).kind == Kind.INSERTION


COLUMNS = ("id", "at", "event", "key_id", "content", "mac", "sequence", "previous", "digest")
TEXTS = st.text(max_size=70) | st.text("0123456789abcdef", min_size=64, max_size=64)


@given(
    number=st.integers(1, LENGTH),
    column=st.sampled_from(COLUMNS),
    text=TEXTS,
    place=st.integers(-(2**63), 2**63 - 1) | st.integers(-20, 40),
)
def test_any_edit_of_any_column_of_any_record_is_found_and_named(number, column, text, place):
    value = place if column == "sequence" else text
    before = ROWS[number - 1]
    if getattr(before, column) == value or value in range(1, LENGTH + 1):
        return
    found = judged(with_row(number, **{column: value}))
    changed = replace(before, **{column: value})
    assert [one.id for one in found] == [changed.id]
    assert found[0].kind in (Kind.EDIT, Kind.REORDERING)
    assert (found[0].kind is Kind.REORDERING) <= (column == "sequence")


@given(st.integers(1, LENGTH), st.sampled_from(COLUMNS[:6]), TEXTS)
def test_any_edit_of_a_record_that_is_not_chained_is_found(number, column, text):
    row = written(number)
    if getattr(row, column) != text:
        found = judge_unchained(replace(row, **{column: text}), KEYS)
        # Whose id was edited is not told from what was put in.
        assert found.kind is (Kind.INSERTION if column == "id" else Kind.EDIT)


@given(st.sets(st.integers(1, LENGTH), min_size=1))
def test_any_deletion_is_found(numbers):
    found = judged(without(*numbers))
    assert {one.kind for one in found} <= {Kind.DELETION, Kind.TRUNCATION}
    assert found


@given(st.permutations(range(LENGTH)))
def test_any_order_but_the_true_one_is_found_and_is_called_so(order):
    rows = [replace(ROWS[place], sequence=n) for n, place in enumerate(order, 1)]
    found = judged(rows)
    assert {one.kind for one in found} == (set() if rows == ROWS else {Kind.REORDERING})


def test_parts_and_purposes_of_a_signature_are_told_apart():
    assert sign(KEY, "a", "bc", "d") != sign(KEY, "a", "b", "cd")
    assert sign(KEY, "a", 1) != sign(KEY, "a", "1")
    signed = sign_place(KEY, CHECKPOINT, START, "now")
    assert is_signed(signed, CHECKPOINT, KEYS)
    assert not is_signed(signed, PRUNED, KEYS)
    assert not is_signed(signed, CHECKPOINT, {"old": OLD})
    assert canonical({"b": "é", "a": 1}) == '{"a":1,"b":"\\u00e9"}'


def test_ids_are_in_the_order_of_time_and_nobody_else_makes_one():
    early, late = new_id(KEY, 9, b"z" * 9), new_id(KEY, 10, b"a" * 9)
    assert early < late
    assert len(early) == 64
    assert is_genuine(KEY, early)
    assert not is_genuine(OLD, early)
    assert not is_genuine(KEY, early[:-1])


def test_a_commitment_tells_nothing_and_binds():
    one = Detail("who", "user:7", "alice", "salt")
    others = (
        Detail("whom", "user:7", "alice", "salt"),
        Detail("who", "user:8", "alice", "salt"),
        Detail("who", "user:7", "bob", "salt"),
        Detail("who", "user:7", "alice", "pepper"),
    )
    assert len({commitment(detail) for detail in (one, *others)}) == 5
    assert "alice" not in content_of(SYSTEM, None, "", {}, [one])


WHO = Detail("who", "user:7", "alice", "salt")
WHY = Detail("reason", "", "on call", "salt")
ERASED = Detail("who", "", "", "", "eraser")


@pytest.mark.parametrize(
    ("details", "said"),
    [
        ([WHO, WHY], []),
        ([ERASED, WHY], []),
        ([WHO, replace(ERASED, part="reason")], [Kind.DETAIL_DELETION]),
        ([replace(ERASED, forgotten="nobody"), WHY], [Kind.DETAIL_DELETION]),
        ([WHY], [Kind.DETAIL_DELETION]),
        ([], [Kind.DETAIL_DELETION, Kind.DETAIL_DELETION]),
        ([replace(WHO, text="bob"), WHY], [Kind.DETAIL_EDIT]),
        ([replace(WHO, salt=""), WHY], [Kind.DETAIL_EDIT]),
        ([replace(WHO, key="user:8"), WHY], [Kind.DETAIL_EDIT]),
        ([WHO, WHY, Detail("whom", "user:1", "carol", "x")], [Kind.DETAIL_INSERTION]),
    ],
)
def test_details_are_what_was_committed_to_or_were_erased_by_a_record(details, said):
    row = written(1, details=[WHO, WHY])
    erased = {("eraser", f"{row.id}:who")}
    found = judge_details(row, details, lambda record, name: (record, name) in erased)
    assert [one.kind for one in found] == said


def test_a_signature_that_is_missing_is_like_no_other():
    assert not same(None, None)
    assert not same("a", None)
