"""Finds in a database error which constraint was broken, and whether the client sent the values."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Permission
from django.db import DataError, IntegrityError
from django.test import RequestFactory
from rest_framework.request import Request

from api_guard.input.client_errors.constraints import broken_constraint
from api_guard.input.client_errors.database import is_data_sent, is_integrity_sent
from api_guard.input.client_errors.sent import Sent
from tests.hostile.models import Offer, Thing


def sent(query):
    request = Request(RequestFactory().get(f"/?{query}"))
    return Sent(request, SimpleNamespace(args=("tea",), kwargs={"pk": 5}), [])


def of_postgresql(**said):
    error = IntegrityError("broken")
    names = ("column_name", "message_detail", "constraint_name")
    error.__cause__ = Exception()
    error.__cause__.diag = SimpleNamespace(**{name: said.get(name) for name in names})
    return error


@pytest.mark.parametrize(
    ("error", "query", "is_sent"),
    [
        (of_postgresql(message_detail="Key (slug)=(tea) already exists."), "slug=tea", True),
        (of_postgresql(message_detail="Key (slug)=(cake) already exists."), "slug=tea", False),
        (of_postgresql(column_name="slug"), "slug=tea", False),
        (of_postgresql(constraint_name="positive"), "slug=tea", False),
        (IntegrityError(1062, "Duplicate entry 'tea' for key 'slug'"), "slug=tea", True),
        (IntegrityError(1062, "Duplicate entry 'cake' for key 'slug'"), "slug=tea", False),
        (IntegrityError(1062, "no words that are known"), "slug=tea", False),
        (IntegrityError(1048, "Column 'slug' cannot be null"), "slug=tea", False),
        (IntegrityError(4025, "CONSTRAINT `positive` failed for `a`.`b`"), "slug=tea", False),
        (IntegrityError("FOREIGN KEY constraint failed"), "slug=tea", False),
        (IntegrityError("CHECK constraint failed: positive"), "slug=tea", False),
    ],
)
def test_without_an_instance_only_named_values_count(error, query, is_sent):
    assert is_integrity_sent(error, [], sent(query)) is is_sent


@pytest.mark.parametrize(
    ("error", "model", "columns"),
    [
        (IntegrityError(1062, "Duplicate entry 'tea' for key 'slug'"), Thing, {"slug"}),
        (IntegrityError(1062, "Duplicate entry 'tea' for key 'thing.slug'"), Thing, {"slug"}),
        (
            IntegrityError(1062, "Duplicate entry '1-2' for key 'offered_once'"),
            Offer,
            {"offered_once", "low", "high"},
        ),
        (
            IntegrityError(1062, "Duplicate entry 'auth-x' for key 'auth_permission_a_b_01_uniq'"),
            Permission,
            {"auth_permission_a_b_01_uniq", "content_type_id", "codename"},
        ),
        (
            IntegrityError(1452, "fails (`a`.`b`, CONSTRAINT `c` FOREIGN KEY (`parent_id`) REF"),
            Thing,
            {"parent_id"},
        ),
        (IntegrityError("UNIQUE constraint failed: offer.low, offer.high"), Offer, {"low", "high"}),
    ],
)
def test_the_columns_of_a_constraint_are_known_by_its_name(error, model, columns):
    assert broken_constraint(error).columns_in(model) == columns


def test_what_says_nothing_is_not_held():
    assert not sent("").holds(None)
    assert not sent("a=1").holds([])
    assert sent("a=[]").holds([])
    assert sent("a=1").holds({"a": 1}) is False  # the name was sent as a name
    assert sent("a=1").holds(["1", 1])
    assert sent("").holds("tea")
    assert sent("").holds(Thing(pk=5))


@pytest.mark.parametrize(
    ("params", "is_sent"),
    [
        (("tea",), True),
        ({"slug": "tea"}, True),
        ((["cake", "tea"],), True),
        (("cake",), False),
        ((["cake", "scone"], 1), False),
        ((2**63, "tea"), False),
        ((), False),
    ],
)
def test_a_data_error_that_names_no_value_is_of_any_value_that_was_sent(params, is_sent):
    error = DataError("invalid input syntax")
    assert is_data_sent(error, params, [], sent("slug=tea")) is is_sent
