"""Seven tasks of whoever manages access, with no help but the page: few clicks and few fields."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from tests.browser.chromium import CHROMIUM
from tests.browser.javascript import installed, told_by
from tests.test_example_project import free_port, manage, served

PAGE = Path(__file__).parent.parent / "docs" / "admin_access.md"
MOST_CLICKS = 8
# Two users more than the example has. One of them will leave.
SEED = """
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from oauth2_provider.models import get_application_model
from api_guard import grants
from example_project.notes import seed

Application = get_application_model()
carol, dave = (get_user_model().objects.create_user(name) for name in ("carol", "dave"))
auditors = Group.objects.create(name="auditors")
grants.grant("audit:write", auditors, by=seed.SEED)
carol.groups.add(auditors)
Application.objects.create(
    name="Carol's report",
    client_id="carols-report",
    user=carol,
    client_type=Application.CLIENT_CONFIDENTIAL,
    authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
)
print(seed._token(carol, Application.objects.get(client_id="demo")))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What came of each task, by its name."""
    javascript = installed(tmp_path_factory.mktemp("javascript"))
    folder = tmp_path_factory.mktemp("admin")
    with served(folder, free_port(), "tests.strict_example") as site:
        seeded = manage(folder, "shell", "--no-imports", "-c", SEED)
        assert seeded.returncode == 0, seeded.stderr
        words = {
            "site": site.url,
            "password": site.passwords["admin"],
            "token": seeded.stdout.split()[-1],
            "secret": site.reporter_secret,
            "executablePath": CHROMIUM,
            "pictures": os.environ.get("PICTURES"),
        }
        lines = told_by(javascript, "tasks.mjs", json.dumps(words), 300)
    return {each["task"]: each for each in map(json.loads, lines)}


def test_no_task_takes_more_than_eight_clicks_and_the_docs_tell_how_many(told):
    rows = re.findall(r"^\| ([^|]+) \| (\d+) \| (\d+) \|$", PAGE.read_text(), re.MULTILINE)
    counted = [(name, each["clicks"], each["fields"]) for name, each in told.items()]
    assert len(counted) == 7
    assert [(name, int(clicks), int(fields)) for name, clicks, fields in rows] == counted
    assert [name for name, clicks, _ in counted if clicks > MOST_CLICKS] == []


def test_what_is_given_works_at_once(told):
    client = told["Let a client read for a week"]
    # Without a grant, the client gets no token.
    assert (client["before"], client["after"]) == (400, 200)
    assert client["said"] == "Given to Reporter: notes:read."
    [row] = client["shown"]
    assert row.startswith("notes:read Read notes directly in 1 week")
    users = told["Give three scopes to two users"]
    assert (users["before"], users["after"]) == (403, 200)
    given = "notes:read, notes:write, notes:publish to user carol, user dave"
    assert re.fullmatch(rf"Given until .*: {given}", users["said"])


def test_a_refusal_is_explained_with_what_would_allow_it(told):
    why = told["Find out why a client was refused"]
    assert why["called"] == 403
    assert why["shown"][-1].startswith("requirement refused For POST (create), notes:write is")
    assert why["gives"] == ["Give notes:write to client Reporter"]


def test_who_may_do_something_is_told_and_what_somebody_may_do(told):
    assert told["See who can publish"]["shown"] == [
        "alice directly never never used",
        "carol directly in 1 week never used",
        "dave directly in 1 week never used",
        "Demo demo directly never never used",
    ]
    shown = told["See what a user may do, and through what"]["shown"]
    assert [row.partition(" in 1 week")[0] for row in shown] == [
        "audit:write Write remarks into the audit group auditors never never used now",
        "notes:publish Publish notes directly",
        "notes:read Read notes directly",
        "notes:write Change notes directly",
    ]


def test_everything_ends_of_who_has_left(told):
    left = told["End everything of somebody who left"]
    assert (left["before"], left["after"]) == (200, 401)
    assert left["shown"] == [
        "Grants notes:publish, notes:read, notes:write",
        "Membership of groups auditors",
        "Ownership of clients Carol's report (carols-report)",
        "Tokens and codes 1",
        "Status of the account active",
    ]
    assert left["said"] == (
        "All access of carol has ended: 3 grants. Tokens and codes: 1. "
        "Change the secret of carols-report: carol may know it."
    )


def test_the_public_endpoints_are_listed(told):
    shown = told["See which endpoints are public"]["shown"]
    assert all(" public PUBLIC " in row for row in shown)
    assert sorted({row.split()[0] for row in shown}) == [
        "/docs/",
        "/ping/",
        "/published/$",
        "/published/(?P<pk>[^/.]+)/$",
        "/schema/",
    ]
