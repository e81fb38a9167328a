"""Statements compiled once give what their querysets give."""

from __future__ import annotations

import pytest
from django.db import connection, models
from django.test.utils import CaptureQueriesContext
from oauth2_provider.models import AccessToken

from api_guard.models.statements import Parameter, Statement
from tests.models import Note

pytestmark = pytest.mark.django_db


def test_a_statement_answers_as_its_queryset_would(alice, bob, django_assert_num_queries):
    for author in (alice, bob):
        Note.objects.create(author=author, title=f"of {author}")
    Note.objects.create(author=alice, title="hidden")
    built = []

    def build():
        built.append(1)
        author = Parameter("author", Note._meta.get_field("author").target_field)
        return Note.objects.filter(author=author, title__startswith="of ").values_list("title")

    statement = Statement(Note, build)
    for author in (alice, bob, alice):
        with django_assert_num_queries(1):
            rows = statement.rows({"author": author.pk})
        assert rows == [[f"of {author}"]]
    assert built == [1]


def test_a_moment_comes_back_as_a_moment(issue):
    token = issue("notes:read")
    before = Parameter("before", models.DateTimeField())
    statement = Statement(
        AccessToken, lambda: AccessToken.objects.filter(expires__lte=before).values_list("expires")
    )
    assert statement.rows({"before": token.expires}) == [[token.expires]]
    assert statement.rows({"before": token.created}) == []


@pytest.mark.parametrize("use_tz", [True, False])
def test_a_moment_is_aware_where_the_project_is(issue, settings, use_tz):
    token = issue("notes:read")
    statement = Statement(AccessToken, lambda: AccessToken.objects.values_list("expires"))
    settings.USE_TZ = use_tz
    [[found]] = statement.rows({})
    expected = AccessToken.objects.get(pk=token.pk).expires
    assert found == expected
    # PostgreSQL's connection says, as it was opened, what Django's own query gives.
    assert (found.tzinfo is None) == (expected.tzinfo is None)
    if connection.vendor != "postgresql":
        assert (found.tzinfo is not None) == use_tz


def test_a_value_is_sent_once_and_a_percent_sign_stays(alice):
    Note.objects.create(author=alice, title="100%")
    author = Parameter("author", Note._meta.get_field("author").target_field)
    found = Note.objects.filter(author=author, author_id=author, title__contains="%")
    statement = Statement(Note, lambda: found.values_list("title"))
    with CaptureQueriesContext(connection) as captured:
        assert statement.rows({"author": alice.pk}) == [["100%"]]
    assert len(captured) == 1


class UpperField(models.CharField):
    """A column that stores capitals."""

    def get_prep_value(self, value):
        return value.upper()


@pytest.mark.parametrize(
    ("field", "value"),
    [(UpperField(), "tea"), (models.EmailField(), "TEA"), (models.CharField(), "TEA")],
)
def test_a_value_is_converted_as_its_field_says(alice, field, value):
    Note.objects.create(author=alice, title="TEA")
    title = Parameter("title", field)
    statement = Statement(Note, lambda: Note.objects.filter(title=title).values_list("title"))
    assert statement.rows({"title": value}) == [["TEA"]]
