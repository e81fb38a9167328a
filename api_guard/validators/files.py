"""Validators of files and images."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.files import File
from django.utils.deconstruct import deconstructible

from api_guard.input.contents import MAX_ENTRIES, MAX_UNPACKED
from api_guard.input.uploads import IMAGES, MAX_PIXELS, MAX_SIZE, ImageUpload, Upload
from api_guard.validators.validator import Validator


@deconstructible(path="api_guard.validators.SafeFileValidator")
class SafeFileValidator(Validator):
    """The rules of SafeFileField. A stored file is not read again."""

    field = "SafeFileField"
    upload: Upload | ImageUpload

    def __init__(
        self,
        *,
        types: Iterable[str],
        max_size: int = MAX_SIZE,
        max_entries: int = MAX_ENTRIES,
        max_unpacked: int = MAX_UNPACKED,
    ) -> None:
        kinds = tuple(types)
        self.options = {
            "types": kinds,
            "max_size": max_size,
            "max_entries": max_entries,
            "max_unpacked": max_unpacked,
        }
        self.upload = Upload(
            frozenset(kinds), max_size, max_entries=max_entries, max_unpacked=max_unpacked
        )

    def refuse(self, value: Any) -> None:
        """Raise FlawError."""
        if isinstance(value, File) and not getattr(value, "_committed", False):
            self.upload.clean(value)


@deconstructible(path="api_guard.validators.SafeImageValidator")
class SafeImageValidator(SafeFileValidator):
    """The rules of SafeImageField. A stored image is not read again."""

    field = "SafeImageField"

    def __init__(
        self,
        *,
        types: Iterable[str] = tuple(sorted(IMAGES)),
        max_size: int = MAX_SIZE,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        super().__init__(types=types, max_size=max_size)
        self.upload = ImageUpload(frozenset(types), max_size, max_pixels=max_pixels)
        self.options["max_pixels"] = max_pixels
