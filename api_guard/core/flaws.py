"""Says why an input is refused."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Flaw:
    """Why an input is refused: `code` is stable, `message` is for whoever sent it.

    `position` counts characters from 0, and is None where no single character is at fault.
    """

    code: str
    message: str
    position: int | None = None


class FlawError(ValueError):
    """The input is refused, for this flaw."""

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(flaw.message)
        self.flaw = flaw
