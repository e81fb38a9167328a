"""The page for those who come from other permissions: before and after, on the same requests."""

from __future__ import annotations

import re
import sys
from types import ModuleType

import pytest
from django.urls import path

from tests import models
from tests.models import Note
from tests.test_docs import DOCS, blocks_of

pytestmark = pytest.mark.django_db


def block(caption):
    return next(code for found, code in blocks_of(DOCS / "coming_from.md") if found == caption)


@pytest.fixture
def views(monkeypatch, settings):
    """Route the two views of a section at /before/ and /after/."""

    def route(section, name, **kwargs):
        monkeypatch.setitem(sys.modules, "notes", ModuleType("notes"))
        monkeypatch.setitem(sys.modules, "notes.models", models)
        module = ModuleType("tests.coming")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        module.urlpatterns = []
        for when in ("before", "after"):
            exec(block("serializers.py"), vars(module))
            exec(block(f"{section}, {when}"), vars(module))
            view = getattr(module, name)
            # The project's middleware would refuse the view without a guard.
            exempt = f"{view.__module__}.{view.__qualname__}"
            if when == "before":
                view.__qualname__ = exempt = "Before"
                settings.API_GUARD = {
                    **settings.API_GUARD,
                    "EXEMPT": {f"{view.__module__}.{exempt}": "as it was before"},
                }
            module.urlpatterns += [
                path(f"{when}/", view.as_view(*kwargs.get("list", ()))),
                path(f"{when}/<int:pk>/", view.as_view(*kwargs.get("detail", ()))),
            ]
        settings.ROOT_URLCONF = module.__name__

    return route


def answers(api, method, suffix="", **data):
    sent = {"data": data, "format": "json"} if data else {}
    return [
        getattr(api, method)(f"/{when}/{suffix}", **sent).status_code
        for when in ("before", "after")
    ]


def test_a_token_with_the_scope_needs_the_grant_as_well(
    views, api, alice, application, issue, give
):
    views("TokenHasScope", "NoteList")
    api.by_token(issue("notes:read", user=alice))
    assert answers(api, "get") == [200, 403]
    give(alice, "notes:read")
    assert answers(api, "get") == [200, 403]
    give(application, "notes:read")
    assert answers(api, "get") == [200, 200]
    assert answers(api, "post", title="New", author=alice.pk) == [201, 201]
    api.by_token(issue("notes:write", user=alice))
    assert answers(api, "get") == [403, 403]


def test_an_author_writes_and_others_read(views, api, alice, bob, settings):
    views(
        "permissions",
        "NoteViewSet",
        list=({"get": "list", "post": "create"},),
        detail=({"get": "retrieve", "patch": "partial_update", "delete": "destroy"},),
    )
    mine, theirs = (Note.objects.create(title="A note", author=user) for user in (alice, bob))
    assert answers(api, "get") == [401, 401]
    api.by_session(alice)
    assert answers(api, "get") == [200, 200]
    assert answers(api, "get", f"{theirs.pk}/") == [200, 200]
    assert answers(api, "patch", f"{mine.pk}/", title="Mine") == [200, 200]
    assert answers(api, "patch", f"{theirs.pk}/", title="Mine") == [403, 404]
    assert answers(api, "post", title="New", author=alice.pk) == [201, 201]
    assert answers(api, "post", title="Forged", author=bob.pk) == [201, 403]


def test_every_view_of_the_page_has_a_before_and_an_after():
    captions = [caption for caption, _ in blocks_of(DOCS / "coming_from.md")]
    sections = {re.sub(r", (before|after)$", "", caption) for caption in captions}
    assert sections == {"serializers.py", "TokenHasScope", "permissions", "guardian"}
