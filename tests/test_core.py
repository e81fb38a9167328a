"""The core, by tables and properties; no Django in sight."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_guard.core.caller import Caller, Standing
from api_guard.core.decision import Denial, decide
from api_guard.core.names import did_you_mean
from api_guard.core.operations import Operation
from api_guard.core.policy import (
    ANY_OBJECT,
    ObjectRule,
    parse_policy,
)
from api_guard.core.requirements import (
    PolicyError,
    Requirement,
    any_of,
)
from api_guard.core.scopes import (
    PROTOCOL_SCOPES,
    Credential,
    Granted,
    effective_scopes,
    is_scope_name,
)

A, B, AB = frozenset("a"), frozenset("b"), frozenset("ab")
NONE = frozenset()


@pytest.mark.parametrize(
    ("credential", "carried", "granted", "effective"),
    [
        (Credential.UNSCOPED, NONE, Granted(user=AB), AB),
        (Credential.UNSCOPED, NONE, Granted(user=NONE), NONE),
        (Credential.UNSCOPED, AB, Granted(client=AB), NONE),
        (Credential.TOKEN, AB, Granted(user=A, client=AB), A),
        (Credential.TOKEN, AB, Granted(user=AB, client=B), B),
        (Credential.TOKEN, A, Granted(user=AB, client=AB), A),
        (Credential.TOKEN, NONE, Granted(user=AB, client=AB), NONE),
        (Credential.TOKEN, AB, Granted(user=A, client=B), NONE),
        (Credential.TOKEN, AB, Granted(client=A), A),
        (Credential.TOKEN, AB, Granted(client=NONE), NONE),
        (Credential.TOKEN, AB, Granted(user=AB), NONE),
        (Credential.TOKEN, AB, Granted(), NONE),
        (Credential.PERSONAL, AB, Granted(user=A), A),
        (Credential.PERSONAL, A, Granted(user=AB, client=NONE), A),
        (Credential.PERSONAL, NONE, Granted(user=AB), NONE),
        (Credential.PERSONAL, AB, Granted(client=AB), NONE),
        (Credential.UNKNOWN, AB, Granted(user=AB, client=AB), NONE),
        (Credential.NONE, AB, Granted(user=AB, client=AB), NONE),
        (Credential.UNSCOPED, NONE, Granted(user=frozenset({"openid", "a"})), A),
    ],
)
def test_effective_scopes(credential, carried, granted, effective):
    assert effective_scopes(credential, carried, granted) == effective


NAMES = st.sampled_from(["a", "b", "c", "openid"])
SETS = st.frozensets(NAMES)
SIDES = st.one_of(st.none(), SETS)
CREDENTIALS = st.sampled_from(Credential)
REQUIREMENTS = st.builds(
    Requirement,
    standing=st.sampled_from([None, Standing.SIGNED_IN, Standing.STAFF]),
    scopes=st.lists(st.lists(st.sampled_from("abc"), min_size=1).map(tuple)).map(tuple),
)


def callers(granted, carried, credential, *, user=1, client=2):
    return st.builds(
        Caller,
        user_id=st.sampled_from([None, user]),
        client_id=st.sampled_from([None, client]),
        standing=st.sampled_from(Standing),
        credential=st.just(credential),
        carried=st.just(carried),
        look_up=st.just(lambda: granted),
    )


@given(CREDENTIALS, SETS, SIDES, SIDES)
def test_effective_scopes_are_granted_and_carried(credential, carried, user, client):
    effective = effective_scopes(credential, carried, Granted(user, client))
    assert effective <= (user or NONE) | (client or NONE)
    assert not credential.is_token or effective <= carried
    assert effective.isdisjoint(PROTOCOL_SCOPES)


@given(st.data(), REQUIREMENTS, CREDENTIALS, SETS, SIDES, SIDES, NAMES)
def test_one_more_scope_never_turns_an_allow_into_a_deny(
    data, requirement, credential, carried, user, client, more
):
    def add(side):
        return None if side is None else side | {more}

    before = data.draw(callers(Granted(user, client), carried, credential))
    after = Caller(
        user_id=before.user_id,
        client_id=before.client_id,
        standing=before.standing,
        credential=credential,
        carried=carried | {more},
        look_up=lambda: Granted(add(user), add(client)),
    )
    assert not decide(requirement, before).allowed or decide(requirement, after).allowed


@given(st.data(), REQUIREMENTS, CREDENTIALS, SETS, SIDES, SIDES)
def test_no_decision_allows_while_a_required_scope_is_missing(
    data, requirement, credential, carried, user, client
):
    caller = data.draw(callers(Granted(user, client), carried, credential))
    if decide(requirement, caller).allowed:
        assert caller.is_authenticated
        assert all(caller.scopes & set(group) for group in requirement.scopes)
        assert requirement.standing is None or caller.standing >= requirement.standing


PERSON = {"user_id": 1, "standing": Standing.SIGNED_IN, "credential": Credential.UNSCOPED}
STAFF_PERSON = {**PERSON, "standing": Standing.STAFF}
BY_TOKEN = {"client_id": 2, "credential": Credential.TOKEN, "carried": AB}


def caller(**values):
    scopes = values.pop("scopes", NONE)
    sides = Granted(
        user=scopes if values.get("user_id") else None,
        client=scopes if values.get("client_id") else None,
    )
    return Caller(**values, look_up=lambda: sides)


@pytest.mark.parametrize(
    ("requirement", "who", "denial"),
    [
        (None, caller(**STAFF_PERSON, scopes=AB), Denial.NOT_OFFERED),
        (Standing.PUBLIC, Caller(), None),
        (Standing.SIGNED_IN, Caller(), Denial.NOT_AUTHENTICATED),
        ("a", Caller(), Denial.NOT_AUTHENTICATED),
        ("a", caller(**PERSON), Denial.INSUFFICIENT_SCOPE),
        ("a", caller(**PERSON, scopes=A), None),
        (("a", "b"), caller(**PERSON, scopes=A), Denial.INSUFFICIENT_SCOPE),
        (("a", "b"), caller(**PERSON, scopes=AB), None),
        (any_of("a", "b"), caller(**PERSON, scopes=B), None),
        ((any_of("a", "b"), "c"), caller(**PERSON, scopes=AB), Denial.INSUFFICIENT_SCOPE),
        (Standing.SIGNED_IN, caller(**PERSON), None),
        (Standing.STAFF, caller(**PERSON), Denial.STAFF_ONLY),
        (Standing.STAFF, caller(**STAFF_PERSON), None),
        (Standing.STAFF, caller(**{**STAFF_PERSON, **BY_TOKEN}), Denial.FIRST_PARTY_ONLY),
        ((Standing.STAFF, "a"), caller(**{**STAFF_PERSON, **BY_TOKEN}, scopes=A), None),
        ((Standing.STAFF, "a"), caller(**{**PERSON, **BY_TOKEN}, scopes=A), Denial.STAFF_ONLY),
        (
            (Standing.STAFF, "a"),
            caller(**{**STAFF_PERSON, **BY_TOKEN}),
            Denial.INSUFFICIENT_SCOPE,
        ),
        ("a", caller(**BY_TOKEN, scopes=A), None),
        (Standing.SIGNED_IN, caller(**BY_TOKEN, scopes=A), Denial.USER_ONLY),
        ((Standing.STAFF, "a"), caller(**BY_TOKEN, scopes=A), Denial.USER_ONLY),
        (Standing.SIGNED_IN, Caller(user_id=1, credential=Credential.UNSCOPED), Denial.USER_ONLY),
        (
            Standing.STAFF,
            caller(**{**STAFF_PERSON, "credential": Credential.UNKNOWN}),
            Denial.FIRST_PARTY_ONLY,
        ),
    ],
)
def test_decisions(requirement, who, denial):
    parsed = None if requirement is None else Requirement.parse(requirement)
    assert decide(parsed, who).denial is denial


def test_a_caller_looks_its_grants_up_once_and_only_when_asked():
    asked = []
    who = Caller(
        user_id=1, credential=Credential.UNSCOPED, look_up=lambda: asked.append(1) or Granted(AB)
    )
    assert decide(Requirement(Standing.PUBLIC), who).allowed
    assert asked == []
    assert who.scopes == who.scopes == AB
    assert asked == [1]
    assert Caller().scopes == NONE
    assert Caller(user_id=1, credential=Credential.UNSCOPED).scopes == NONE


@pytest.mark.parametrize(
    ("who", "text"),
    [
        (Caller(), "anonymous"),
        (Caller(user_id=5), "user 5"),
        (Caller(client_id=5), "client 5"),
        (Caller(user_id=5, client_id=6), "user 5 by client 6"),
    ],
)
def test_a_caller_names_itself(who, text):
    assert str(who) == text


POLICY = parse_policy(
    read="r",
    write="w",
    actions={"publish": "p", "DELETE": "d", "GET": "g"},
    throttle={"read": "9/s", "publish": "1/s"},
    owner="author",
    objects={"weather": ANY_OBJECT},
)


@pytest.mark.parametrize(
    ("operation", "requirement", "rates"),
    [
        (Operation("GET", "list"), "g", ("read", "9/s")),
        (Operation("HEAD", "list"), "g", ("read", "9/s")),
        (Operation("OPTIONS", "metadata"), "r", ("read", "9/s")),
        (Operation("POST", "create"), "w", None),
        (Operation("POST", "publish"), "p", ("publish", "1/s")),
        (Operation("DELETE", "publish"), "p", ("publish", "1/s")),
        (Operation("DELETE", "destroy"), "d", None),
        (Operation("PROPFIND"), "w", None),
        (Operation("POST", "read"), "w", None),
    ],
)
def test_the_most_particular_name_answers_for_an_operation(operation, requirement, rates):
    assert str(POLICY.requirement_for(operation)) == requirement
    name, found = POLICY.rates_for(operation)
    assert (name, ", ".join(map(str, found))) == (rates or ("", ""))


@pytest.mark.parametrize(
    ("said", "operation", "rule"),
    [
        ({}, Operation("GET"), None),
        ({"owner": "author"}, Operation("GET"), ObjectRule("author")),
        (
            {"owner": "author", "objects": {"weather": ANY_OBJECT}},
            Operation("GET", "weather"),
            ObjectRule(None, ANY_OBJECT),
        ),
        (
            {"owner": {"weather": "author", "write": "a"}, "objects": {"read": ANY_OBJECT}},
            Operation("GET", "weather"),
            ObjectRule("author", ANY_OBJECT),
        ),
        (
            {"objects": {"read": ANY_OBJECT}, "owner": {"write": "author"}},
            Operation("GET"),
            ObjectRule(None, ANY_OBJECT),
        ),
        (
            {"objects": {"read": ANY_OBJECT}, "owner": {"write": "author"}},
            Operation("POST"),
            ObjectRule("author"),
        ),
        (
            {"owner": {"read": "author", "write": "author", "x": "y"}, "objects": {"x": len}},
            Operation("GET", "x"),
            ObjectRule("y", len),
        ),
        (
            {"owner": "author", "objects": {"x": len}},
            Operation("GET", "x"),
            ObjectRule("author", len),
        ),
    ],
)
def test_the_object_rule_for_an_operation(said, operation, rule):
    assert parse_policy(read="r", write="w", **said).object_rule_for(operation) == rule


def test_a_policy_prints_what_it_asks_for():
    requirement = Requirement.parse((Standing.STAFF, any_of("a", "b"), "c"))
    assert str(requirement) == "STAFF, a or b, c"
    assert Requirement.parse(requirement) is requirement
    assert repr((Standing.STAFF, ANY_OBJECT)) == "(STAFF, ANY_OBJECT)"
    assert str(ObjectRule("author", ANY_OBJECT)) == "owner=author"
    assert str(ObjectRule(None, ANY_OBJECT)) == "any"
    assert str(ObjectRule("author", len)) == "owner=author, objects=len"
    assert str(ObjectRule()) == "none"


def test_any_of_nothing_is_refused():
    with pytest.raises(PolicyError, match="refuses every caller"):
        Requirement.parse(any_of())


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("notes:read", True),
        ("!#[]~", True),
        ("", False),
        ("a b", False),
        ('a"b', False),
        ("a\\b", False),
        ("é", False),
        ("a\n", False),
        ("x" * 256, False),
        (None, False),
    ],
)
def test_a_scope_is_a_scope_token(name, is_one):
    assert is_scope_name(name) is is_one


def test_a_near_miss_is_named():
    assert did_you_mean("note:read", ["notes:read", "x"]) == " Did you mean 'notes:read'?"
    assert did_you_mean("zzz", ["notes:read"]) == ""


def test_the_credentials_are_all_in_the_tables():
    seen = {(c, u, k) for c, u, k in product(Credential, (None, A), (None, A))}
    assert all(effective_scopes(c, A, Granted(u, k)) <= A for c, u, k in seen)


@pytest.mark.parametrize(
    ("function", "takes"),
    [
        (lambda caller: None, False),
        (lambda caller, request: None, True),
        (lambda caller, request=None: None, True),
        (lambda caller, field="author": None, False),
        (lambda *args: None, False),
        (dict, False),
    ],
)
def test_a_rule_takes_the_request_where_it_has_a_place_for_it(function, takes):
    from api_guard.core.objects import takes_request

    assert takes_request(function) is takes
    assert takes_request(function) is takes


def test_functions_that_are_made_in_requests_are_not_kept_for_ever(monkeypatch):
    from api_guard.core import objects

    monkeypatch.setattr(objects, "_MOST_KEPT", 2)
    monkeypatch.setattr(objects, "_TAKING", {})
    kept = [lambda caller: None for _ in range(10)]
    assert not any(map(objects.takes_request, kept))
    assert len(objects._TAKING) <= 3
