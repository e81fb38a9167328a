"""The story of the demo: command lines to paste, and their answers."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlencode

from example_project.notes.command_lines import CommandLines
from example_project.notes.seed import Seeded


@dataclass(frozen=True)
class Line:
    """A command line. Its output contains `answer`; `meaning` explains it."""

    command: str
    answer: str
    meaning: str = ""


@dataclass(frozen=True)
class Step:
    """One step of the story: what it shows, and why."""

    title: str
    why: str
    lines: list[Line] = field(default_factory=list)


@dataclass(frozen=True)
class Story:
    """The demo's story, with the command lines of this start."""

    lines: CommandLines

    @property
    def site(self) -> str:
        return self.lines.site

    @property
    def seeded(self) -> Seeded:
        return self.lines.seeded

    def __str__(self) -> str:
        return "\n".join([self._opening(), *self._told(), self._closing()])

    def _opening(self) -> str:
        passwords = self.seeded.passwords
        return f"""
api_guard demo: a notes API that is closed by default
=====================================================
Everything that a view does not allow explicitly is refused. A request needs a scope that is on its
token AND was granted, in the admin, to its user AND to its client. Grants are looked up at every
request: after you revoke one, even a valid token is refused immediately.

  Admin     {self.site}/admin/     user: admin   password: {passwords["admin"]}
  Users     alice, password {passwords["alice"]}      bob, password {passwords["bob"]}
  Clients   demo       an app in which alice has signed in; it has a token of hers
            reporter   a program without a user, secret {self.seeded.reporter_secret}
  Granted   read and write notes: to the group writers (alice is in it), to bob, and to demo
            publish notes: to alice, and to demo
            to reporter: nothing yet

Open a second terminal in this directory and paste the lines below. "->" shows the answer.
"""

    def _told(self) -> Iterator[str]:
        for number, step in enumerate(self.steps(), start=1):
            yield f"{number}. {step.title}\n   {step.why}\n"
            for line in step.lines:
                yield f"   {line.command}\n     -> {line.answer}{line.meaning}\n"

    def _closing(self) -> str:
        query = urlencode(
            {
                "response_type": "code",
                "client_id": self.seeded.demo_client,
                "redirect_uri": self.seeded.redirect_uri,
                "scope": "notes:read notes:write",
                "code_challenge": self.seeded.challenge,
                "code_challenge_method": "S256",
            }
        )
        return f"""In a browser: sign in as alice or bob, and consent to what demo requests:

   {self.site}/o/authorize/?{query}

   The next page shows a code. Within a minute, exchange it for a token:

   {self.lines.exchange()}

For more to try, see example_project/README.md. Ctrl-C stops the server.
"""

    def steps(self) -> list[Step]:
        """The six steps, in order; each needs the ones before it."""
        return [
            self._no_token(),
            self._without_a_grant(),
            self._granted(),
            self._foreign_note(),
            self._too_many(),
            self._revoked(),
        ]

    def _no_token(self) -> Step:
        return Step(
            "Refused: the request has no credential.",
            "Everybody may read published notes, because the view says PUBLIC. Notes need a scope.",
            [
                Line(self.lines.curl("/published/"), "200"),
                Line(self.lines.curl("/notes/"), "401", " not_authenticated"),
            ],
        )

    def _without_a_grant(self) -> Step:
        return Step(
            "Refused: a client without any grant.",
            "reporter has a valid id and secret, but gets no token.",
            [Line(self.lines.ask_for_token(), "invalid_scope")],
        )

    def _granted(self) -> Step:
        return Step(
            "Allowed: the scope is granted.",
            "Grant notes:read to the client reporter, in the admin:\n"
            f"   {self.site}/admin/api_guard/scopegrant/add/\n"
            "   or by this line:",
            [
                Line(self.lines.grant("reporter"), "Granted: notes:read", " for client Reporter."),
                Line(
                    f"{self.lines.reporter_token()}; {self.lines.curl('/notes/', '$TOKEN')}",
                    "200",
                    " with a new token, and an empty list: a program has no notes of its own",
                ),
                Line(
                    self.lines.curl("/notes/", self.seeded.alice_token),
                    "200",
                    " alice's notes, by her token for demo",
                ),
            ],
        )

    def _foreign_note(self) -> Step:
        alice = self.seeded.alice_token
        return Step(
            "Not found: another user's note.",
            'The view says owner="author". Alice cannot even see that bob has such a note.',
            [
                Line(self.lines.curl(f"/notes/{self.seeded.alice_note}/", alice), "200"),
                Line(self.lines.curl(f"/notes/{self.seeded.bob_note}/", alice), "404"),
            ],
        )

    def _too_many(self) -> Step:
        return Step(
            "Refused: too many requests.",
            "The view allows 5/s for each caller. Twelve quick calls:",
            [
                Line(
                    self.lines.many_curls("/notes/", self.seeded.alice_token),
                    "429",
                    " from the sixth call in a second until the next second begins",
                )
            ],
        )

    def _revoked(self) -> Step:
        call = self.lines.curl("/notes/", self.seeded.alice_token)
        return Step(
            "Revoked: the same token is refused on the next request.",
            "In the admin, select notes:read of the client Demo and choose Revoke:\n"
            f"   {self.site}/admin/api_guard/scopegrant/?q=demo&state=live\n"
            "   or use this line; then grant it again, as in step 3.",
            [
                Line(self.lines.revoke("demo"), "Revoked 1 grant", " of Demo."),
                Line(call, "403", " insufficient_scope"),
                Line(self.lines.grant("demo"), "Granted: notes:read", " for client Demo."),
                Line(call, "200"),
            ],
        )
