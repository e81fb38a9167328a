"""A question about a request, and its explanation."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from django.db import models


class Answer(StrEnum):
    """How one step, or all of it, was decided."""

    ALLOWED = "allowed"
    REFUSED = "refused"
    NOT_EVALUATED = "not evaluated"


@dataclass(frozen=True)
class Question:
    """A request that may be made. `scopes` are those of its access token; None means a session.

    With `runs_functions`, functions of object rules are asked too: never in a process that serves.
    """

    method: str
    path: str
    user: models.Model | None = None
    client: models.Model | None = None
    scopes: frozenset[str] | None = None
    urlconf: str | None = None
    runs_functions: bool = False

    @property
    def client_id(self) -> object:
        """The primary key of the client, None without one."""
        return None if self.client is None else self.client.pk


@dataclass(frozen=True)
class Step:
    """One step of the way of a request, and what it decided, in words."""

    name: str
    answer: str
    text: str


@dataclass(frozen=True)
class Explanation:
    """The answer. For a refusal also the code that a client sees, and what would allow it.

    `reason` is "no_route" where no URL matches, "method_not_allowed" where the view has no handler,
    `not_found` where there is no such object, and `not_guarded` where api_guard does not decide.
    """

    answer: str
    reason: str
    steps: tuple[Step, ...]
    remedies: tuple[str, ...] = ()

    @property
    def is_allowed(self) -> bool:
        """Whether api_guard lets the request in."""
        return self.answer == Answer.ALLOWED

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        return asdict(self)

    def as_text(self) -> str:
        """Return it as lines for a terminal."""
        lines = [f"{self.answer}{f': {self.reason}' if self.reason else ''}"]
        lines += [f"  {step.name}: {step.answer}. {step.text}" for step in self.steps]
        lines += [f"  To allow it: {remedy}" for remedy in self.remedies]
        return "\n".join(lines) + "\n"
