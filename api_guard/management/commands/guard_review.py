"""`manage.py guard_review`: opens, lists and closes access reviews, and writes the evidence."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser, no_translations

from api_guard import grants, reviews
from api_guard.management.failing import GuardCommand
from api_guard.management.naming import by_of, moment_of, user_named
from api_guard.models import GRANTEES, AccessReview


class Command(GuardCommand):
    """Open, list, write the evidence, close. The reviewer decides in the admin."""

    help = (
        "Opens a review of live grants, whose reviewer decides about each; lists the reviews; "
        "writes the evidence as JSON or CSV; closes a review."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the commands, each with its options."""
        commands = parser.add_subparsers(dest="command", required=True)
        opening = commands.add_parser("open", help="open a review; its grants are fixed now")
        opening.add_argument("title", metavar="TITLE")
        opening.add_argument("--reviewer", required=True, metavar="NAME", help="who decides")
        opening.add_argument("--due", required=True, metavar="DATE", help="2027-01-31")
        covers = opening.add_mutually_exclusive_group()
        covers.add_argument("--scope", default="", help="only the grants of this scope")
        covers.add_argument("--scope-group", default="", help="only those of this group of scopes")
        opening.add_argument("--kind", choices=GRANTEES, default="", help="only those of these")
        listing = commands.add_parser("list", help="list the open reviews")
        listing.add_argument("--all", action="store_true", help="closed ones too")
        listing.add_argument("--format", choices=["text", "json"], default="text")
        evidence = commands.add_parser("evidence", help="write each grant with its decision")
        evidence.add_argument("--format", choices=["json", "csv"], default="json")
        closing = commands.add_parser("close", help="close a review")
        for each in (evidence, closing):
            each.add_argument("review", type=int, metavar="REVIEW", help="a number of the list")
        for each in (opening, closing):
            each.add_argument("--by", metavar="NAME", help="the user responsible for it")

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        """Do what was asked. Raises CommandError."""
        del args
        try:
            getattr(self, f"_{options['command']}")(options)
        except grants.GrantError as error:
            raise CommandError(f"{error} Nothing was changed.") from None

    def _open(self, options: dict[str, Any]) -> None:
        row = reviews.open_review(
            options["title"],
            reviewer=user_named(options["reviewer"]),
            due_at=moment_of(options["due"]),
            by=by_of(options, "guard_review"),
            scope=options["scope"],
            scope_group=options["scope_group"],
            grantee_kind=options["kind"],
        )
        self.stdout.write(f"Opened review {row.pk} of {row.grants} grants: {row}.")

    def _list(self, options: dict[str, Any]) -> None:
        rows = AccessReview.objects.using(grants.database()).select_related("reviewer")
        if not options["all"]:
            rows = rows.filter(closed_at__isnull=True)
        found = [_told(row) for row in rows]
        if options["format"] == "json":
            self.stdout.write(json.dumps(found, indent=2))
            return
        for each in found:
            state = "closed" if each["closed_at"] else f"due {str(each['due_at'])[:10]}"
            self.stdout.write(
                f"review {each['review']}: {each['title']}, {each['covers']}, by "
                f"{each['reviewer']}, {state}, {each['left']} of {each['total']} left"
            )
        if not found:
            self.stdout.write("No review." if options["all"] else "No open review.")

    def _evidence(self, options: dict[str, Any]) -> None:
        write = reviews.as_csv if options["format"] == "csv" else reviews.as_json
        for piece in write(_review(options["review"])):
            self.stdout.write(piece, ending="")

    def _close(self, options: dict[str, Any]) -> None:
        row = reviews.close_review(_review(options["review"]), by=by_of(options, "guard_review"))
        left = reviews.progress(row).left
        self.stdout.write(f"Closed review {row.pk}: {left} of {row.grants} were not decided.")


def _review(number: int) -> AccessReview:
    rows = AccessReview.objects.using(grants.database())
    row: AccessReview | None = rows.filter(pk=number).first()
    if row is None:
        raise CommandError(f"There is no review {number}.")
    return row


def _told(row: AccessReview) -> dict[str, object]:
    done = reviews.progress(row)
    return {
        "review": row.pk,
        "title": row.title,
        "covers": row.covers,
        "reviewer": None if row.reviewer is None else str(row.reviewer),
        "due_at": row.due_at.isoformat(),
        "closed_at": None if row.closed_at is None else row.closed_at.isoformat(),
        "total": done.total,
        "kept": done.kept,
        "revoked": done.revoked,
        "ended": done.ended,
        "left": done.left,
    }
