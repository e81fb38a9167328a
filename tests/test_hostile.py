"""No request of the crash list is a 500, takes a second, or stores anything."""

from __future__ import annotations

import time

import pytest
from django.core.management.color import no_style
from django.db import connection, transaction

from tests.hostile.crashes import CRASHES
from tests.hostile.models import Thing
from tests.insides import insides_in

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.hostile.urls")]
IN_PROCESS = [crash for crash in CRASHES if not crash.only_live]


@pytest.fixture
def _one_thing():
    Thing.objects.create(pk=1, title="tea", slug="tea")
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [Thing]):
            cursor.execute(statement)


def send(client, crash, prefix):
    return client.generic(
        crash.verb,
        f"/{prefix}/{crash.path}",
        crash.body or b"",
        content_type=crash.content_type if crash.body is not None else "",
        headers=crash.headers,
    )


@pytest.mark.usefixtures("_one_thing")
@pytest.mark.parametrize("crash", IN_PROCESS, ids=lambda crash: crash.name)
def test_a_guarded_view_answers_it(client, crash):
    client.raise_request_exception = False
    started = time.perf_counter()
    # In a savepoint, so that the test may go on after a statement that failed.
    with transaction.atomic():
        response = send(client, crash, "guarded")
        if response.status_code >= 400:
            transaction.set_rollback(True)
    assert time.perf_counter() - started < 1
    if connection.vendor in crash.fits.split():
        assert response.status_code == 201
        return
    assert response.status_code in crash.answers
    assert Thing.objects.count() == 1
    body = response.json()
    assert insides_in(response.content.decode()) is None
    if response.status_code >= 400 and "code" in body:
        assert set(body) - {"decision"} == {"detail", "code"}
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.usefixtures("_one_thing")
@pytest.mark.parametrize(
    "name",
    ["the body is null", "1e400 for a key to a row", "a link to http://[", "text for a UUID"],
)
def test_a_stock_view_breaks(client, settings, name):
    settings.API_GUARD = {
        **settings.API_GUARD,
        "EXEMPT": {"tests.hostile.stock": "what is compared with"},
    }
    client.raise_request_exception = False
    crash = next(crash for crash in CRASHES if crash.name == name)
    assert send(client, crash, "stock").status_code == 500
