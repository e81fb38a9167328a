"""`manage.py guard_ledger`: verifies and exports the ledger, and erases what it says of a user."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, router

from api_guard import ledger
from api_guard.core.ledger import Known, Party, Who
from api_guard.exceptions import GuardError

_MOST_SHOWN = 20
_NOBODY = Who(Known.UNKNOWN, Party("user", "", ""))


class Command(BaseCommand):
    """Verify, chain, checkpoint, export, forget, prune."""

    help = (
        "Verifies the history of grants and names what was done to it; exports it, keeps its end "
        "elsewhere, erases what it says of a user, and prunes what is old."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the commands, each with its options."""
        commands = parser.add_subparsers(dest="command", required=True)
        verify = commands.add_parser("verify", help="name what is wrong, and exit with 1")
        verify.add_argument("--checkpoint", metavar="FILE", help="as `checkpoint` has written it")
        commands.add_parser("chain", help="chain what is committed and not chained yet")
        checkpoint = commands.add_parser("checkpoint", help="write the end of the chain, signed")
        checkpoint.add_argument("file", nargs="?", metavar="FILE", help="to it, not to the screen")
        export = commands.add_parser("export", help="write the chained records as lines of JSON")
        export.add_argument("--since", type=int, default=0, metavar="SEQ", help="only later ones")
        forget = commands.add_parser("forget", help="erase what is kept of a user")
        whom = forget.add_mutually_exclusive_group(required=True)
        whom.add_argument("user", nargs="?", metavar="USER", help="the user of this name")
        whom.add_argument("--pk", help="the primary key of a user who may be deleted already")
        prune = commands.add_parser("prune", help="delete old records, up to a signed checkpoint")
        prune.add_argument("--through", type=int, required=True, metavar="SEQ", help="the last one")
        for change in (forget, prune):
            change.add_argument("--by", metavar="NAME", help="the user who is to answer for it")
            change.add_argument("--reason", default="", help="why; kept with the record of it")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what was asked. Raises CommandError."""
        del args
        try:
            getattr(self, f"_{options['command']}")(options)
        except (GuardError, DatabaseError, OSError) as error:
            raise CommandError(str(error)) from error

    def _verify(self, options: dict[str, Any]) -> None:
        file = options["checkpoint"]
        exported = ledger.read_checkpoint(Path(file).read_text()) if file else None
        tally = ledger.Tally()
        findings = ledger.verify(tally, exported)
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
            Path(options["file"]).write_text(line + "\n")
        else:
            self.stdout.write(line)

    def _export(self, options: dict[str, Any]) -> None:
        for line in ledger.export(options["since"]):
            self.stdout.write(line)

    def _forget(self, options: dict[str, Any]) -> None:
        pk = options["pk"] if options["pk"] is not None else _user(options["user"]).pk
        count = ledger.forget(pk, who=_who(options["by"]), reason=options["reason"])
        self.stdout.write(f"Erased {_count(count, 'detail')}.")

    def _prune(self, options: dict[str, Any]) -> None:
        who = _who(options["by"])
        count = ledger.prune(options["through"], who=who, reason=options["reason"])
        self.stdout.write(f"Pruned {_count(count, 'record')}.")


def _said(tally: ledger.Tally) -> str:
    said = [f"{_count(tally.chained, 'record')} chained"]
    if tally.unchained:
        said.append(f"{tally.unchained} not chained yet, since {tally.oldest_unchained}")
    if tally.erased:
        said.append(f"{_count(tally.erased, 'detail')} erased")
    if tally.pruned_through:
        said.append(f"pruned through {tally.pruned_through}")
    if tally.left_by_prune:
        said.append(f"{tally.left_by_prune} of these still there: prune again")
    if tally.is_export_too_old:
        said.append("the checkpoint is older than that and says nothing")
    return "; ".join(said) + "."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _who(name: str | None) -> Who:
    if name is None:
        return _NOBODY
    user = _user(name)
    return Who(Known.CLAIMED, Party("user", str(user.pk), user.get_username()))


def _user(name: str) -> Any:
    model: Any = get_user_model()
    try:
        users = model._default_manager.db_manager(router.db_for_write(model))
        return users.get_by_natural_key(name)
    except model.DoesNotExist:
        raise CommandError(f"There is no user {name!r}.") from None
