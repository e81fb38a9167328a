"""`manage.py guard_ledger`: verifies and exports the ledger, and erases the details of a user."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser, no_translations

from api_guard import grants, ledger
from api_guard.exceptions import GuardError
from api_guard.management.failing import GuardCommand
from api_guard.management.naming import add_by, by_of, user_named
from api_guard.management.reading import text_of

_MOST_SHOWN = 20


class Command(GuardCommand):
    """Verify, chain, checkpoint, export, forget, prune."""

    help = (
        "Verifies the history of grants and reports tampering; exports it, writes checkpoints, "
        "erases the details of a user, and deletes old records."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the commands, each with its options."""
        commands = parser.add_subparsers(dest="command", required=True)
        verify = commands.add_parser("verify", help="report what is wrong, and exit with 1")
        verify.add_argument("--checkpoint", metavar="FILE", help="a file that `checkpoint` wrote")
        adopt = commands.add_parser(
            "adopt", help="record what gives access and is older than the ledger"
        )
        commands.add_parser("chain", help="chain what is committed and not chained yet")
        checkpoint = commands.add_parser("checkpoint", help="write the end of the chain, signed")
        checkpoint.add_argument("file", nargs="?", metavar="FILE", help="write to this file")
        export = commands.add_parser("export", help="write the chained records as lines of JSON")
        export.add_argument("--since", type=int, default=0, metavar="SEQ", help="only later ones")
        forget = commands.add_parser("forget", help="erase the details of a user")
        whom = forget.add_mutually_exclusive_group(required=True)
        whom.add_argument("user", nargs="?", metavar="USER", help="the user of this name")
        whom.add_argument("--pk", help="the primary key of a user who may be deleted already")
        prune = commands.add_parser("prune", help="delete old records, up to a signed checkpoint")
        prune.add_argument("--through", type=int, required=True, metavar="SEQ", help="the last one")
        for change in (adopt, forget, prune):
            add_by(change)

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        """Do what was asked. Raises CommandError."""
        del args
        try:
            grants.refuse_reason(options.get("reason", ""))
            getattr(self, f"_{options['command']}")(options)
        except (GuardError, grants.GrantError) as error:
            raise CommandError(str(error)) from error

    def _verify(self, options: dict[str, Any]) -> None:
        file = options["checkpoint"]
        exported = ledger.read_checkpoint(text_of(file)) if file else None
        tally = ledger.Tally()
        findings = grants.verify(tally, exported)
        shown = list(islice(findings, _MOST_SHOWN))
        more = sum(1 for _ in findings)
        for finding in shown:
            self.stdout.write(f"{finding}")
        if more:
            self.stdout.write(f"and {more} more")
        self.stdout.write(_said(tally))
        if shown:
            raise CommandError(f"The ledger does not verify. First: {shown[0]}", returncode=1)
        self.stdout.write("The ledger verifies.")

    def _chain(self, options: dict[str, Any]) -> None:
        del options
        self.stdout.write(f"Chained {_count(ledger.chain(), 'record')}.")

    def _checkpoint(self, options: dict[str, Any]) -> None:
        line = ledger.checkpoint()
        if options["file"]:
            _write(options["file"], line + "\n")
        else:
            self.stdout.write(line)

    def _export(self, options: dict[str, Any]) -> None:
        for line in ledger.export(options["since"]):
            self.stdout.write(line)

    def _adopt(self, options: dict[str, Any]) -> None:
        count = grants.adopt(by=by_of(options, "guard_ledger"), reason=options["reason"])
        self.stdout.write(f"Recorded {_count(count, 'row')}.")

    def _forget(self, options: dict[str, Any]) -> None:
        pk = options["pk"] if options["pk"] is not None else user_named(options["user"]).pk
        who = grants.who_of(by_of(options, "guard_ledger"))
        count = ledger.forget(pk, who=who, reason=options["reason"])
        self.stdout.write(f"Erased {_count(count, 'detail')}.")

    def _prune(self, options: dict[str, Any]) -> None:
        by, reason = by_of(options, "guard_ledger"), options["reason"]
        wrong = next(grants.differences(), None)
        if wrong is not None:
            # Otherwise adopt() below would record an unrecorded change.
            raise CommandError(f"Nothing was pruned: {wrong}. Revoke it, or `adopt` it.")
        through, head = options["through"], ledger.head()
        if head is not None and 0 < through <= head.place.sequence:
            # First: every row that gives access has a record at every moment.
            grants.adopt(by=by, reason=f"pruned through {through}", since=through)
        count = ledger.prune(through, who=grants.who_of(by), reason=reason)
        self.stdout.write(f"Pruned {_count(count, 'record')}.")


def _write(name: str, text: str) -> None:
    try:
        Path(name).write_text(text)
    except OSError as error:
        raise CommandError(f"{name} cannot be written: {error}") from error


def _said(tally: ledger.Tally) -> str:
    said = [f"{_count(tally.chained, 'record')} chained"]
    if tally.unchained:
        said.append(f"{tally.unchained} not chained yet, since {tally.oldest_unchained}")
    if tally.erased:
        said.append(f"{_count(tally.erased, 'detail')} erased")
    if tally.pruned_through:
        said.append(f"pruned through {tally.pruned_through}")
    if tally.left_by_prune:
        said.append(f"{tally.left_by_prune} of these still exist: prune again")
    if tally.is_export_too_old:
        said.append("the checkpoint is older than that and proves nothing")
    return "; ".join(said) + "."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
