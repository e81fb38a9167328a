"""Lets a plain Django view, a function or a class, pass the guard as a view of DRF does."""

from __future__ import annotations

from collections.abc import Callable
from inspect import isawaitable
from typing import Any

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponseBase
from rest_framework.authentication import CSRFCheck
from rest_framework.exceptions import APIException, PermissionDenied
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from api_guard.access.callers import caller_of
from api_guard.access.endpoints import function_of
from api_guard.parsers import DjangoFormParser
from api_guard.renderers import JSONRenderer


class _Json(BaseContentNegotiation):
    """Refusals are JSON, whatever the client accepts."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        del request
        return parsers[0]

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        del request, format_suffix
        return renderers[0], renderers[0].media_type


# Stands for the rest of the middlewares, which are not called for a check.
def _nothing(http: HttpRequest) -> Any: ...


class _Csrf(BasePermission):
    """Django's check for callers without a credential. DRF has made it for those with a session.

    Django's middleware leaves it to the views of DRF, and so to this one.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        """Raise PermissionDenied without a valid CSRF token."""
        if caller_of(request).is_authenticated or getattr(view.plain, "csrf_exempt", False):
            return True
        check = CSRFCheck(_nothing)
        check.process_request(request._request)
        reason: object = check.process_view(request._request, view.plain, (), {})
        if reason is not None:
            raise PermissionDenied(f"CSRF Failed: {reason}")
        return True


class PlainView(APIView):
    """A view of DRF that calls a plain Django view with Django's own request."""

    plain: Callable[..., Any]
    renderer_classes = (JSONRenderer,)
    parser_classes = (DjangoFormParser,)
    content_negotiation_class = _Json
    permission_classes = (_Csrf,)
    throttle_classes = ()
    versioning_class = None
    # It has no serializer that a schema could tell.
    schema = None
    # What the plain view itself has raised.
    own_error: Exception | None = None

    def answer(self, request: Request, /, *args: Any, **kwargs: Any) -> Any:
        """Call the plain view."""
        http = self.opened(request)
        try:
            return type(self).plain(http, *args, **kwargs)
        except Exception as error:
            self.own_error = error
            raise

    def opened(self, request: Request) -> HttpRequest:
        """Return Django's request, with the user and the token that the guard has found."""
        http: Any = request._request
        http.user, http.auth = request.user, request.auth

        async def auser() -> Any:
            return http.user

        http.auser = auser
        # The headers of DRF are for refusals.
        self.headers = {}
        return http  # type: ignore[no-any-return]

    def handle_exception(self, exc: Exception) -> Any:
        """Answer refusals. What else the plain view raises is Django's, as without the guard."""
        if exc is self.own_error and not isinstance(exc, APIException):
            raise exc
        return super().handle_exception(exc)


class AsyncPlainView(PlainView):
    """The same for a coroutine function."""

    async def answer(self, request: Request, /, *args: Any, **kwargs: Any) -> Any:
        """Await the plain view."""
        http = self.opened(request)
        try:
            return await type(self).plain(http, *args, **kwargs)
        except Exception as error:
            self.own_error = error
            raise

    async def dispatch(  # type: ignore[override]
        self, request: Any, /, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """Do what APIView.dispatch() does. What may ask the database runs in a thread."""
        self.args, self.kwargs = args, kwargs
        self.request = request = self.initialize_request(request, *args, **kwargs)
        self.headers = self.default_response_headers
        try:
            await sync_to_async(self.initial)(request, *args, **kwargs)
            name = str(request.method).lower()
            is_offered = name in self.http_method_names
            missing = self.http_method_not_allowed
            handler = getattr(self, name, missing) if is_offered else missing
            response = handler(request, *args, **kwargs)
            response = await response if isawaitable(response) else response
        except Exception as error:  # noqa: BLE001  # DRF's own handler decides, and raises again
            response = await sync_to_async(self.handle_exception)(error)
        finalize = sync_to_async(self.finalize_response)
        self.response = await finalize(request, response, *args, **kwargs)
        return self.response


def view_class_for(plain: Any, named: Any, methods: tuple[str, ...]) -> type[PlainView]:
    """Return the class of DRF for a plain view, with the name of `named`."""
    base = AsyncPlainView if iscoroutinefunction(plain) else PlainView
    name = getattr(named, "__name__", type(named).__name__)
    names = {
        "__module__": getattr(named, "__module__", __name__),
        "__qualname__": getattr(named, "__qualname__", name),
        "__doc__": named.__doc__,
        "plain": staticmethod(plain),
        **{method.lower(): base.answer for method in methods},
    }
    return type(name, (base,), names)


def plain_of(callback: Any) -> Any:
    """Return the plain view under a guard; the callback itself if it has no guard."""
    cls = getattr(callback, "cls", None)
    is_plain = isinstance(cls, type) and issubclass(cls, PlainView)
    return cls.plain if is_plain else callback  # type: ignore[union-attr]


def is_upside_down(cls: Any) -> bool:
    """Whether `@api_view` has made a class of a plain view that has a guard."""
    function = None if cls is None else function_of(cls)
    return plain_of(function) is not function
