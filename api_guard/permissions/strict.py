"""Makes a DRF permission strict: it allows only by returning exactly True."""

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
    """A DRF permission that allows only by returning exactly True.

    `unsure` replaces an answer that is not a bool: below a NOT it is True, because True refuses
    there. With `is_awaited`, a coroutine function stays a coroutine function, so that adrf awaits
    it.
    """

    def __init__(self, permission: Any, unsure: bool, is_awaited: bool) -> None:
        self._permission = permission
        self._unsure = unsure
        self._is_awaited = is_awaited

    @property  # type: ignore[misc]  # as unittest.mock does
    def __class__(self) -> Any:
        # A schema generator, for example, looks for the classes of a view's permissions.
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
                # adrf would treat a cancelled permission as a yes.
                return self._judge(None)

        def answer(*args: Any, **kwargs: Any) -> bool:
            return self._judge(asks(*args, **kwargs))

        return answer_later if self._is_awaited and iscoroutinefunction(asks) else answer

    def _judge(self, answer: object) -> bool:
        if isinstance(answer, bool):
            return answer
        if answer or self._unsure:
            logger.error(
                "%s answered %s, which is neither True nor False: refused. A permission must "
                "return a bool. It may be a coroutine only if the view awaits it.",
                dotted_path(type(self._permission)),
                type(answer).__name__,
            )
        if isinstance(answer, Coroutine):
            answer.close()
        return self._unsure


def strict(permission: Any, *, unsure: bool = False, is_awaited: bool = False) -> Any:
    """Return a permission that allows only if `permission` returns exactly True.

    `is_awaited` says that the view awaits permissions that are coroutines, as adrf's views do.
    """
    if type(permission) is _Strict:
        return permission  # it comes from a get_permissions() that called another one

    def side(each: Any, *, unsure: bool = unsure) -> Any:
        return strict(each, unsure=unsure, is_awaited=is_awaited)

    # Make each side strict, so that the log names its class and a NOT does not turn an invalid
    # answer into a yes. Make new objects, because a view may share its own.
    sides: Any = permission
    if isinstance(permission, (AND, OR)):
        permission = type(permission)(side(sides.op1), side(sides.op2))
    elif isinstance(permission, NOT):
        permission = type(sides)(side(sides.op1, unsure=not unsure))
    return _Strict(permission, unsure, is_awaited)
