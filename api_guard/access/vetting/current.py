"""Knows the handler that runs now, so that saves, deletes and statements find its object rules."""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import TYPE_CHECKING

from django.db.models import Model

from api_guard.exceptions import GuardError

if TYPE_CHECKING:
    from api_guard.access.vetting.record import Vetting

logger = logging.getLogger("api_guard")

# Context variables follow a request into coroutines and sync_to_async(), but not into other
# threads.
_current: ContextVar[Vetting | None] = ContextVar("api_guard_vetting", default=None)
_is_dispatching: ContextVar[bool] = ContextVar("api_guard_dispatching", default=False)
_unheld: ContextVar[tuple[frozenset[type[Model]], ...]] = ContextVar("api_guard_unheld", default=())


def current() -> Vetting | None:
    """Return the record of the guarded handler that runs now, or None.

    None also if the refusals of the guard are only reported.
    """
    found = _current.get()
    return None if found is None or found.is_suspended else found


class within:  # noqa: N801  # a context manager, which reads as a function
    """Check the saves and deletes in this block against the object rules of `vetting`."""

    # A class, because every request enters it, and a generator would take three times as long.
    __slots__ = ("_token", "_vetting")

    def __init__(self, vetting: Vetting) -> None:
        self._vetting = vetting

    def __enter__(self) -> None:
        self._token = _current.set(self._vetting)

    def __exit__(self, *_: object) -> None:
        _current.reset(self._token)


def enter(vetting: Vetting) -> None:
    """Apply the rules after the decision, until `left_as_it_was` ends.

    If a test calls `initial()` itself, nothing would end it, so nothing starts.
    """
    if _is_dispatching.get():
        _current.set(vetting)


class left_as_it_was:  # noqa: N801
    """Undo the `enter` of a view in this block."""

    __slots__ = ("_before", "_token")

    def __enter__(self) -> None:
        self._before, self._token = _current.get(), _is_dispatching.set(True)

    def __exit__(self, *_: object) -> None:
        _current.set(self._before)
        _is_dispatching.reset(self._token)


class unheld:  # noqa: N801  # a context manager, which reads as a function
    """Save and delete objects of `models` without object rules.

        with api_guard.unheld(Comment, why="reply counter"):
            Comment.objects.filter(pk=parent.pk).update(replies=F("replies") + 1)

    Use it for changes that the application itself makes for a caller. Works with `async with` too.
    `manage.py guard_endpoints --unheld` lists every use. Raises GuardError without a model or a
    reason.
    """

    def __init__(self, *models: type[Model], why: str) -> None:
        given: tuple[object, ...] = models
        if not models or not all(isinstance(m, type) and issubclass(m, Model) for m in given):
            raise GuardError(
                'unheld: write the models, as in unheld(Comment, why="reply counter").'
            )
        if not str(why or "").strip():
            raise GuardError(
                'unheld: write the reason, as in unheld(Comment, why="reply counter").'
            )
        self._models = frozenset(_concrete(model) for model in models)
        self.why = why

    def __enter__(self) -> unheld:
        # No token is stored: one object may be used by many threads.
        _unheld.set((*_unheld.get(), self._models))
        logger.debug("Not held to an object rule: %s", self.why)
        return self

    def __exit__(self, *_: object) -> None:
        _unheld.set(_unheld.get()[:-1])

    async def __aenter__(self) -> unheld:
        return self.__enter__()

    async def __aexit__(self, *_: object) -> None:
        self.__exit__()


def is_unheld(model: type[Model]) -> bool:
    """Whether `unheld` names this model, a proxy of it, or one of its parents."""
    lifted = _unheld.get()
    if not lifted:
        return False
    concrete = _concrete(model)
    return any(issubclass(concrete, each) for models in lifted for each in models)


def _concrete(model: type[Model]) -> type[Model]:
    concrete: type[Model] = model._meta.concrete_model or model
    return concrete
