"""Whoever manages access, in a browser: gives, sees it work, takes, sees it refused, and why."""

from __future__ import annotations

import json
import os

import pytest

from tests.browser.chromium import CHROMIUM
from tests.browser.javascript import installed, told_by
from tests.test_example_project import free_port, served


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What the browser tells, line by line."""
    folder = installed(tmp_path_factory.mktemp("javascript"))
    port = free_port()
    with served(tmp_path_factory.mktemp("admin"), port, "tests.strict_example") as site:
        words = {
            "site": site.url,
            "password": site.passwords["admin"],
            "token": site.alice_token,
            "executablePath": CHROMIUM,
            "pictures": os.environ.get("PICTURES"),
        }
        lines = told_by(folder, "access.mjs", json.dumps(words), 600)
    return [json.loads(line) for line in lines]


def test_what_is_given_works_and_what_is_taken_is_refused_at_once(told):
    before, taken, refused, given, allowed, again, why, by_link, *_ = told
    assert before == {"call": 200}
    assert taken["taken"].startswith("Taken from writers: notes:read.")
    assert (taken["call"], given["call"], again["call"], by_link["call"]) == (403, 200, 403, 200)
    assert given["given"] == "Given to alice: notes:read."
    assert again["taken"].startswith("Taken from alice: notes:read.")
    for said in (refused, why):
        assert "refused" in said["explained"]
        assert "Grant notes:read to user alice" in said["explained"]
    assert "refused" not in allowed["explained"]
    assert "notes:read to user alice until" in allowed["explained"]


def test_every_task_takes_few_clicks_and_few_keys(told):
    assert [each["clicks"] for each in told if "clicks" in each] == [4, 5, 2]
    [seen] = [each for each in told if "tabs" in each]
    assert seen["tabs"] <= 15
    assert "alice" in seen["holders"]
    assert "/ping/" in seen["open"]
    assert "/notes/$" not in seen["open"]
    assert seen["title"].startswith("What alice may do")


def test_the_pages_fit_a_phone_obey_the_policy_and_are_accessible(told):
    last = told[-1]
    assert last["said"] == []
    assert {name: found for name, found in last["flaws"].items() if found} == {}
    assert [name for name, is_fitting in last["fits"].items() if not is_fitting] == []
