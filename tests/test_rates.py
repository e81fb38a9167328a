"""Rates and windows, by tables and properties; no Django in sight."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_guard import budget, cost, sliding
from api_guard.core.rates import (
    FixedWindow,
    Rate,
    RateError,
    SlidingWindow,
    Usage,
    parse_rates,
    rate_limit_fields,
    retry_after,
    window_of,
)


@pytest.mark.parametrize(
    ("text", "limit", "seconds", "written"),
    [
        ("5/s", 5, 1, "5/s"),
        ("100/15m", 100, 900, "100/15m"),
        ("7/60s", 7, 60, "7/m"),
        ("1000/d", 1000, 86400, "1000/d"),
        ("3/90s", 3, 90, "3/90s"),
        ("1/2h", 1, 7200, "1/2h"),
    ],
)
def test_a_rate_is_read_and_written(text, limit, seconds, written):
    rate = Rate.parse(text)
    assert (rate.limit, rate.seconds, str(rate)) == (limit, seconds, written)
    assert Rate.parse(written) == Rate.parse(rate) == rate


@pytest.mark.parametrize(
    "text",
    ["5/week", "5", "5/", "/s", "5/0s", "0/s", "-1/s", "5/s ", "٥/s", "1e3/s", "5/sec", None, 5],
)
def test_a_rate_that_cannot_be_meant_is_refused(text):
    with pytest.raises(RateError):
        Rate.parse(text)


def test_the_error_says_what_is_allowed():
    with pytest.raises(RateError, match=r"write N/\[k\]s\|m\|h\|d, such as"):
        Rate.parse("5/week")


def test_several_rates_have_periods_of_their_own():
    assert [str(rate) for rate in parse_rates(["5/s", "9/m"])] == ["5/s", "9/m"]
    both = parse_rates(("5/s", budget("search", "5/s")))
    assert [rate.name for rate in both] == ["5/s", "search 5/s"]
    for two in (("5/s", "6/s"), (budget("search", "5/s"), budget("search", "6/s"))):
        with pytest.raises(RateError, match="one period"):
            parse_rates(two)


@given(st.integers(1, 10**9 - 1), st.integers(1, 9999), st.sampled_from("smhd"))
def test_every_rate_survives_its_own_writing(limit, count, unit):
    rate = Rate.parse(f"{limit}/{count}{unit}")
    assert (rate.limit, rate.seconds % count) == (limit, 0)
    assert Rate.parse(str(rate)) == rate


def test_cost_budget_and_sliding_compose_in_any_order():
    assert cost(10, "1000/h") == (Rate(1000, 3600, cost=10),)
    whole = (Rate(30, 60, cost=3, budget="search", is_sliding=True),)
    assert cost(3, budget("search", sliding("30/m"))) == whole
    assert sliding(budget("search", cost(3, "30/m"))) == whole
    assert [str(rate) for rate in whole] == ["3 of search 30/m sliding"]
    assert [rate.cost for rate in cost(2, "5/s", ("9/m", "99/d"))] == [2, 2, 2]


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: cost("10", "1000/h"), "not a cost"),
        (lambda: cost(True, "1000/h"), "not a cost"),
        (lambda: cost(0, "1000/h"), "not a cost"),
        (lambda: cost(6, "5/s"), "allows no requests"),
        (lambda: cost(2), "empty list"),
        (lambda: budget("Search", "5/s"), "small letters"),
        (lambda: budget("", "5/s"), "small letters"),
        (lambda: budget(None, "5/s"), "small letters"),
        (lambda: budget('a"b', "5/s"), "small letters"),
        (lambda: budget("x" * 51, "5/s"), "small letters"),
        (lambda: budget("api", "5/s"), "CEILING"),
        (lambda: budget("search", "5/week"), "not a rate"),
        (lambda: sliding("often"), "not a rate"),
    ],
)
def test_what_cannot_be_meant_is_refused(make, match):
    with pytest.raises(RateError, match=match):
        make()


def test_usage_says_what_is_left_and_how_long_to_wait():
    fine = Usage(Rate(5, 1), 5, 1)
    over = Usage(Rate(10, 60, budget="search"), 10, 30, wait=30)
    assert (fine.exceeded, fine.remaining) == (False, 0)
    assert (over.exceeded, over.remaining) == (True, 0)
    assert retry_after([fine]) == 1
    assert retry_after([fine, over]) == 30
    assert rate_limit_fields([]) == {}
    assert rate_limit_fields([fine, over]) == {
        "RateLimit-Policy": '"5/s";q=5;w=1, "search 10/m";q=10;w=60',
        "RateLimit": '"5/s";r=0;t=1, "search 10/m";r=0;t=30',
    }


RATES = st.builds(
    Rate,
    limit=st.integers(1, 12),
    seconds=st.integers(1, 3),
    cost=st.integers(1, 4),
    is_sliding=st.booleans(),
)
PAUSES = st.lists(st.integers(0, 900), min_size=1, max_size=60)


def admitted(rate, pauses):
    """Return when each admitted request came, and the window that is left."""
    window, now, times = window_of(rate), 10**12, []
    for pause in pauses:
        now += pause
        room = window.room(rate, now)
        assert room.used <= rate.limit
        assert room.reset > 0
        if room.wait == 0:
            times.append(now)
            window = window.taken(rate, now, rate.cost)
    return times


@given(RATES, PAUSES)
def test_no_window_holds_more_than_the_limit(rate, pauses):
    times, period = admitted(rate, pauses), rate.seconds * 1000
    most = max((sum(t <= u < t + period for u in times) for t in times), default=0) * rate.cost
    # Across the edge of two fixed windows, twice the limit; a sliding one has no edge.
    assert most <= rate.limit * (1 if rate.is_sliding else 2)


@given(RATES, PAUSES)
def test_whoever_waits_as_told_is_admitted(rate, pauses):
    window, now = window_of(rate), 0
    for pause in pauses:
        now += pause
        now += window.room(rate, now).wait
        if rate.cost <= rate.limit:
            assert window.room(rate, now).wait == 0
        window = window.taken(rate, now, rate.cost)


@given(RATES, PAUSES)
def test_within_the_reset_no_more_than_what_is_left_is_there(rate, pauses):
    window, now = window_of(rate), 0
    for pause in pauses:
        now += pause
        if window.room(rate, now).wait == 0:
            window = window.taken(rate, now, rate.cost)
        room = window.room(rate, now)
        assert window.room(rate, now + room.reset - 1).used == room.used


@pytest.mark.parametrize("empty", [FixedWindow(), SlidingWindow()])
def test_what_is_given_back_is_there_again(empty):
    rate = Rate(2, 60, is_sliding=isinstance(empty, SlidingWindow))
    window = empty.taken(rate, 5000, 2)
    assert window.room(rate, 5000).wait > 0
    assert window.taken(rate, 5000, -1).room(rate, 5000).used == 1
    assert window.taken(rate, 5000, -9).room(rate, 5000).used == 0


@pytest.mark.parametrize("is_sliding", [True, False])
def test_a_request_above_the_limit_is_never_admitted(is_sliding):
    # As where an override lies below what a request costs.
    rate = Rate(2, 60, cost=3, is_sliding=is_sliding)
    assert window_of(rate).room(rate, 0).wait == 60_000
