"""Checks the kind of an uploaded file by its content. Pillow checks images."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Any

from django.core.files import File

from api_guard.core.files import HEAD, KINDS, find_name_flaw, kind_named, kinds_of
from api_guard.core.flaws import Flaw, FlawError
from api_guard.core.images import frames_of
from api_guard.core.invisibles import drop_left_over
from api_guard.core.names import did_you_mean, words
from api_guard.core.text import normalize
from api_guard.exceptions import GuardError
from api_guard.input.contents import (
    MAX_ENTRIES,
    MAX_UNPACKED,
    POSITIONED,
    Bounds,
    refuse_other,
    without_position,
)

MAX_SIZE = 5_242_880
MAX_PIXELS = 25_000_000
IMAGES = words("gif jpeg png webp")


@dataclass(frozen=True)
class Upload:
    """A file of one of the `kinds`, of at most `max_size` bytes. Raises GuardError.

    An archive may have at most `max_entries`, and `max_unpacked` bytes when unpacked.
    `keep_position=False` removes the GPS position from the metadata of images.
    """

    kinds: frozenset[str]
    max_size: int = MAX_SIZE
    max_name_length: int = 100
    max_entries: int = MAX_ENTRIES
    max_unpacked: int = MAX_UNPACKED
    keep_position: bool = True

    def __post_init__(self) -> None:
        unknown = sorted(self.kinds - set(KINDS))
        if unknown or not self.kinds:
            hint = did_you_mean(unknown[0], KINDS) if unknown else ""
            wrong = f"No file kind is named {unknown[0]!r}.{hint}" if unknown else "No file kind."
            raise GuardError(f"{wrong} Write some of: types={tuple(KINDS)}")

    def clean(self, file: File[Any]) -> None:
        """Set the true content type of the file, and rewind it. Raises FlawError."""
        if file.size > self.max_size:
            raise _flaw("too_large", f"The file is larger than {self.max_size} bytes.")
        file.seek(0)
        kinds = kinds_of(file.read(HEAD), self.kinds)
        if not kinds:
            raise self._wrong_type()
        file.name = normalize(drop_left_over((file.name or "")[:255]))
        kind = kind_named(file.name, kinds)
        extensions = KINDS[kind].extensions
        flaw = find_name_flaw(file.name, max_length=self.max_name_length, extensions=extensions)
        if flaw:
            raise FlawError(flaw)
        refuse_other(file, file.size, kind, Bounds(self.max_entries, self.max_unpacked))
        if not self.keep_position and kind in POSITIONED:
            _take_position_out(file)
        file.seek(0)
        file.content_type = KINDS[kind].content_type  # type: ignore[attr-defined]

    def _wrong_type(self) -> FlawError:
        return _flaw("wrong_type", f"The file must be one of: {', '.join(sorted(self.kinds))}.")


@dataclass(frozen=True)
class ImageUpload:
    """An image with at most `max_pixels` in all its frames. Raises GuardError."""

    kinds: frozenset[str] = IMAGES
    max_size: int = MAX_SIZE
    max_name_length: int = 100
    max_pixels: int = MAX_PIXELS
    keep_position: bool = True

    def __post_init__(self) -> None:
        if not self.kinds <= IMAGES:
            others = ", ".join(sorted(self.kinds - IMAGES))
            raise GuardError(f"{others}: not an image type. Write some of: types={sorted(IMAGES)}")
        try:
            import PIL  # noqa: F401  # only to see if it is installed
        except ImportError as error:
            message = 'An image needs Pillow. Write: pip install "drf-api-guard[images]"'
            raise GuardError(message) from error

    def clean(self, file: File[Any]) -> None:
        """Check it as a file, and check the pixels that Pillow finds. Raises FlawError."""
        Upload(self.kinds, self.max_size, self.max_name_length).clean(file)
        from PIL import Image

        data = file.read()
        kind = next(iter(kinds_of(data[:HEAD], self.kinds)), "")
        # This comes first: the code below must not loop over a million parts.
        frames = frames_of(kind, data)
        if not self.keep_position and kind in POSITIONED:
            _take_position_out(file)
        file.seek(0)
        try:
            pixels = self._pixels(data, frames)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            # Pillow warns about its own limit.
            pixels = self.max_pixels + 1
        except Exception as error:
            # The parsers of Pillow raise exceptions of a dozen classes.
            raise _flaw("invalid_image", "The file is not an image, or it is damaged.") from error
        if pixels > self.max_pixels:
            raise _flaw("too_many_pixels", f"The image has more than {self.max_pixels} pixels.")

    def _pixels(self, data: bytes, frames: int | None) -> int:
        """Return width × height × frames, without decoding an image over the limit."""
        from PIL import Image

        with Image.open(BytesIO(data), formats=sorted(self.kinds)) as image:
            pixels = image.width * image.height
            if pixels <= self.max_pixels:
                pixels *= frames or int(getattr(image, "n_frames", 1) or 1)
            if pixels <= self.max_pixels:
                image.verify()
        return pixels


def _take_position_out(file: File[Any]) -> None:
    """Overwrite the image in its file or in memory. Its size does not change."""
    file.seek(0)
    content = file.read()
    cleaned = without_position(content)
    if cleaned == content:
        return
    if not file.writable():
        file.file = BytesIO(cleaned)
        return
    file.seek(0)
    file.write(cleaned)


def _flaw(code: str, message: str) -> FlawError:
    return FlawError(Flaw(code, message))
