"""What the demo tells: command lines to paste, and what each of them answers."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlencode

from example_project.notes.command_lines import CommandLines
from example_project.notes.seed import Seeded


@dataclass(frozen=True)
class Line:
    """A command line; `answer` is found in what it prints, `meaning` says what that is."""

    command: str
    answer: str
    meaning: str = ""


@dataclass(frozen=True)
class Step:
    """What is shown and why."""

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
Whatever a view does not offer aloud is refused. A request passes with the scopes that its token
carries AND that were granted, in the admin, to its user AND to its client. Grants are looked up
at every request: revoke one, and a token that is still good is refused at once.

  Admin     {self.site}/admin/     user: admin   password: {passwords["admin"]}
  Users     alice, password {passwords["alice"]}      bob, password {passwords["bob"]}
  Clients   demo       an app in which alice has signed in; it holds a token of hers
            reporter   a program that comes on its own behalf, secret {self.seeded.reporter_secret}
  Granted   read and write notes: to the group writers (alice is in it), to bob, and to demo
            publish them: to alice, and to demo
            to reporter: nothing yet

Open a second terminal in this directory and paste the lines below. "->" is what they answer.
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
        return f"""In a browser: sign in as alice or bob, and consent to what demo asks for:

   {self.site}/o/authorize/?{query}

   The page that follows shows a code; within a minute, this makes a token of it:

   {self.lines.exchange()}

What else there is to see: example_project/README.md. Ctrl-C stops the server.
"""

    def steps(self) -> list[Step]:
        """The six steps, in order; each relies on those before it."""
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
            "Refused: nobody says who is asking.",
            "Published notes are for everybody, because their view says PUBLIC; notes are not.",
            [
                Line(self.lines.curl("/published/"), "200"),
                Line(self.lines.curl("/notes/"), "401", " not_authenticated"),
            ],
        )

    def _without_a_grant(self) -> Step:
        return Step(
            "Refused: a client to which nothing was granted.",
            "reporter has an id and a secret. They are good, and get no token.",
            [Line(self.lines.ask_for_token(), "invalid_scope")],
        )

    def _granted(self) -> Step:
        return Step(
            "Allowed: what was granted.",
            "Grant notes:read to the client reporter, in the admin:\n"
            f"   {self.site}/admin/api_guard/scopegrant/add/\n"
            "   or by this line:",
            [
                Line(self.lines.grant("reporter"), "Granted: notes:read", " for client Reporter."),
                Line(
                    f"{self.lines.reporter_token()}; {self.lines.curl('/notes/', '$TOKEN')}",
                    "200",
                    " with a new token, and no notes: a program is the author of none",
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
            "Not found: somebody else's note.",
            'The view says owner="author". That bob has such a note, alice does not even learn.',
            [
                Line(self.lines.curl(f"/notes/{self.seeded.alice_note}/", alice), "200"),
                Line(self.lines.curl(f"/notes/{self.seeded.bob_note}/", alice), "404"),
            ],
        )

    def _too_many(self) -> Step:
        return Step(
            "Refused: too many requests.",
            "The view says 5/s, for each caller. Twelve quick calls:",
            [
                Line(
                    self.lines.many_curls("/notes/", self.seeded.alice_token),
                    "429",
                    " from the sixth call within a second on, until the next begins",
                )
            ],
        )

    def _revoked(self) -> Step:
        call = self.lines.curl("/notes/", self.seeded.alice_token)
        return Step(
            "Revoked: refused on the next request, by the same token.",
            "Tick notes:read of the client Demo and choose Revoke, in the admin:\n"
            f"   {self.site}/admin/api_guard/scopegrant/?q=demo&state=live\n"
            "   or by the line; then grant it anew, as in step 3.",
            [
                Line(self.lines.revoke("demo"), "Revoked 1 grant", " of Demo."),
                Line(call, "403", " insufficient_scope"),
                Line(self.lines.grant("demo"), "Granted: notes:read", " for client Demo."),
                Line(call, "200"),
            ],
        )
