"""Keeps the rows of the ledger in a temporary file, to limit the use of memory."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

# What counts of a row, by name, in words. A name is missing if nobody can tell its value.
State = Mapping[str, str]

_TABLES = """
    CREATE TABLE said (name TEXT PRIMARY KEY, state TEXT) WITHOUT ROWID;
    CREATE TABLE ended (name TEXT PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE doubts (name TEXT PRIMARY KEY, problem TEXT) WITHOUT ROWID;
    BEGIN;
"""


@dataclass(frozen=True)
class Kept:
    """The rows that should exist, by name (`grant 7`), and those of them that are in doubt."""

    _file: sqlite3.Connection

    def give(self, name: str, state: State) -> None:
        """Keep the state of a row, unless its end was read before."""
        self._file.execute(
            "INSERT OR REPLACE INTO said SELECT ?, ? "
            "WHERE NOT EXISTS (SELECT 1 FROM ended WHERE name = ?)",
            (name, json.dumps(dict(state)), name),
        )

    def change(self, name: str, state: State) -> None:
        """Change a part of the state of a row. A row whose beginning is unknown stays unknown."""
        before = self.state(name)
        if before is not None:
            self.give(name, {**before, **state})

    def take(self, name: str) -> None:
        """Keep that a row has ended."""
        # After a clock was set back, an end may come before its start. An ended row stays ended.
        if not self._file.execute("DELETE FROM said WHERE name = ?", (name,)).rowcount:
            self._file.execute("INSERT OR IGNORE INTO ended VALUES (?)", (name,))

    def state(self, name: str) -> State | None:
        """Return the state of a row, or None if the ledger does not know the row."""
        found = self._file.execute("SELECT state FROM said WHERE name = ?", (name,)).fetchone()
        return None if found is None else json.loads(found[0])

    def pop(self, name: str) -> State | None:
        """Return the state of a row, and keep it no longer."""
        found = self.state(name)
        self._file.execute("DELETE FROM said WHERE name = ?", (name,))
        return found

    def left(self) -> Iterator[str]:
        """Yield the names of the rows that are still kept."""
        for (name,) in self._file.execute("SELECT name FROM said ORDER BY name"):
            yield name

    def doubt(self, name: str, problem: str) -> None:
        """Keep what is wrong with a row, until it is looked at again."""
        self._file.execute("INSERT OR REPLACE INTO doubts VALUES (?, ?)", (name, problem))

    def has_doubts(self) -> bool:
        """Whether anything is wrong with any row."""
        return self._file.execute("SELECT 1 FROM doubts").fetchone() is not None

    def is_doubted(self, name: str, problem: str) -> bool:
        """Whether the same was wrong with a row before."""
        found = self._file.execute(
            "SELECT 1 FROM doubts WHERE name = ? AND problem = ?", (name, problem)
        )
        return found.fetchone() is not None

    def forget_rows(self) -> None:
        """Forget the rows and keep the doubts."""
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
