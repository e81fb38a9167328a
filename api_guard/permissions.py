"""The default that refuses what is undeclared, and scopes for `permission_classes`."""

from __future__ import annotations

import logging
from asyncio import CancelledError
from collections.abc import Callable, Coroutine, Sequence
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, NoReturn

from rest_framework.permissions import (
    AND,
    NOT,
    OR,
    BasePermission,
    OperationHolderMixin,
)
from rest_framework.request import Request

from api_guard.access.callers import caller_of
from api_guard.access.endpoints import (
    declares_scopes,
    dotted_path,
    is_and,
    is_exempt,
    policy_of,
    sides_of,
)
from api_guard.access.record import is_covered
from api_guard.access.record import record_decision as record_decision
from api_guard.access.record import was_decided as was_decided
from api_guard.authentication import resource_metadata
from api_guard.core.caller import Caller
from api_guard.core.decision import Decision, Denial, decide
from api_guard.core.requirements import (
    AnyOf,
    PolicyError,
    Requirement,
)
from api_guard.core.scopes import Credential
from api_guard.exceptions import (
    FirstPartyOnly,
    GuardError,
    InsufficientScope,
    NotAuthenticated,
    NotOffered,
    StaffOnly,
    UndeclaredEndpoint,
    UserOnly,
)

if TYPE_CHECKING:
    # DRF resolves Guarded while it imports its views.
    from rest_framework.views import APIView

logger = logging.getLogger("api_guard")


def refuse(decision: Decision, caller: Caller, request: Request, view: APIView) -> NoReturn:
    """Raise the refusal that a client gets for a denial."""
    match decision.denial:
        case Denial.NOT_AUTHENTICATED:
            raise NotAuthenticated(_challenge(request, view))
        case Denial.INSUFFICIENT_SCOPE:
            is_bearer = caller.credential is Credential.TOKEN
            metadata = resource_metadata(request) if is_bearer else None
            raise InsufficientScope(decision.needed, bearer=is_bearer, resource_metadata=metadata)
        case Denial.STAFF_ONLY:
            raise StaffOnly
        case Denial.USER_ONLY:
            raise UserOnly
        case Denial.FIRST_PARTY_ONLY:
            raise FirstPartyOnly
        case _:
            raise NotOffered


def _challenge(request: Request, view: APIView) -> str | None:
    headers = (a.authenticate_header(request) for a in view.get_authenticators())
    return next((header for header in headers if header), None)


class Guarded(BasePermission):
    """Refuse every view that has neither a guard nor an exemption.

    For `REST_FRAMEWORK["DEFAULT_PERMISSION_CLASSES"]`. A guarded view has been decided before DRF
    asks its permissions, so that nothing is decided here.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Return True for a declared view; raise UndeclaredEndpoint for any other."""
        cls = type(view)
        is_declared = policy_of(cls) is not None or declares_scopes(view.permission_classes)
        if is_declared or is_exempt(cls) or is_covered(request._request):
            return True
        raise UndeclaredEndpoint


class HasScopes(OperationHolderMixin, BasePermission):
    """Require scopes in `permission_classes = [HasScopes("notes:read")]`; several are all needed.

    `@guard` does more, and cannot be lost to an override; this is for a step-by-step move.
    """

    declares_scopes = True

    def __init__(self, *scopes: str | AnyOf) -> None:
        try:
            self.requirement = Requirement.parse(scopes)
        except PolicyError as error:
            raise GuardError(f"HasScopes: {error}") from None
        if not self.requirement.scopes:
            raise GuardError('HasScopes: name a scope, as in HasScopes("notes:read").')

    def __call__(self) -> HasScopes:
        """Stand where DRF expects a class."""
        return self

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Return True for a caller that holds the scopes; refuse any other as a guard does."""
        caller = caller_of(request)
        decision = decide(self.requirement, caller)
        if decision.allowed:
            record_decision(request, view)
            return True
        # Inside an OR the other side has its say, so that a raise would be too early.
        if _is_needed(self, view.permission_classes):
            refuse(decision, caller, request, view)
        return False


def _is_needed(wanted: HasScopes, permissions: Sequence[object]) -> bool:
    """Whether no other permission of a view can stand in for this one."""
    for permission in permissions:
        if permission is wanted:
            return True
        if is_and(permission) and _is_needed(wanted, sides_of(permission)):
            return True
    return False


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
