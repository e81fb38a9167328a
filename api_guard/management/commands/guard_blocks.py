"""`manage.py guard_blocks`: lists and lifts the blocks of accounts and addresses."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser, no_translations

from api_guard import grants
from api_guard.core.addresses import counted_address
from api_guard.exceptions import GuardError
from api_guard.limits import credentials
from api_guard.limits.counters import CounterFault
from api_guard.limits.credentials import Block
from api_guard.management.failing import GuardCommand
from api_guard.management.naming import add_by, by_of

_COLUMNS = ("number", "kind", "account", "address", "rate", "since", "until")


class Command(GuardCommand):
    """List or lift blocks."""

    help = (
        "Lists the current blocks of failed credentials, and lifts the ones you name. With --user, "
        "--client or --address, it looks into the counts, where older blocks are found too."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        account = parser.add_mutually_exclusive_group()
        account.add_argument("--user", default="", metavar="NAME", help="blocks of this user")
        account.add_argument("--client", default="", metavar="CLIENT_ID", help="of this client")
        parser.add_argument("--address", default="", metavar="IP", help="blocks of this address")
        parser.add_argument(
            "--lift",
            nargs="*",
            type=int,
            metavar="NUMBER",
            help="reset the counts of these blocks; without a number, of all that were found",
        )
        add_by(parser)

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        """Lift, or list."""
        del args
        try:
            found = _asked(options)
            if options["lift"] is None:
                self._list(credentials.blocks() if found is None else found)
            else:
                self._lift(_chosen(options["lift"], found), options)
        except CounterFault as fault:
            raise CommandError(f"The counters' cache does not answer: {fault}") from fault
        except (grants.GrantError, GuardError) as error:
            raise CommandError(str(error)) from error

    def _lift(self, chosen: list[Block], options: dict[str, Any]) -> None:
        by = by_of(options, "guard_blocks")
        if not chosen:
            self.stdout.write("Nothing is blocked.")
        for block in chosen:
            grants.lift_block(block, by=by, reason=options["reason"])
            concerned = " ".join(filter(None, (block.account, block.address)))
            number = f" {block.number}" if block.number else ""
            self.stdout.write(f"Lifted{number}: {block.kind}, {concerned}.")

    def _list(self, found: list[Block]) -> None:
        rows: list[tuple[str, ...]] = [_COLUMNS]
        for block in found:
            fields = (block.number or "", block.kind, block.account, block.address, block.rate)
            moments = (each.isoformat(" ", "seconds") for each in (block.since, block.until))
            rows.append((*(str(field) or "-" for field in fields), *moments))
        if len(rows) == 1:
            self.stdout.write("Nothing is blocked.")
            return
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self.stdout.write(line.rstrip())


def _asked(options: dict[str, Any]) -> list[Block] | None:
    """Return the blocks of the account and the address that are named, or None without names."""
    kind = "client" if options["client"] else "user"
    account, address = options["client"] or options["user"], counted_address(options["address"])
    if options["address"] and not address:
        raise CommandError(f"{options['address']!r} is not an address.")
    return credentials.reached(kind, account, address) if account or address else None


def _chosen(numbers: list[int], found: list[Block] | None) -> list[Block]:
    if not numbers and found is None:
        raise CommandError("Write the numbers of the blocks, or --user, --client or --address.")
    if not numbers:
        return found or []
    listed = {block.number: block for block in credentials.blocks()}
    for number in numbers:
        if number not in listed:
            raise CommandError(f"There is no block {number}.")
    return [listed[number] for number in numbers]
