"""`manage.py guard_sync`: compares a file of grants with the database, and applies it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser, no_translations

from api_guard import grants
from api_guard.core.sync_files import SyncFile, SyncFileError, parse
from api_guard.grants import syncing
from api_guard.grants.changes import REMOVALS
from api_guard.management.failing import AnswerError, GuardCommand
from api_guard.management.naming import add_by, by_of
from api_guard.management.telling import add_telling, progress, rehearsed, tell

_MOST_REMOVALS = 20


class Command(GuardCommand):
    """Plan, apply, or export."""

    unable = 2

    help = (
        "Compares a file of grants and authorities with the database, and lists the differences. "
        "It exits with 1 if there are any, and with 2 if the file is wrong or it cannot "
        "compare. --apply makes the changes, all of them or none."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        source = parser.add_mutually_exclusive_group(required=True)
        source.add_argument("file", nargs="?", metavar="FILE", help="JSON or .toml; - for stdin")
        source.add_argument("--export", action="store_true", help="print such a file")
        source.add_argument(
            "--bundles", action="store_true", help="only what the bundles in the settings open"
        )
        parser.add_argument("--apply", action="store_true", help="make the changes")
        parser.add_argument(
            "--prune",
            action="store_true",
            help="also remove what the grantees and groups in the file hold besides",
        )
        parser.add_argument(
            "--most-removals",
            type=int,
            metavar="N",
            default=_MOST_REMOVALS,
            help=f"change nothing if --prune would remove more; {_MOST_REMOVALS} by default",
        )
        add_telling(parser)
        parser.add_argument(
            "--as", dest="service", metavar="NAME", help="the service that applies it, as in 'ci'"
        )
        add_by(parser)

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        """Compare, and apply if asked. Raises CommandError."""
        del args
        _refuse_unfit(options)
        if options["export"]:
            self.stdout.write(syncing.exported(), ending="")
            return
        by = _by(options)
        try:
            if options["bundles"]:
                plan = grants.plan_bundles()
            else:
                plan = grants.plan_sync(_read(options["file"]), prune=options["prune"])
        except SyncFileError as error:
            raise CommandError(f"{error}\nThe file is wrong. Nothing was changed.") from None
        removals = sum(change.act in REMOVALS for change in plan.changes)
        if removals > options["most_removals"]:
            raise CommandError(
                f"It would remove {removals}, more than --most-removals "
                f"{options['most_removals']}. Nothing was changed.",
            )
        if options["apply"]:
            with rehearsed(options, grants.database()):
                self._apply(plan, by, options["reason"])
        self._show(plan, options)
        if plan.is_drift and not options["apply"]:
            raise AnswerError("The file and the database differ.")

    def _apply(self, plan: grants.SyncPlan, by: grants.By, reason: str) -> None:
        try:
            grants.apply_sync(plan, by=by, reason=reason, told=progress(self))
        except grants.GrantError as error:
            raise CommandError(f"{error} Nothing was changed.") from None

    def _show(self, plan: grants.SyncPlan, options: dict[str, Any]) -> None:
        parts = _parts(plan)
        lines = [f"{_LABELS[name]}{each}" for name, changes in parts.items() for each in changes]
        listed = {name: [each.as_dict() for each in changes] for name, changes in parts.items()}
        is_applied = options["apply"] and not options["dry_run"]
        facts = {"digest": plan.digest, "applied": is_applied, **listed}
        tell(self, options, lines or ["No difference."], facts)


_LABELS = {"changes": "", "extra": "not in the file: ", "waiting": "not approved yet: "}


def _parts(plan: grants.SyncPlan) -> dict[str, tuple[grants.Change, ...]]:
    return {"changes": plan.changes, "extra": plan.extra, "waiting": plan.waiting}


def _refuse_unfit(options: dict[str, Any]) -> None:
    """Raise CommandError for options that would do nothing."""
    if options["most_removals"] < 0:
        raise CommandError("--most-removals must be 0 or more.")
    if options["export"] and (options["apply"] or options["prune"]):
        raise CommandError("--export only prints: remove --apply and --prune.")
    if options["bundles"] and options["prune"]:
        raise CommandError("--prune needs a file.")


def _by(options: dict[str, Any]) -> grants.By:
    if options["service"] is None:
        return by_of(options, "guard_sync")
    if options["by"] is not None:
        raise CommandError("Write either --as or --by.")
    return grants.System(options["service"])


def _read(name: str) -> SyncFile:
    try:
        content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error}") from error
    return parse(content, is_toml=name.endswith(".toml"))
