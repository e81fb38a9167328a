"""`manage.py guard_blocks`: lists and lifts the blocks of accounts and addresses."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from api_guard.limits import credentials
from api_guard.limits.counters import CounterFault

_COLUMNS = ("number", "kind", "account", "address", "rate", "since", "until")


class Command(BaseCommand):
    """List or lift blocks."""

    help = "Lists the current blocks of failed credentials, and lifts the ones you name."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument(
            "--lift",
            nargs="+",
            type=int,
            default=[],
            metavar="NUMBER",
            help="reset the counts of these blocks",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Lift, or list."""
        del args
        try:
            if options["lift"]:
                self._lift(options["lift"])
            else:
                self._list()
        except CounterFault as fault:
            raise CommandError(f"The counters' cache does not answer: {fault}") from fault

    def _lift(self, numbers: list[int]) -> None:
        for number in numbers:
            block = credentials.lift(number)
            if block is None:
                raise CommandError(f"There is no block {number}.")
            concerned = " ".join(filter(None, (block.account, block.address)))
            self.stdout.write(f"Lifted {number}: {block.kind}, {concerned}.")

    def _list(self) -> None:
        rows: list[tuple[str, ...]] = [_COLUMNS]
        for block in credentials.blocks():
            fields = (block.number, block.kind, block.account, block.address, block.rate)
            moments = (each.isoformat(" ", "seconds") for each in (block.since, block.until))
            rows.append((*(str(field) or "-" for field in fields), *moments))
        if len(rows) == 1:
            self.stdout.write("Nothing is blocked.")
            return
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self.stdout.write(line.rstrip())
