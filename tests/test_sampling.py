"""Which uses are written, in plain Python."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from api_guard.core.sampling import Sample

NOW = datetime(2026, 1, 1, tzinfo=UTC)
INTERVAL = timedelta(seconds=300)


@pytest.mark.parametrize(
    ("seconds", "interval", "is_due"),
    [
        (0, 300, False),
        (299, 300, False),
        (300, 300, True),
        (-1, 300, True),  # the clock was set back
        (10, 5, True),  # the interval was made shorter
        (0, 0, True),
    ],
)
def test_a_key_is_due_again_after_the_interval(seconds, interval, is_due):
    sample = Sample(most=10)
    sample.settle("default", [7], NOW + INTERVAL if interval else NOW)
    sample.note("default", [7], NOW + timedelta(seconds=seconds), timedelta(seconds=interval))
    assert bool(sample.take("default")) is is_due


def test_a_key_waits_once_with_its_first_use():
    sample = Sample(most=10)
    sample.note("default", [1, 2], NOW, INTERVAL)
    sample.note("default", [1], NOW + INTERVAL, INTERVAL)
    assert sample.take("default") == {1: NOW, 2: NOW}
    assert sample.take("default") == {}


def test_databases_are_kept_apart():
    sample = Sample(most=10)
    sample.note("one", [1], NOW, INTERVAL)
    sample.note("two", [1], NOW, INTERVAL)
    assert sample.databases() == {"one", "two"}
    assert sample.take("one") == {1: NOW}
    assert sample.databases() == {"two"}


def test_it_keeps_no_more_than_it_may():
    sample = Sample(most=3)
    sample.note("default", range(9), NOW, INTERVAL)
    assert list(sample.take("default")) == [0, 1, 2]
    sample.settle("default", range(9), NOW + INTERVAL)
    sample.note("default", range(9), NOW, INTERVAL)
    assert list(sample.take("default")) == [0, 1, 2]  # the oldest three of the nine are forgotten
    sample.forget()
    sample.note("default", [8], NOW, INTERVAL)
    assert list(sample.take("default")) == [8]


def test_what_is_forgotten_is_due():
    sample = Sample(most=10)
    sample.note("default", [1], NOW, INTERVAL)
    sample.settle("default", [2], NOW + INTERVAL)
    sample.forget()
    assert sample.databases() == frozenset()
    sample.note("default", [2], NOW, INTERVAL)
    assert list(sample.take("default")) == [2]


@pytest.mark.parametrize(
    ("database", "seconds", "is_noted"),
    [
        ("default", 0, False),
        ("default", 9, False),
        ("default", 10, True),
        ("default", -1, True),  # the clock was set back
        ("other", 0, True),
    ],
)
def test_a_paused_database_gets_nothing_to_write(database, seconds, is_noted):
    sample = Sample(most=10)
    sample.pause("default", NOW, NOW + timedelta(seconds=10))
    sample.note(database, [7], NOW + timedelta(seconds=seconds), INTERVAL)
    assert bool(sample.take(database)) is is_noted
