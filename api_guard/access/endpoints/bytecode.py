"""Reads in the code of a function what it names."""

from __future__ import annotations

import dis
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType

# Attributes that only tell the name of a class.
_NAMES = ("__name__", "__qualname__", "__module__", "__doc__")


def names_in(code: CodeType) -> Iterator[str]:
    """Yield the names of attributes and globals in the code."""
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from names_in(inner)


def globals_in(code: CodeType) -> Iterator[str]:
    """Yield the names of globals that the code reads."""
    loads = (each for each in dis.get_instructions(code) if each.opname == "LOAD_GLOBAL")
    yield from (each.argval for each in loads)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from globals_in(inner)


@lru_cache(maxsize=4096)  # Decorators make many functions of the same code.
def only_reads_name(code: CodeType, variable: str) -> bool:
    """Whether code uses a variable of its closure only to read its name."""
    instructions = list(dis.get_instructions(code))
    uses = [i for i, each in enumerate(instructions) if each.argval == variable]
    return all(
        instructions[i].opname == "LOAD_DEREF" and instructions[i + 1].argval in _NAMES
        for i in uses
    )
