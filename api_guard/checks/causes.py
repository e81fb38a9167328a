"""Runs the registered checks of api_guard, and groups their messages by cause."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.core.checks import ERROR, CheckMessage
from django.core.checks.registry import registry

from api_guard.checks.steps import Step, step_of


@dataclass(frozen=True)
class Cause:
    """All messages of one check that one change solves."""

    id: str
    is_error: bool
    step: Step
    messages: tuple[str, ...]
    fix: str


@dataclass(frozen=True)
class Report:
    """What the checks found, in the order in which to solve it, and how much is silenced."""

    causes: tuple[Cause, ...]
    silenced: int = 0

    @property
    def errors(self) -> int:
        """How many messages are errors."""
        return sum(len(cause.messages) for cause in self.causes if cause.is_error)

    @property
    def warnings(self) -> int:
        """How many messages are warnings."""
        return sum(len(cause.messages) for cause in self.causes if not cause.is_error)


def report(*, deploy: bool = False, databases: Sequence[str] | None = None) -> Report:
    """Run the checks of api_guard that Django has registered, and no others."""
    found: list[CheckMessage] = []
    for check in registry.get_checks(deploy):
        if check.__module__.startswith("api_guard."):
            found += check(app_configs=None, databases=databases)
    told = [message for message in found if not message.is_silenced()]
    return Report(tuple(causes_of(told)), len(found) - len(told))


def causes_of(messages: Iterable[CheckMessage]) -> list[Cause]:
    """Group messages with the same id and the same hint: errors first, then by step."""
    grouped: dict[tuple[str, bool, str], list[str]] = {}
    for message in messages:
        key = (message.id or "", message.level >= ERROR, message.hint or "")
        grouped.setdefault(key, []).append(str(message.msg))
    found = [
        Cause(name, is_error, step_of(name), tuple(dict.fromkeys(texts)), fix)
        for (name, is_error, fix), texts in grouped.items()
    ]
    # Django keeps the checks in a set, so their order differs from run to run.
    return sorted(found, key=lambda cause: (not cause.is_error, cause.step.place, cause.id[-3:]))
