"""`manage.py guard_init`: one patch that closes the API of an existing project."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser, OutputWrapper, no_translations

from api_guard.adoption import Proposal, propose
from api_guard.management.failing import GuardCommand


class Command(GuardCommand):
    """Print a patch for `git apply`. It changes nothing."""

    # It is the first command in a project, and the checks report what it proposes.
    requires_system_checks: list[str] = []
    help = (
        "Proposes settings, scopes and a guard for every view as one patch on standard output: "
        "manage.py guard_init | git apply. What it leaves alone is listed on standard error."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument(
            "--oauth2",
            action="store_true",
            default=None,
            help="clients will get access tokens, although nothing in the project shows it yet",
        )

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        """Print the patch as bytes, because files may have any encoding."""
        del args
        proposal = propose(with_oauth2=options["oauth2"])
        _write(self.stdout, proposal.patch)
        for line in _said(proposal):
            self.stderr.write(line, self.style.NOTICE)


def _write(out: OutputWrapper, patch: bytes) -> None:
    binary = getattr(out, "buffer", None)
    if binary is None:
        # A test captures text.
        out.write(patch.decode("utf-8", "surrogateescape"), ending="")
        return
    out.flush()
    binary.write(patch)
    binary.flush()


def _said(proposal: Proposal) -> list[str]:
    said = [f"{len(proposal.guarded)} views get a guard. Paths are relative to {proposal.root}."]
    if not proposal.patch:
        said = ["Nothing to propose: every view of the project's own code is declared."]
    if proposal.settings:
        said += ["Add these settings yourself:", proposal.settings]
    if proposal.left:
        said += [f"{len(proposal.left)} left alone:", *(f"  {each}" for each in proposal.left)]
    if proposal.patch:
        said += [
            "Next: git apply the patch, choose what its comments ask for, and run "
            "manage.py guard_check, manage.py migrate and manage.py guard_endpoints."
        ]
    return said
