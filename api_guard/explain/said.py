"""A question about a request, and its explanation."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from django.db import models


class Answer(StrEnum):
    """How a step, or the whole request, was decided."""

    ALLOWED = "allowed"
    REFUSED = "refused"
    NOT_EVALUATED = "not evaluated"


@dataclass(frozen=True)
class Question:
    """A possible request. `scopes` are the scopes of its access token; None means a session.

    With `runs_functions`, functions of object rules run too: never do that in a serving process.
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
    """One step of the decision about a request, in words."""

    name: str
    answer: str
    text: str


@dataclass(frozen=True)
class Need:
    """A grant that the caller lacks: of `scope`, to a user or a client with this name and key."""

    scope: str
    kind: str
    name: str
    key: str


@dataclass(frozen=True)
class Explanation:
    """The answer. A refusal also has the code that a client sees, and what would allow the request.

    `needs` are the grants among the remedies; of alternatives, all are named.

    `reason` is "no_route" if no URL matches, "method_not_allowed" if the view has no handler,
    "not_found" if the object does not exist, and "not_guarded" if api_guard does not decide.
    """

    answer: str
    reason: str
    steps: tuple[Step, ...]
    remedies: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()

    @property
    def is_allowed(self) -> bool:
        """Whether api_guard allows the request."""
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
