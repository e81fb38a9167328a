"""What a file of grants may say, and what is said of one that is wrong."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_guard.core.sync_files import (
    SyncFileError,
    WantedAuthority,
    WantedGrant,
    parse,
)

UNTIL = datetime(2027, 1, 31, 12, tzinfo=UTC)


def of(**said):
    return parse(json.dumps(said).encode())


def test_json_and_toml_say_the_same():
    said = of(
        version=1,
        grants=[
            {
                "user": "alice",
                "scopes": ["notes:read", "notes:write"],
                "until": UNTIL.isoformat(),
                "reason": "case 17",
            },
            {"client": "app", "scopes": []},
        ],
        authorities=[{"group": "managers", "scope_groups": ["Notes"], "reason": "leads"}],
        apart=[{"why": "sensitive"}],
    )
    toml = b"""
        version = 1
        [[grants]]
        user = "alice"
        scopes = ["notes:read", "notes:write"]
        until = 2027-01-31T12:00:00Z
        reason = "case 17"
        [[grants]]
        client = "app"
        scopes = []
        [[authorities]]
        group = "managers"
        scope_groups = ["Notes"]
        reason = "leads"
    """
    other = parse(toml, is_toml=True)
    assert said.grants == other.grants
    assert said.grants[1] == WantedGrant("user", "alice", "notes:write", UNTIL, "case 17")
    assert said.authorities == other.authorities == (WantedAuthority("managers", "Notes", "leads"),)
    assert said.grantees == other.grantees == {("user", "alice"), ("client", "app")}
    assert said.managers == other.managers == {"managers"}
    assert said.digest != other.digest
    assert len(said.digest) == 64


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"version": 2}, "version 2 is not known"),
        ({"grant": []}, "'grant' is not known. Did you mean 'grants'?"),
        ({"grants": {}}, "grants must be a list"),
        ({"grants": ["alice"]}, r"grants\[0\] must be an object"),
        ({"grants": [{"scopes": ["a"]}]}, r"grants\[0\]: needs exactly one of user, group, client"),
        ({"grants": [{"user": "a", "group": "b", "scopes": []}]}, "needs exactly one of"),
        ({"grants": [{"user": 1, "scopes": ["a"]}]}, "'user' must be a text"),
        ({"grants": [{"user": "a"}]}, "needs 'scopes', a list of texts"),
        ({"grants": [{"user": "a", "scopes": "a"}]}, "needs 'scopes', a list of texts"),
        ({"grants": [{"user": "a", "scopes": [1]}]}, "needs 'scopes', a list of texts"),
        ({"grants": [{"user": "a", "scope": ["a"]}]}, "Did you mean 'scopes'?"),
        ({"grants": [{"user": "a", "scopes": ["a", "a"]}]}, "'a' for user 'a' is there twice"),
        ({"grants": [{"user": "a", "scopes": [], "until": "soon"}]}, "'soon' is not a time"),
        (
            {"grants": [{"user": "a", "scopes": [], "until": "2027-01-31T12:00"}]},
            "is not a time with a zone",
        ),
        ({"grants": [{"user": "a", "scopes": [], "until": 7}]}, "'7' is not a time"),
        ({"grants": [{"user": "a", "scopes": [], "reason": None}]}, "'reason' must be a text"),
        (
            {"grants": [{"user": "a", "scopes": [], "until": "9999-12-31T23:59:59-06:00"}]},
            "is not a time with a zone",
        ),
        ({"grants": [{"user": "a\0", "scopes": []}]}, "no database can store"),
        ({"grants": [{"group": "\ud800", "scopes": []}]}, "no database can store"),
        ({"authorities": [{"scope_groups": ["Notes"]}]}, r"authorities\[0\]: needs 'group'"),
        ({"authorities": [{"group": 1, "scope_groups": []}]}, "'group' must be a text"),
        ({"authorities": [{"group": "a"}]}, "needs 'scope_groups', a list of texts"),
        ({"authorities": [{"group": "a", "scopes": ["N"]}]}, "'scopes' is not known"),
        (
            {"authorities": [{"group": "a", "scope_groups": ["N", "N"]}]},
            "'N' for group 'a' is there twice",
        ),
    ],
)
def test_each_mistake_is_named(said, problem):
    with pytest.raises(SyncFileError, match=problem):
        of(**said)


def test_all_mistakes_are_named_at_once():
    with pytest.raises(SyncFileError) as caught:
        of(grants=[{"user": "a"}, {"scopes": []}], authorities=[{}])
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"7", b"{", b"\xff", b'{"grants": [], "grants": []}', b"[" * 100_000],
)
def test_what_is_no_file_is_an_error(content):
    with pytest.raises(SyncFileError):
        parse(content)


def test_what_is_no_toml_is_an_error():
    with pytest.raises(SyncFileError, match="not TOML"):
        parse(b"{}", is_toml=True)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["user", "group", "scopes", "until", "reason", "scope_groups", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["version", "grants", "authorities", "x"]), values))
def test_any_file_is_read_or_is_an_error(said):
    found = None
    with suppress(SyncFileError):  # and nothing else
        found = of(**said)
    if found is not None:
        assert {(each.kind, each.name) for each in found.grants} <= found.grantees
