"""Whether a route names one object: by the names and the converters of its parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from django.apps import apps

# <int:pk> of path(), (?P<pk>...) of re_path(), and a number without a name.
_NAMED = re.compile(r"<(?:(?P<converter>\w+):)?(?P<name>\w+)>")
_UNNAMED = re.compile(r"(?P<before>[a-z]*)[/-]?\((?:\\d\+|\[0-9\]\+)\)", re.IGNORECASE)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_KEYS = {"pk", "id", "ids", "uuid", "guid", "slug", "username", "email"}
# The value itself gives the right to act.
_SECRETS = {"token", "key", "code", "secret", "signature", "otp", "uidb64", "hash"}
# These choose a part of a list, or how it is shown.
_WORDS = """
    action age amount area axis backend chapter code count country currency date day days
    dd depth distance duration edition end era extension field first fiscal format from gender
    generation grade h height hour hours index interval iteration kind lang language last lat
    latitude layer length level limit lng locale lon longitude m major max min minor minute mm
    mode month months n no num number numbers offset page pages part percent period port position
    precision price provider q quality quantity quarter query radius range rank rating region
    resolution revision round rows scale score season second seconds section seed semester set
    since size sort stage start state status step steps tab term time timestamp to top total type
    unit until v verb version w week weekday weeks width world x y year years yyyy z zone zoom
    """
_NEUTRAL = frozenset(_WORDS.split())


def names_object(route: str) -> bool:
    """Whether a parameter of `route` names one object."""
    if any(_is_object(converter, name) for converter, name in _parameters(route)):
        return True
    return any(
        _singular(found["before"].lower()) not in _NEUTRAL for found in _UNNAMED.finditer(route)
    )


def _parameters(route: str) -> Iterator[tuple[str, str]]:
    for found in _NAMED.finditer(route):
        yield found["converter"] or "", _HUMP.sub("_", found["name"]).lower()


def _is_object(converter: str, name: str) -> bool:
    words = set(name.split("_"))
    if words & _SECRETS:
        return False
    if words & _KEYS or converter.endswith("id"):
        return True  # uuid, and the ulid and hashid of other packages
    if words & _NEUTRAL:
        return False
    if converter in ("int", "slug"):
        return True
    whole = name.replace("_", "")
    return whole in _models() or whole.removesuffix("id") in _models()


def _singular(word: str) -> str:
    return word if word in _NEUTRAL else word.removesuffix("s")


@cache
def _models() -> frozenset[str]:
    return frozenset(str(model._meta.model_name) for model in apps.get_models())
