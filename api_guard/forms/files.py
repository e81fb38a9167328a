"""Files and images in forms."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms

from api_guard.forms.flaws import flaws_as_errors
from api_guard.input.contents import MAX_ENTRIES, MAX_UNPACKED
from api_guard.input.uploads import IMAGES, MAX_PIXELS, MAX_SIZE, ImageUpload, Upload


class SafeFileField(forms.FileField):
    """The form field with the rules of the serializer field of this name."""

    upload: Upload | ImageUpload

    def __init__(
        self,
        *,
        types: Iterable[str],
        max_size: int = MAX_SIZE,
        max_length: int = 100,
        max_entries: int = MAX_ENTRIES,
        max_unpacked: int = MAX_UNPACKED,
        keep_position: bool = True,
        **kwargs: Any,
    ) -> None:
        self.upload = Upload(
            frozenset(types), max_size, max_length, max_entries, max_unpacked, keep_position
        )
        super().__init__(max_length=max_length, **kwargs)

    def to_python(self, data: Any) -> Any:
        """Return the file, with its true content type. Raises ValidationError."""
        file = super().to_python(data)
        if file is not None:
            with flaws_as_errors():
                self.upload.clean(file)
        return file


class SafeImageField(SafeFileField):
    """The form field with the rules of the serializer field of this name."""

    def __init__(
        self,
        *,
        types: Iterable[str] = IMAGES,
        max_size: int = MAX_SIZE,
        max_length: int = 100,
        max_pixels: int = MAX_PIXELS,
        keep_position: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(types=types, max_size=max_size, max_length=max_length, **kwargs)
        self.upload = ImageUpload(frozenset(types), max_size, max_length, max_pixels, keep_position)
