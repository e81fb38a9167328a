"""What mypy says about the arguments of a guard: `make types` fails if it says anything else."""

from typing import TYPE_CHECKING

from django.db.models import Q
from rest_framework.request import Request
from rest_framework.views import APIView

from api_guard import (
    ANY_OBJECT,
    PUBLIC,
    SIGNED_IN,
    STAFF,
    Caller,
    any_of,
    budget,
    cost,
    guard,
    sliding,
)


def of_caller(caller: Caller) -> Q:
    return Q(owner=caller.user_id)


def of_tenant(caller: Caller, request: Request) -> Q | None:
    return Q(tenant=request.get_host()) if caller.user_id else None


def of_name(name: str) -> Q:
    return Q(name=name)


rates = ["9/s", "99/m"]

guard(read="notes:read", write=("notes:write", STAFF), throttle="9/s", objects=of_caller)
guard(read=PUBLIC, actions={"publish": any_of("a:b", "c:d")}, throttle=rates, owner="author")
guard(read=(SIGNED_IN, any_of("a:b")), throttle=(sliding("9/s"), *budget("all", "9/d")))
guard(write="a:b", throttle={"write": cost(2, "9/s"), "read": ["9/s"]}, objects=of_tenant)
guard(read="a:b", objects={"read": ANY_OBJECT, "list": of_tenant}, keep={"create": "author"})
guard(read="a:b", objects=lambda caller: Q(owner=caller.user_id), hold="everywhere")


@guard(read="a:b")
class Kept(APIView):
    known = 1


if TYPE_CHECKING:
    kept: type[Kept] = Kept
    guard(read=5)  # type: ignore[arg-type]
    guard(read=["a:b"])  # type: ignore[arg-type]
    guard(read="a:b", throttle=9)  # type: ignore[arg-type]
    guard(read="a:b", objects=of_name)  # type: ignore[arg-type]
    guard(read="a:b", objects=Q(owner=1))  # type: ignore[arg-type]
    guard(read="a:b", hold="here")  # type: ignore[arg-type]
    guard(read="a:b", owners="author")  # type: ignore[call-arg]
