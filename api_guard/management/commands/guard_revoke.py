"""`manage.py guard_revoke`: revokes the grants and tokens of a user, a group or a client."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandError, CommandParser, no_translations
from django.db import DatabaseError, models, transaction

from api_guard import grants, tokens
from api_guard.management.failing import GuardCommand
from api_guard.management.naming import add_by, add_grantee, by_of, grantee_of
from api_guard.management.telling import add_telling, rehearsed, tell


class Command(GuardCommand):
    """Revoke the grants of a user, a group or a client, and its tokens."""

    help = (
        "Revokes the grants of a user, a group or a client, and its tokens: its next request "
        "will be refused. Without a scope, --grants or --tokens, both grants and tokens."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        add_grantee(parser)
        parser.add_argument(
            "scopes", nargs="*", metavar="scope", help="revoke the grant of this scope or bundle"
        )
        parser.add_argument("--grants", action="store_true", help="every grant that it holds")
        parser.add_argument(
            "--scope", action="append", default=[], help="the same; may be repeated"
        )
        parser.add_argument(
            "--tokens",
            action="store_true",
            help="its access, refresh and ID tokens, authorization codes and device codes",
        )
        add_telling(parser)
        add_by(parser)

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        """Revoke all that can be revoked, and report it; fail at the end if something failed.

        Raises CommandError.
        """
        del args
        scopes = [*options["scopes"], *options["scope"]]
        if options["grants"] and scopes:
            raise CommandError("--grants means all grants: remove --scope and the named scopes.")
        if options["tokens"] and options["group"] is not None:
            raise CommandError("A group has no tokens: remove --tokens.")
        try:
            grants.refuse_reason(options["reason"])
        except grants.GrantError as error:
            raise CommandError(f"{error} Nothing was revoked.") from None
        grantee, by = grantee_of(options), by_of(options, "guard_revoke")
        why = {"by": by, "reason": options["reason"]}
        everything = not (options["grants"] or scopes or options["tokens"])
        counts: dict[str, int] = {}
        failures: list[str] = []
        with rehearsed(options, grants.database(), tokens.database()):
            if options["grants"] or everything:
                with _noting(failures):
                    counts["grant"] = grants.revoke_all(grantee, **why)
            if scopes:
                counts["grant"] = _revoke_scopes(grantee, scopes, why, failures)
            if options["tokens"] or (everything and options["group"] is None):
                with _noting(failures):
                    counts["token"] = _revoke_tokens(grantee, by, options["reason"])
        said = " and ".join(_count(number, noun) for noun, number in counts.items())
        line = f"Revoked {said or 'nothing'} of {grantee}."
        revoked = {f"{noun}s": number for noun, number in counts.items()}
        tell(self, options, [line], {"revoked": revoked, "failed": failures})
        if failures:
            raise CommandError("\n".join(failures))


@contextmanager
def _noting(failures: list[str]) -> Iterator[None]:
    """Continue after a failed revocation, and note why it failed."""
    try:
        yield
    except (grants.GrantError, DatabaseError) as error:
        failures.append(str(error))


def _revoke_scopes(
    grantee: models.Model, scopes: Iterable[str], why: dict[str, Any], failures: list[str]
) -> int:
    """Revoke the grants of these scopes and return how many there were."""
    count = 0
    for scope in dict.fromkeys(scopes):
        with _noting(failures):
            # A database may take "Notes:Read" for "notes:read".
            found = [row for row in grants.held(grantee).filter(scope=scope) if row.scope == scope]
            if not found:
                failures.append(f"{grantee} holds no grant of {scope!r}.")
                continue
            grants.revoke(found[0], **why)
            count += 1
    return count


def _revoke_tokens(grantee: models.Model, by: grants.By, reason: str) -> int:
    with transaction.atomic(using=grants.database()):
        count = tokens.revoke_tokens(grantee, by=grants.user_of(by), reason=reason)
        grants.note_end_of_access(grantee, count, by=by, reason=reason)
    return count


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
