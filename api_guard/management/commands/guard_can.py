"""`manage.py guard_can`: whether a caller may make a request, and why."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.management.base import CommandError, CommandParser, no_translations

from api_guard import conf
from api_guard.access.decisions import read_line
from api_guard.core.decision_records import DecisionRecord
from api_guard.explain import Explanation, Question, explain, question_of
from api_guard.explain.reasons import in_words
from api_guard.management.failing import GuardCommand
from api_guard.management.naming import client_named, user_named
from api_guard.management.reading import lines_of

# RFC 9110, section 9.1, and RFC 5789.
_METHODS = frozenset(
    {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"}
)


class Command(GuardCommand):
    """Print an explanation; exit with 1 if the request is refused."""

    unable = 2

    # It must also work while the checks report errors.
    requires_system_checks: list[str] = []
    help = (
        "Says whether a user or a client may make a request, and why: `guard_can --user alice GET "
        "/notes/1/`. Exits with 1 if api_guard refuses it, and "
        "with 2 if it cannot tell."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("method", nargs="?", help="GET, POST, ...")
        parser.add_argument("path", nargs="?", help="the path or the URL of the request: /notes/1/")
        parser.add_argument("--user", metavar="NAME", help="the user of this name")
        parser.add_argument("--client", metavar="CLIENT_ID", help="the client of this client_id")
        parser.add_argument(
            "--scopes",
            metavar="SCOPES",
            help="the scopes of the access token, separated by spaces; with --client, the default "
            "is every declared scope. Without both options, the user has a session",
        )
        parser.add_argument("--urlconf", help="another URLconf than ROOT_URLCONF")
        parser.add_argument("--format", choices=["text", "json"], default="text")
        parser.add_argument(
            "--decision",
            metavar="ID",
            help="explain the decision with this id, with the grants of now",
        )
        parser.add_argument(
            "--log", metavar="FILE", help="the log of decisions with its line; - for stdin"
        )

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        """Explain a request, or a decision. Raises CommandError."""
        del args
        if options["decision"] is not None:
            self._explain_decision(options)
            return
        if not options["method"] or not options["path"] or options["log"] is not None:
            raise CommandError("Name a request, as in: guard_can --user alice GET /notes/1/")
        self._print(explain(_question(options)), options["format"], {})

    def _explain_decision(self, options: dict[str, Any]) -> None:
        if options["log"] is None or options["method"] is not None:
            raise CommandError("Write: guard_can --decision ID --log FILE")
        record = _find(options["decision"], options["log"])
        try:
            found = explain(question_of(record, runs_functions=True))
        except LookupError as error:
            raise CommandError(str(error)) from None
        then = {"decision": record.as_dict(), "then": in_words(record)}
        self._print(found, options["format"], then)

    def _print(self, found: Explanation, form: str, then: dict[str, Any]) -> None:
        if form == "json":
            self.stdout.write(json.dumps({**then, "now": found.as_dict()}, indent=2))
        else:
            if then:
                self.stdout.write(f"Then: {then['then']}")
                self.stdout.write("Now: ", ending="")
            self.stdout.write(found.as_text(), ending="")
        if not found.is_allowed:
            sys.exit(1)


def _question(options: dict[str, Any]) -> Question:
    client = None if options["client"] is None else client_named(options["client"])
    scopes = options["scopes"]
    if scopes is None and client is not None:
        scopes = " ".join(conf.scopes())
    return Question(
        _method(options),
        _path(options["path"]),
        user=None if options["user"] is None else user_named(options["user"]),
        client=client,
        scopes=None if scopes is None else frozenset(scopes.split()),
        urlconf=options["urlconf"],
        runs_functions=True,
    )


def _method(options: dict[str, Any]) -> str:
    """Return the method; any other one has to be in capitals. Raises CommandError."""
    method: str = options["method"]
    if method.upper() in _METHODS or method.isupper():
        return method.upper()
    raise CommandError(
        f"{method!r} is not a method. A caller is named by --user or --client, as in: "
        f"guard_can --user {method} GET {options['path']}"
    )


def _path(named: str) -> str:
    """Return the path of a request that is named by a path or a URL. Raises CommandError."""
    if named.startswith(("http://", "https://")):
        try:
            return unquote(urlsplit(named).path) or "/"
        except ValueError as error:
            raise CommandError(f"{named!r} is not a URL: {error}.") from error
    path = named.partition("?")[0]
    return path if path.startswith("/") else f"/{path}"


def _find(decision: str, name: str) -> DecisionRecord:
    """Return the record of a decision. Raises CommandError."""
    with lines_of(name) as lines:
        found = _among(lines, decision)
    if found is None:
        raise CommandError(f"{name} has no line of the decision {decision} that this site signed.")
    return found


def _among(lines: Iterable[str], decision: str) -> DecisionRecord | None:
    # Only lines with the id are parsed, because a log may be long.
    records = (read_line(line) for line in lines if decision in line)
    return next((each for each in records if each is not None and each.id == decision), None)
