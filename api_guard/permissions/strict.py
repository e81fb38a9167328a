"""Holds a DRF permission to its word: it admits by returning exactly True."""

from __future__ import annotations

import logging
from asyncio import CancelledError
from collections.abc import Callable, Coroutine
from inspect import iscoroutinefunction
from typing import Any

from rest_framework.permissions import AND, NOT, OR

from api_guard.access.endpoints import dotted_path

logger = logging.getLogger("api_guard")


class _Strict:
    """A DRF permission that admits only by returning exactly True.

    `unsure` is what an answer counts for that is no bool: below a NOT, True is what refuses. With
    `is_awaited`, a method that is a coroutine function stays one: adrf tells by that what to await.
    """

    def __init__(self, permission: Any, unsure: bool, is_awaited: bool) -> None:
        self._permission = permission
        self._unsure = unsure
        self._is_awaited = is_awaited

    @property  # type: ignore[misc]  # as unittest.mock does
    def __class__(self) -> Any:
        # What looks at a view's permissions, such as a schema generator, looks for classes.
        return type(self._permission)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._permission, name)

    @property
    def has_permission(self) -> Callable[..., Any]:
        return self._judged(self._permission.has_permission)

    @property
    def has_object_permission(self) -> Callable[..., Any]:
        return self._judged(self._permission.has_object_permission)

    def _judged(self, asks: Callable[..., Any]) -> Callable[..., Any]:
        async def answer_later(*args: Any, **kwargs: Any) -> bool:
            try:
                return self._judge(await asks(*args, **kwargs))
            except CancelledError:
                # adrf would take what was cancelled for a yes.
                return self._judge(None)

        def answer(*args: Any, **kwargs: Any) -> bool:
            return self._judge(asks(*args, **kwargs))

        return answer_later if self._is_awaited and iscoroutinefunction(asks) else answer

    def _judge(self, answer: object) -> bool:
        if isinstance(answer, bool):
            return answer
        if answer or self._unsure:
            logger.error(
                "%s answered %s, which is neither True nor False: refused. A permission returns "
                "bool, and is no coroutine where the view awaits none.",
                dotted_path(type(self._permission)),
                type(answer).__name__,
            )
        if isinstance(answer, Coroutine):
            answer.close()
        return self._unsure


def strict(permission: Any, *, unsure: bool = False, is_awaited: bool = False) -> Any:
    """Return a permission that admits where `permission` returns exactly True, and only there.

    `is_awaited` says that the view awaits a permission that is a coroutine, as those of adrf do.
    """
    if type(permission) is _Strict:
        return permission  # from a get_permissions() that asked another one

    def side(each: Any, *, unsure: bool = unsure) -> Any:
        return strict(each, unsure=unsure, is_awaited=is_awaited)

    # Each side for itself: the log names the class, and a NOT makes no admission of a non-answer.
    # New ones, because a view may share what it returns.
    sides: Any = permission
    if isinstance(permission, (AND, OR)):
        permission = type(permission)(side(sides.op1), side(sides.op2))
    elif isinstance(permission, NOT):
        permission = type(sides)(side(sides.op1, unsure=not unsure))
    return _Strict(permission, unsure, is_awaited)
