"""What the demo tells: command lines to paste, and what each of them answers."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlencode

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
    """The demo's story, for a site that is served at `site` and run by `python`."""

    site: str
    python: str
    seeded: Seeded

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
        return f"""In a browser: sign in as alice or bob and consent to what demo asks for (OAuth, with PKCE)

   {self.site}/o/authorize/?{query}

   The page that follows shows a code; within a minute, this makes a token of it:

   curl -s -d grant_type=authorization_code -d client_id={self.seeded.demo_client} \
-d redirect_uri={self.seeded.redirect_uri} -d code_verifier={self.seeded.verifier} \
-d code=THE_CODE {self.site}/o/token/

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
                Line(self._curl("/published/"), "200"),
                Line(self._curl("/notes/"), "401", " not_authenticated"),
            ],
        )

    def _without_a_grant(self) -> Step:
        return Step(
            "Refused: a client to which nothing was granted.",
            "reporter gets a token with its id and its secret. The token is good, and worth nothing.",
            [
                Line(f"{self._reporter_token()}; echo $TOKEN", "", "its token"),
                Line(self._curl("/notes/", "$TOKEN"), "403", " insufficient_scope"),
            ],
        )

    def _granted(self) -> Step:
        return Step(
            "Allowed: what was granted.",
            "Grant notes:read to the client reporter, in the admin:\n"
            f"   {self.site}/admin/api_guard/scopegrant/add/\n"
            "   or by this line:",
            [
                Line(self._grant("reporter"), "notes:read for client", " Reporter"),
                Line(
                    f"{self._reporter_token()}; {self._curl('/notes/', '$TOKEN')}",
                    "200",
                    " with a new token, and no notes: a program is the author of none",
                ),
                Line(
                    self._curl("/notes/", self.seeded.alice_token),
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
                Line(self._curl(f"/notes/{self.seeded.alice_note}/", alice), "200"),
                Line(self._curl(f"/notes/{self.seeded.bob_note}/", alice), "404"),
            ],
        )

    def _too_many(self) -> Step:
        url = f'-H "Authorization: Bearer {self.seeded.alice_token}" {self.site}/notes/'
        return Step(
            "Refused: too many requests.",
            "The view says 5/s, for each caller. Twelve quick calls:",
            [
                Line(
                    "for i in $(seq 12); do "
                    f"curl -s -o /dev/null -w '%{{http_code}} ' {url}; done; echo",
                    "429",
                    " after five times 200; 200 again as the next second begins",
                )
            ],
        )

    def _revoked(self) -> Step:
        call = self._curl("/notes/", self.seeded.alice_token)
        return Step(
            "Revoked: refused on the next request, by the same token.",
            'Choose "notes:read" of the client Demo and "Revoke the selected grants", in the admin:\n'
            f"   {self.site}/admin/api_guard/scopegrant/?q=demo&state=live\n"
            "   or by the line; then grant it anew, as in step 3.",
            [
                Line(self._revoke("demo"), "notes:read for client", " Demo"),
                Line(call, "403", " insufficient_scope"),
                Line(self._grant("demo"), "notes:read for client", " Demo"),
                Line(call, "200"),
            ],
        )

    def _curl(self, path: str, token: str = "") -> str:
        header = f'-H "Authorization: Bearer {token}" ' if token else ""
        return f"curl -s -w ' %{{http_code}}\\n' {header}{self.site}{path}"

    def _reporter_token(self) -> str:
        login = f"{self.seeded.reporter_client}:{self.seeded.reporter_secret}"
        return (
            f"TOKEN=$(curl -s -u {login} -d grant_type=client_credentials {self.site}/o/token/ "
            """| sed 's/.*"access_token": *"\\([^"]*\\)".*/\\1/')"""
        )

    def _grant(self, client_id: str) -> str:
        return self._shell(
            "from oauth2_provider.models import Application as A",
            f"print(grants.grant('notes:read', A.objects.get(client_id='{client_id}')))",
        )

    def _revoke(self, client_id: str) -> str:
        return self._shell(
            f"row = grants.live().get(scope='notes:read', client__client_id='{client_id}')",
            "print(grants.revoke(row))",
        )

    def _shell(self, *statements: str) -> str:
        code = "; ".join(["from api_guard import grants", *statements])
        return f'{shlex.quote(self.python)} example_project/manage.py shell -v 0 -c "{code}"'
