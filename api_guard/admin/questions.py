"""The questions of every day, on the app's page of the admin: each leads to its answer."""

from __future__ import annotations

from django.contrib.admin.sites import AdminSite
from django.db import models
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from api_guard.admin.matters import list_of
from api_guard.models import (
    Access,
    Endpoint,
    Explanation,
    GrantRequest,
    LedgerRecord,
    Matrix,
    Scope,
    ScopeGrant,
)

_QUESTIONS: tuple[tuple[type[models.Model], str, Promise], ...] = (
    (Access, "", _("What may somebody do, and through what? Give, take, end everything.")),
    (ScopeGrant, "", _("Which grants are there? Give several at once, revoke, extend.")),
    (Scope, "", _("Who may do something?")),
    (Matrix, "", _("Who has which scopes?")),
    (Explanation, "", _("Why was a request refused?")),
    (Endpoint, "?status=public", _("Which endpoints are public?")),
    (GrantRequest, "", _("Who asks for access?")),
    (LedgerRecord, "", _("Who changed what, and when?")),
)


def questions(site: AdminSite, request: HttpRequest) -> list[tuple[Promise, str]]:
    """Return each question whose answer the viewer may see, with the address of the page."""
    found = ((said, list_of(site, model, request, query)) for model, query, said in _QUESTIONS)
    return [(said, url) for said, url in found if url]
