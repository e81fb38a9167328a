"""Files whose content matches their name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rest_framework.fields import FileField

from api_guard.exceptions import GuardError
from api_guard.fields.flaws import flaws_as_errors
from api_guard.input.contents import MAX_ENTRIES, MAX_UNPACKED
from api_guard.input.uploads import IMAGES, MAX_PIXELS, MAX_SIZE, ImageUpload, Upload


class SafeFileField(FileField):
    """A file whose content is one of the `types`, and whose name has the matching extension.

    `max_size` counts bytes, `max_length` the characters of the name. An archive may have at most
    `max_entries`, and `max_unpacked` bytes when unpacked. `keep_position=False` removes the GPS
    position from the metadata of images. Raises GuardError for wrong arguments.
    """

    upload: Upload | ImageUpload

    def __init__(
        self,
        *,
        types: Iterable[str] = (),
        max_size: int = MAX_SIZE,
        max_length: int | None = None,
        max_entries: int = MAX_ENTRIES,
        max_unpacked: int = MAX_UNPACKED,
        keep_position: bool = True,
        **kwargs: Any,
    ) -> None:
        self.max_entries, self.max_unpacked = max_entries, max_unpacked
        self.keep_position = keep_position
        kinds, length = frozenset(types), 100 if max_length is None else max_length
        if kwargs.get("read_only") is not True:
            if not kinds:
                name = type(self).__name__
                raise GuardError(f'{name} needs its types. Write: {name}(types=["pdf"])')
            self.upload = self._upload(kinds, max_size, length)
        super().__init__(max_length=length, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        """Return the file, with its true content type. Raises ValidationError."""
        file = super().to_internal_value(data)
        with flaws_as_errors():
            self.upload.clean(file)
        return file

    def _upload(
        self, kinds: frozenset[str], max_size: int, max_length: int
    ) -> Upload | ImageUpload:
        return Upload(
            kinds,
            max_size,
            max_length,
            self.max_entries,
            self.max_unpacked,
            self.keep_position,
        )


class SafeImageField(SafeFileField):
    """An image with at most `max_pixels` in all its frames. Pillow reads only the image header.

    `keep_position=False` removes the GPS position from its metadata. Raises GuardError for wrong
    arguments, or if Pillow is not installed.
    """

    def __init__(
        self,
        *,
        types: Iterable[str] = IMAGES,
        max_pixels: int = MAX_PIXELS,
        **kwargs: Any,
    ) -> None:
        self.max_pixels = max_pixels
        super().__init__(types=types, **kwargs)

    def _upload(
        self, kinds: frozenset[str], max_size: int, max_length: int
    ) -> Upload | ImageUpload:
        return ImageUpload(kinds, max_size, max_length, self.max_pixels, self.keep_position)
