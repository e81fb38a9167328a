"""The reason why an input is refused."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Flaw:
    """Why an input is refused. `code` is stable, `message` is for the client.

    `position` counts characters from 0. It is None if the problem is not a single character.
    """

    code: str
    message: str
    position: int | None = None


class FlawError(ValueError):
    """The input is refused because of this flaw."""

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(flaw.message)
        self.flaw = flaw
