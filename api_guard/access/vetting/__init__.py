"""Checks the objects that a handler loads, shows, saves and deletes against the object rules."""

from api_guard.access.vetting.answering import (
    conclude,
    has_concluded,
    is_lazy,
    refuse_unchecked,
    watch_loads,
)
from api_guard.access.vetting.connecting import connect
from api_guard.access.vetting.current import current, enter, left_as_it_was, unheld, within
from api_guard.access.vetting.reading import is_new, settle, vet
from api_guard.access.vetting.record import Vetting
from api_guard.access.vetting.related import VETTING
from api_guard.access.vetting.shown import vet_shown
from api_guard.access.vetting.sql import listening
from api_guard.access.vetting.undoing import is_untouched, was_untouched
from api_guard.access.vetting.writing import watch

__all__ = [
    "VETTING",
    "Vetting",
    "conclude",
    "connect",
    "current",
    "enter",
    "has_concluded",
    "is_lazy",
    "is_new",
    "is_untouched",
    "left_as_it_was",
    "listening",
    "refuse_unchecked",
    "settle",
    "unheld",
    "vet",
    "vet_shown",
    "was_untouched",
    "watch",
    "watch_loads",
    "within",
]
