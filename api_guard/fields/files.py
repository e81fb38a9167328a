"""Files that are what their names say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rest_framework.fields import FileField

from api_guard.exceptions import GuardError
from api_guard.fields.flaws import flaws_as_errors
from api_guard.input.contents import MAX_ENTRIES, MAX_UNPACKED
from api_guard.input.uploads import IMAGES, MAX_PIXELS, MAX_SIZE, ImageUpload, Upload


class SafeFileField(FileField):
    """A file of one of the `types`, by its content, with a name that says the same.

    `max_size` counts bytes, `max_length` the characters of the name. An archive has at most
    `max_entries`, and `max_unpacked` bytes once it is unpacked. `keep_position=False` takes the
    position out of the metadata of images. Raises GuardError when declared wrongly.
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
    """An image of at most `max_pixels`, all of its frames together; Pillow reads its head.

    `keep_position=False` takes the position out of its metadata. Raises GuardError when declared
    wrongly, or without Pillow.
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
