"""What a grant of a bundle opens: what is both in the settings and pinned in the database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import OuterRef, Subquery

from api_guard import conf
from api_guard.core.scopes import BUNDLE_MARK
from api_guard.models import BundlePin

# A column of a query of grants: what is pinned for the bundle of the row; NULL for a scope.
PINNED = Subquery(BundlePin.objects.filter(bundle=OuterRef("scope")).order_by().values("scopes"))


def is_bundle(name: str) -> bool:
    """Whether a grant of this name is one of a bundle."""
    return name.startswith(BUNDLE_MARK)


def with_bundles(scopes: Sequence[str]) -> tuple[str, ...]:
    """Return the names of grants that may give one of these scopes: the scopes, and bundles."""
    return (*scopes, *conf.bundles_with(scopes)) if scopes and conf.has_bundles() else (*scopes,)


def opened(name: str, pinned: str | None) -> tuple[str, ...]:
    """Return the scopes that a grant of this name gives, in order."""
    if not is_bundle(name):
        return (name,)
    return conf.opened_by_bundle(name, (pinned or "").split())


def parts(name: str) -> frozenset[str]:
    """Return the scopes that have to be judged for a grant of this name: all that it may open."""
    if not is_bundle(name):
        return frozenset({name})
    found = conf.bundles().get(name)
    return frozenset() if found is None else found.scopes


def pinned(names: Iterable[str], using: str) -> dict[str, str]:
    """Return what is pinned for these bundles."""
    asked = {name for name in names if is_bundle(name)}
    if not asked:
        return {}
    rows = BundlePin.objects.using(using).filter(bundle__in=asked)
    return dict(rows.order_by().values_list("bundle", "scopes"))
