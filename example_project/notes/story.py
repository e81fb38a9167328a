"""The story of the demo: command lines to paste, their answers, and what to notice."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from example_project.notes.seed import Seeded

# A command that is longer has its answer on the next line.
_COLUMN = 26


@dataclass(frozen=True)
class Line:
    """A command line. Its output contains `answer`; `notice` says what to look at."""

    command: str
    answer: str
    notice: str

    def __str__(self) -> str:
        said = f"-> {self.answer}  {self.notice}"
        if len(self.command) <= _COLUMN:
            return f"   {self.command:{_COLUMN}} {said}"
        return f"   {self.command}\n   {'':{_COLUMN}} {said}"


@dataclass(frozen=True)
class Step:
    """One step of the story: what it shows."""

    title: str
    lines: list[Line] = field(default_factory=list)

    def __str__(self) -> str:
        return "\n".join([self.title, *map(str, self.lines)])


@dataclass(frozen=True)
class Story:
    """The demo's story, of one start. `shell` and `log` are the paths of files to name."""

    site: str
    seeded: Seeded
    shell: str
    log: str

    def __str__(self) -> str:
        told = [f"{number}. {step}" for number, step in enumerate(self.steps(), start=1)]
        return "\n".join([*self._opening(), "", *told, *self._closing()])

    def _opening(self) -> Iterator[str]:
        passwords = self.seeded.passwords
        yield "A notes API that refuses what is not declared in code and granted to the caller."
        yield f"   Admin  {self.site}/admin/  as admin, password {passwords['admin']}"
        yield f"   Users  alice, password {passwords['alice']}; bob, password {passwords['bob']}"
        yield f"   API    {self.site}/docs/  in Swagger: press Authorize, and sign in as alice"
        yield f"   Log    {self.log}; Ctrl-C here stops the server"
        yield "Open a second terminal here, paste line by line, and look for what follows ->."
        yield f"   . {self.shell}"

    def _closing(self) -> Iterator[str]:
        yield f"7. In a browser, as bob: {self.site}/client/"
        yield "   He consents to two scopes, granted to him and to the client. The page after that"
        yield "   has the line that exchanges his code for a token. More: example_project/README.md"

    def steps(self) -> list[Step]:
        """The steps, in order; each needs the ones before it."""
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
            "Nobody in particular: only a view that says PUBLIC answers.",
            [
                Line(
                    "get /published/",
                    "200",
                    "the one note that bob published: its view says read=PUBLIC",
                ),
                Line("get /notes/", "401", "not_authenticated: this view requires notes:read"),
            ],
        )

    def _without_a_grant(self) -> Step:
        return Step(
            "A program without a grant gets no token.",
            [
                Line(
                    "login",
                    "invalid_scope",
                    "its secret is right, but nothing was granted to it",
                )
            ],
        )

    def _granted(self) -> Step:
        return Step(
            f"Grant notes:read to it: {self.site}/admin/api_guard/scopegrant/add/ or",
            [
                Line(
                    "manage guard_grant --client reporter notes:read",
                    "Granted: notes:read",
                    "to the program; nothing else changed",
                ),
                Line(
                    'get /notes/ "$(token)"',
                    "200",
                    'and no notes: owner="author", and a program wrote none',
                ),
                Line(
                    "get /notes/ $ALICE",
                    "200",
                    "her own notes: token, user and client have the scope",
                ),
            ],
        )

    def _foreign_note(self) -> Step:
        return Step(
            'Another user\'s note does not exist: the view says owner="author".',
            [
                Line(f"get /notes/{self.seeded.alice_note}/ $ALICE", "200", "her own"),
                Line(
                    f"get /notes/{self.seeded.bob_note}/ $ALICE",
                    "404",
                    "bob's: not even that it exists",
                ),
            ],
        )

    def _too_many(self) -> Step:
        return Step(
            "Too many requests are refused: the view says 5/s.",
            [Line("many /notes/ $ALICE", "429", "from the sixth call of a second on")],
        )

    def _revoked(self) -> Step:
        return Step(
            f"Revoke a grant of demo: {self.site}/admin/api_guard/scopegrant/?q=demo&state=live or",
            [
                Line(
                    "manage guard_revoke --client demo --scope notes:read",
                    "Revoked 1 grant",
                    "of the client; no token was touched",
                ),
                Line(
                    "get /notes/ $ALICE",
                    "403",
                    "at once, with the same token, which is valid for hours",
                ),
                Line(
                    "manage guard_can --user alice --client demo GET /notes/",
                    "notes:read",
                    "is what the client lacks: each refusal can be explained",
                ),
                Line(
                    "manage guard_grant --client demo notes:read",
                    "Granted: notes:read",
                    "to demo again",
                ),
                Line("get /notes/ $ALICE", "200", "with the same token"),
            ],
        )
