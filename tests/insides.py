"""What an answer to a client never says."""

from __future__ import annotations

import re
from pathlib import Path

_INSIDES = re.compile(
    r"traceback \(|line \d+, in |\.py\b|site-packages|<class |\w+Error:|\bat 0x[0-9a-f]+"
    r"|\bselect\b.*\bfrom\b|\binsert into\b|\bupdate\b.*\bset\b|\bconstraint\b|psycopg|sqlite|"
    + re.escape(str(Path(__file__).parents[1])),
    re.IGNORECASE | re.DOTALL,
)


def insides_in(text):
    """Return what of a stack trace, an SQL statement or a path stands in an answer, or None."""
    found = _INSIDES.search(text)
    return found and found[0]
