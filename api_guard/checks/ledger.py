"""Checks of the ledger: it has its own key and is in the database of the grants."""

from __future__ import annotations

from django.core import checks
from django.core.checks import CheckMessage, Error
from django.db import router

from api_guard import conf
from api_guard.models import (
    GrantApproval,
    GrantAuthority,
    GrantRequest,
    LedgerCheckpoint,
    LedgerDetail,
    LedgerHead,
    LedgerRecord,
    LedgerVerification,
    RateOverride,
    RemoteSubject,
    ScopeGrant,
)

_TABLES = (
    *(LedgerRecord, LedgerDetail, LedgerHead, LedgerCheckpoint, LedgerVerification),
    *(GrantAuthority, GrantRequest, GrantApproval, RateOverride, RemoteSubject),
)


def check_ledger_database(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E082: a change and its record are written in one transaction."""
    del app_configs
    grants = router.db_for_write(ScopeGrant)
    elsewhere = {
        router.db_for_write(table): table._meta.object_name
        for table in reversed(_TABLES)
        if router.db_for_write(table) != grants
    }
    return [
        Error(
            f"DATABASE_ROUTERS write ScopeGrant to {grants!r} and {name} to {alias!r}: no "
            "transaction covers both, and a grant may be stored without its record.",
            hint=f"Return {grants!r} for every model whose app_label is 'api_guard'.",
            id="api_guard.E082",
        )
        for alias, name in elsewhere.items()
    ]


def check_ledger_key(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """W081: the ledger has a key that nothing else uses."""
    del app_configs
    if conf.has_own_ledger_key():
        return []
    return [
        checks.Warning(
            "The key of the ledger is derived from SECRET_KEY: an attacker who reads SECRET_KEY "
            "can forge records, and after SECRET_KEY changes, old records cannot be verified.",
            hint='API_GUARD["LEDGER_KEYS"] = {"2026-01": os.environ["LEDGER_KEY"], '
            '"secret-key": None}. The last one verifies the existing records.',
            id="api_guard.W081",
        )
    ]
