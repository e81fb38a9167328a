"""Audiences, challenges and introspected claims: pure functions, by tables and properties."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_guard.core.audiences import is_meant_for
from api_guard.core.challenges import bearer_challenge
from api_guard.core.introspection import Claims, MalformedAnswer, read_claims

API = ["https://api.example/v1/"]


@pytest.mark.parametrize(
    ("resource", "path", "expected"),
    [
        ("https://api.example/v1/", "/v1/notes", True),
        ("https://api.example/v1", "/v1/notes", True),
        ("https://API.example:443/v1/", "/v1/notes", True),
        ("https://api.example/v1/notes", "/v1/notes", True),
        ("https://api.example/v1/notes/", "/v1/notes/7", True),
        ("https://api.example/v1/notes", "/v1/notes-of-others", False),
        ("https://api.example/v1/notes", "/v1/audit", False),
        ("https://api.example/v1/notes/../audit", "/v1/audit", True),
        ("https://api.example/v1/%2e%2e/v2", "/v2/notes", False),
        ("https://api.example/v2/", "/v2/notes", False),
        ("https://api.example/", "/v1/notes", False),
        ("http://api.example/v1/", "/v1/notes", False),
        ("https://api.example:8443/v1/", "/v1/notes", False),
        ("https://api.example.evil/v1/", "/v1/notes", False),
        ("https://api.example@evil.example/v1/", "/v1/notes", False),
        ("https://user@api.example/v1/", "/v1/notes", False),
        ("https://api.example\\@evil.example/v1/", "/v1/notes", False),
        ("https://api.example/v1/#fragment", "/v1/notes", False),
        ("https://api.example:port/v1/", "/v1/notes", False),
        ("https://[api.example/v1/", "/v1/notes", False),
        ("/v1/", "/v1/notes", False),
        ("", "/v1/notes", False),
        ("urn:example:notes", "/v1/notes", False),
    ],
)
def test_a_token_is_for_the_part_of_this_api_that_it_names(resource, path, expected):
    assert is_meant_for([resource], API, path) is expected
    assert is_meant_for(["https://other.example/", resource], API, path) is expected
    assert is_meant_for([resource], [], path) is False


def test_an_identifier_that_is_no_address_is_the_same_to_the_letter():
    assert is_meant_for(["urn:example:notes"], ["urn:example:notes"], "/anything")
    assert not is_meant_for(["urn:example:Notes"], ["urn:example:notes"], "/anything")


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_resource_raises(resource, path):
    assert is_meant_for([resource], API, path) in (True, False)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, 'Bearer realm="api"'),
        (
            {"error": "invalid_token", "description": 'a "b" \\ c\r\n'},
            'Bearer realm="api", error="invalid_token", error_description="a \\"b\\" \\\\ c??"',
        ),
        (
            {"error": "insufficient_scope", "scopes": ["a", "b"], "resource_metadata": "https://x"},
            'Bearer realm="api", error="insufficient_scope", scope="a b", '
            'resource_metadata="https://x"',
        ),
    ],
)
def test_a_challenge_is_written_to_the_letter(arguments, expected):
    assert bearer_challenge(**arguments) == expected


def read(answer, *, audience=(), path="/v1/notes", now=100.0):
    issuer = "https://auth.example"
    return read_claims(answer, issuer=issuer, audience=audience, path=path, now=now)


GOOD = {"active": True, "scope": "notes:read", "client_id": "app", "sub": "42", "exp": 101}


def test_the_claims_of_a_good_token_are_read():
    assert read(GOOD) == Claims("notes:read", "app", "42", 101.0)
    assert read({"active": True}) == Claims("", None, None, None)
    own = {**GOOD, "iss": "https://auth.example", "token_type": "bearer", "nbf": 100}
    assert read({**own, "aud": "https://api.example/v1/"}, audience=API) == read(GOOD)


@pytest.mark.parametrize(
    "claims",
    [
        {"active": False},
        {"exp": 100},
        {"exp": 99.9},
        {"nbf": 100.1},
        {"iss": "https://auth.example/"},
        {"iss": ""},
        {"cnf": {}},
        {"cnf": {"x5t#S256": "x"}},
        {"token_type": "DPoP"},
        {"aud": "https://api.example/v1/"},
        {"aud": ["https://api.example/v1/"]},
    ],
)
def test_a_token_that_is_not_good_here_has_no_claims(claims):
    assert read({**GOOD, **claims}) is None


@pytest.mark.parametrize("aud", [None, [], "https://other.example/", ["", "x"]])
def test_where_we_have_a_name_a_token_has_to_say_it(aud):
    assert read({**GOOD, "aud": aud}, audience=API) is None


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        "active",
        {},
        {"active": None},
        {"active": 1},
        {"active": "true"},
        {**GOOD, "exp": "101"},
        {**GOOD, "exp": True},
        {**GOOD, "exp": float("nan")},
        {**GOOD, "exp": float("inf")},
        {**GOOD, "exp": []},
        {**GOOD, "nbf": {}},
        {**GOOD, "scope": ["notes:read"]},
        {**GOOD, "client_id": 1},
        {**GOOD, "sub": 42},
        {**GOOD, "iss": []},
        {**GOOD, "token_type": 1},
        {**GOOD, "aud": {}},
        {**GOOD, "aud": ["x", 1]},
    ],
)
def test_an_answer_that_cannot_be_read_is_no_answer(answer):
    with pytest.raises(MalformedAnswer):
        read(answer)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
NAMES = st.sampled_from(["active", *GOOD, "iss", "aud", "nbf", "cnf", "token_type"])


@given(st.dictionaries(NAMES, JSON))
def test_no_answer_does_anything_but_admit_refuse_or_be_malformed(answer):
    try:
        claims = read(answer)
    except MalformedAnswer:
        return
    assert claims is None or answer["active"] is True
