"""How the commands that change access say what they did, what they did not, and why."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

# Long work tells how far it is each time that it has done so much.
_STEP = 1000


def add_telling(parser: CommandParser) -> None:
    """Add `--format` and `--dry-run`."""
    parser.add_argument("--format", choices=["text", "json"], default="text")
    parser.add_argument(
        "--dry-run", action="store_true", help="do all of it, say so, and undo all of it"
    )


def tell(
    command: BaseCommand,
    options: Mapping[str, Any],
    lines: Iterable[str],
    facts: Mapping[str, object],
) -> None:
    """Write the lines, or the facts in JSON. After a dry run, say that nothing was changed."""
    if options["format"] == "json":
        said = {"dry_run": options["dry_run"], **facts}
        command.stdout.write(json.dumps(said, indent=2))
        return
    for line in lines:
        command.stdout.write(line)
    if options["dry_run"]:
        command.stdout.write("Dry run: nothing was changed.")


@contextmanager
def rehearsed(options: Mapping[str, Any], *aliases: str) -> Iterator[None]:
    """Undo in these databases what this block does, if it is a dry run."""
    with ExitStack() as transactions:
        for alias in dict.fromkeys(aliases) if options["dry_run"] else ():
            transactions.enter_context(_undone(alias))
        yield


def progress(command: BaseCommand) -> Callable[[int], None]:
    """Return a function that gets the number of changes so far, and reports each thousand."""

    def told(count: int) -> None:
        if count % _STEP == 0:
            command.stderr.write(f"{count} changes")

    return told


@contextmanager
def _undone(alias: str) -> Iterator[None]:
    with transaction.atomic(using=alias):
        yield
        transaction.set_rollback(True, using=alias)
