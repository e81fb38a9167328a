"""The values that `QuerySet.update()` was writing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Any

from django.db.models import Field
from django.db.models.sql.compiler import SQLUpdateCompiler

from api_guard.input.client_errors.constraints import Broken
from api_guard.input.client_errors.frames import local


def updated_in(
    frames: Iterable[FrameType], broken: Broken | None
) -> Iterator[tuple[Field[Any, Any], object]]:
    """Yield the written fields with their values; with `broken`, only its fields."""
    for frame in frames:
        compiler = local(frame, "self")
        if isinstance(compiler, SQLUpdateCompiler) and frame.f_code.co_name == "execute_sql":
            query: Any = compiler.query
            named = None if broken is None else broken.fields_in(query.model)
            for field, _, value in query.values:
                if named is None or field.name in named:
                    yield field, value
