"""What every command does: it says what is wrong, instead of a traceback, and fails."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import Error
from django.urls import get_resolver

from api_guard.core.names import is_storable

# A file's name may have any bytes. `grants` refuses a reason in its own words.
_ANY_BYTES = ("file", "log", "checkpoint", "diff", "reason")


class AnswerError(CommandError):
    """The command could answer, and its answer is no: refused, different."""


class GuardCommand(BaseCommand):
    """A command of api_guard.

    `unable` is the exit code if it could not do its work. A command whose code 1 is an answer says
    2, so that a wrong name or a database that is down does not look like that answer.
    """

    unable = 1

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Do it. Raises CommandError."""
        try:
            _refuse_texts(options)
            _refuse_urlconf(options.get("urlconf"))
            said = super().execute(*args, **options)
            self.stdout.flush()
            return said
        except AnswerError:
            raise
        except CommandError as error:
            error.returncode = max(error.returncode, self.unable)
            raise
        except Error as error:
            why = (
                f"The database cannot answer: {str(error).strip()}\n"
                "Does it run, and did manage.py migrate create the tables?"
            )
            raise CommandError(why, returncode=self.unable) from error
        except BrokenPipeError as error:
            _read_no_more()
            why = "Nobody reads the output any more. The ledger says what was changed."
            raise CommandError(why, returncode=self.unable) from error
        except OSError as error:
            raise CommandError(f"It stopped: {error}", returncode=self.unable) from error


def _refuse_texts(options: dict[str, Any]) -> None:
    """Raise CommandError for an argument with bytes that are no text."""
    for name, value in options.items():
        for text in _texts(value) if name not in _ANY_BYTES else ():
            if not is_storable(text):
                raise CommandError(f"{text!r} has a character that no database can store.")


def _texts(value: object) -> Iterator[str]:
    values = value if isinstance(value, (list, tuple)) else (value,)
    yield from (each for each in values if isinstance(each, str))


def _refuse_urlconf(name: str | None) -> None:
    """Raise CommandError for a URLconf that cannot be read."""
    if not name:
        return
    try:
        _ = get_resolver(name).url_patterns
    except (ImportError, ImproperlyConfigured, TypeError, ValueError) as error:
        raise CommandError(f"The URLconf {name!r} cannot be read: {error}") from None


def _read_no_more() -> None:
    """Let Python write what is left to nowhere when it ends, so that it keeps the exit code."""
    with suppress(OSError, ValueError):
        output = sys.stdout.fileno()
        os.dup2(os.open(os.devnull, os.O_WRONLY), output)
