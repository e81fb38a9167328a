"""User models without `groups`, with another field of that name, or without flags."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.contrib.auth.models import AbstractBaseUser, Group
from django.db import models
from django.test.utils import isolate_apps

from api_guard.models.memberships import groups_in, membership_of
from api_guard.oauth2.signals import _is_new_password


@pytest.mark.parametrize("kind", ["roles", "names", "teams", "unflagged", "renamed"])
def test_a_project_with_a_user_model_of_another_shape_starts_and_is_guarded(kind):
    suite = ["tests/other_users/suite.py", "--ds=tests.other_users.settings", "--nomigrations"]
    alone = ["-q", "-p", "no:cacheprovider", "-p", "no:cov", "-p", "no:xdist"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *suite, *alone],
        cwd=Path(__file__).parent.parent,
        env={**os.environ, "DATABASE_URL": "sqlite://:memory:", "USER_MODEL": kind},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "4 passed" in done.stdout


@isolate_apps("tests")
@pytest.mark.parametrize(
    ("shape", "is_of_groups"),
    [("group", True), ("proxy", True), ("child", True), ("keyed", False), ("other", False)],
)
def test_only_a_field_whose_keys_are_those_of_groups_is_membership(shape, is_of_groups):
    class Meta:
        app_label, proxy = "tests", True

    class Plain:
        app_label = "tests"

    made = {"__module__": __name__}
    link = models.OneToOneField(Group, models.CASCADE, parent_link=True)
    key = models.UUIDField(primary_key=True)
    target = {
        "group": lambda: Group,
        "proxy": lambda: type("Proxied", (Group,), {**made, "Meta": Meta}),
        "child": lambda: type("Child", (Group,), {**made, "Meta": Plain}),
        "keyed": lambda: type("Keyed", (Group,), {**made, "Meta": Plain, "key": key, "up": link}),
        "other": lambda: type("Other", (models.Model,), {**made, "Meta": Plain}),
    }[shape]()
    groups = models.ManyToManyField(target, related_name="+")
    user = type("Person", (AbstractBaseUser,), {**made, "Meta": Plain, "groups": groups})
    assert (membership_of(user) is not None) is is_of_groups


def test_what_is_no_user_is_in_no_group(alice):
    assert groups_in(object()) is None
    assert groups_in(apps.get_model("tests.Note")()) is None
    assert groups_in(alice).count() == 0
    assert membership_of(apps.get_model("tests.Note")) is None


@pytest.mark.parametrize(
    ("stored", "now", "is_new"),
    [("", "x", True), (None, "x", True), ("x", None, True), ("x", "x", False), (None, None, False)],
)
@pytest.mark.parametrize("fields", [None, frozenset({"password"})])
def test_a_first_password_is_a_new_one_too(stored, now, is_new, fields):
    """A column of a project's own may be null, and a user model may have no password."""
    user = SimpleNamespace(password=now, _password=None)
    assert _is_new_password(stored, user, fields) is is_new
    assert not _is_new_password(None, SimpleNamespace(), fields)
