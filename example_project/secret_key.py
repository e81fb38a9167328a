"""A secret key that survives a restart."""

import os
from pathlib import Path

from django.core.management.utils import get_random_secret_key


def kept_in(path: Path) -> str:
    """Return the key in `path`, and create it if it is missing; only its owner may read it."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="utf-8")
    key = get_random_secret_key()
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(key)
    return key
