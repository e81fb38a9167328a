"""Limits of a request: their names, their defaults, and invalid values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache

from api_guard.core.names import did_you_mean

TOPS = ("object", "list", "any")


class LimitsError(ValueError):
    """Invalid limits."""


@dataclass(frozen=True)
class Limits:
    """The limits of one request.

    For a body: `bytes`, or `upload` if it is multipart; the `depth` of nested lists and objects;
    the `items` in all of them together; the written `digits` of a number; the characters of a text
    (`text`) and of a key (`name`); `top`, the JSON type of the whole body. For the URL: the bytes
    of the `query` string, and the number of its `parameters`.
    """

    bytes: int = 1_048_576
    upload: int = 10_485_760
    depth: int = 32
    items: int = 5000
    digits: int = 128
    text: int = 100_000
    name: int = 200
    top: str = "object"
    query: int = 8192
    parameters: int = 100

    def but(self, said: Mapping[str, int | str]) -> Limits:
        """Return these limits, changed as `said` says."""
        return _but(self, tuple(said.items())) if said else self


@lru_cache(maxsize=256)
def _but(limits: Limits, said: tuple[tuple[str, int | str], ...]) -> Limits:
    # parse_limits() has checked the types in `said`.
    return replace(limits, **dict(said))  # type: ignore[arg-type]


DEFAULT = Limits()
_NAMES = tuple(field.name for field in fields(Limits))


def parse_limits(value: object) -> Mapping[str, int | str]:
    """Read a mapping of limits by their names. Raise LimitsError for invalid ones."""
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not value:
        raise LimitsError(f'limits={value!r} has no limits; write {{"bytes": {DEFAULT.bytes}}}')
    for name, limit in value.items():
        if name not in _NAMES:
            known = ", ".join(_NAMES)
            raise LimitsError(
                f"{name!r} is not a limit.{did_you_mean(name, _NAMES)} The limits: {known}"
            )
        if name == "top":
            if limit not in TOPS:
                raise LimitsError(f"top={limit!r} is not a kind of JSON: write one of {TOPS}")
        elif not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
            raise LimitsError(f"{name}={limit!r} is not a limit: write a whole number above 0")
    return dict(value)
