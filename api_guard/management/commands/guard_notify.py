"""`manage.py guard_notify`: mails what ends, what waits and what needs a look."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser, no_translations

from api_guard import conf, notices
from api_guard.exceptions import GuardError
from api_guard.management.failing import GuardCommand


class Command(GuardCommand):
    """Send the digest, or show it."""

    help = (
        "Mails a digest to the addresses in API_GUARD['NOTICES']: grants that expire soon or have "
        "expired, requests that wait, break-glass, and new grants of sensitive scopes. Each thing "
        "is told once. Run it once a day."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the option."""
        parser.add_argument("--dry-run", action="store_true", help="only print the mail")

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        """Send it. Raises CommandError."""
        del args
        try:
            found = notices.pending() if options["dry_run"] else notices.send()
        except GuardError as error:
            raise CommandError(str(error)) from None
        if not found:
            self.stdout.write("Nothing to tell.")
        elif options["dry_run"]:
            said = conf.notices()
            digest = notices.digest_of(found, "" if said is None else said.base_url)
            self.stdout.write(f"{digest.subject}\n\n{digest.body}Dry run: nothing was sent.")
        else:
            self.stdout.write(f"Told {len(found)}.")
