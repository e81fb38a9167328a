"""Keeps what the ledger says of grants in a temporary file, so that memory is bounded."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_TABLES = """
    CREATE TABLE said (pk TEXT PRIMARY KEY, terms TEXT, whom TEXT) WITHOUT ROWID;
    CREATE TABLE ended (pk TEXT PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE doubts (pk TEXT PRIMARY KEY, problem TEXT) WITHOUT ROWID;
    BEGIN;
"""


@dataclass(frozen=True)
class Kept:
    """The grants that the ledger says are given, and those of them that are in doubt."""

    _file: sqlite3.Connection

    def give(self, pk: str, terms: str, whom: str) -> None:
        """Keep that a grant is given, unless its end was read before."""
        self._file.execute(
            "INSERT OR REPLACE INTO said SELECT ?, ?, ? "
            "WHERE NOT EXISTS (SELECT 1 FROM ended WHERE pk = ?)",
            (pk, terms, whom, pk),
        )

    def take(self, pk: str) -> None:
        """Keep that a grant has ended."""
        # A clock that was set back puts an end before its beginning; what has ended stays so.
        if not self._file.execute("DELETE FROM said WHERE pk = ?", (pk,)).rowcount:
            self._file.execute("INSERT OR IGNORE INTO ended VALUES (?)", (pk,))

    def terms(self, pk: str) -> tuple[str, str] | None:
        """Return the terms and the grantee of a grant."""
        asked = "SELECT terms, whom FROM said WHERE pk = ?"
        return self._file.execute(asked, (pk,)).fetchone()  # type: ignore[no-any-return]

    def pop(self, pk: str) -> tuple[str, str] | None:
        """Return the terms and the grantee of a grant, and keep them no longer."""
        found = self.terms(pk)
        self._file.execute("DELETE FROM said WHERE pk = ?", (pk,))
        return found

    def left(self) -> Iterator[str]:
        """Yield the primary keys of the grants that are still kept."""
        for (pk,) in self._file.execute("SELECT pk FROM said ORDER BY pk"):
            yield pk

    def doubt(self, pk: str, problem: str) -> None:
        """Keep what is wrong with a grant, until it is looked at again."""
        self._file.execute("INSERT OR REPLACE INTO doubts VALUES (?, ?)", (pk, problem))

    def has_doubts(self) -> bool:
        """Whether anything is wrong with any grant."""
        return self._file.execute("SELECT 1 FROM doubts").fetchone() is not None

    def is_doubted(self, pk: str, problem: str) -> bool:
        """Whether the same was wrong with a grant before."""
        found = self._file.execute(
            "SELECT 1 FROM doubts WHERE pk = ? AND problem = ?", (pk, problem)
        )
        return found.fetchone() is not None

    def forget_grants(self) -> None:
        """Keep the doubts alone."""
        self._file.execute("DELETE FROM said")
        self._file.execute("DELETE FROM ended")


@contextmanager
def kept() -> Iterator[Kept]:
    """Open the file, which SQLite deletes when it is closed; it is in memory while it is small."""
    file = sqlite3.connect("", isolation_level=None)
    try:
        file.executescript(_TABLES)
        yield Kept(file)
    finally:
        file.close()
