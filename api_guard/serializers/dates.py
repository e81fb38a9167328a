"""Validators of `unique_for_date` that accept rows without a date, as Django does. DRF fails."""

from __future__ import annotations

from typing import Any

from rest_framework import validators


class _WhereDated(validators.BaseUniqueForValidator):
    def filter_queryset(
        self, attrs: Any, queryset: Any, field_name: str, date_field_name: str
    ) -> Any:
        if attrs[date_field_name] is None:
            return queryset.none()
        return super().filter_queryset(attrs, queryset, field_name, date_field_name)


class _UniqueForDate(_WhereDated, validators.UniqueForDateValidator):
    pass


class _UniqueForMonth(_WhereDated, validators.UniqueForMonthValidator):
    pass


class _UniqueForYear(_WhereDated, validators.UniqueForYearValidator):
    pass


_CLASSES: dict[type[Any], type[Any]] = {
    validators.UniqueForDateValidator: _UniqueForDate,
    validators.UniqueForMonthValidator: _UniqueForMonth,
    validators.UniqueForYearValidator: _UniqueForYear,
}


def where_dated(found: Any) -> Any:
    """Return a validator like `found` that accepts a row without a date."""
    return _CLASSES[type(found)](
        queryset=found.queryset, field=found.field, date_field=found.date_field
    )
