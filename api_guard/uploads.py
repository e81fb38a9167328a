"""What an uploaded file is, by its content; Pillow is asked where it is an image."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from django.core.files import File

from api_guard.core.files import HEAD, KINDS, find_name_flaw, kind_of
from api_guard.core.flaws import Flaw, FlawError
from api_guard.core.images import frames_of
from api_guard.core.scopes import did_you_mean
from api_guard.core.text import find_flaw, normalize
from api_guard.core.words import words
from api_guard.exceptions import GuardError

MAX_SIZE = 5_242_880
MAX_PIXELS = 25_000_000
IMAGES = words("gif jpeg png webp")


@dataclass(frozen=True)
class Upload:
    """A file of one of the `kinds`, of at most `max_size` bytes. Raises GuardError."""

    kinds: frozenset[str]
    max_size: int = MAX_SIZE
    max_name_length: int = 100

    def __post_init__(self) -> None:
        unknown = sorted(self.kinds - set(KINDS))
        if unknown or not self.kinds:
            hint = did_you_mean(unknown[0], KINDS) if unknown else ""
            wrong = f"No kind of file is named {unknown[0]!r}.{hint}" if unknown else "No kind."
            raise GuardError(f"{wrong} Write some of: types={tuple(KINDS)}")

    def clean(self, file: File[Any]) -> None:
        """Name the file's true content type on it, and leave it at its start. Raises FlawError."""
        if file.size > self.max_size:
            raise _flaw("too_large", f"The file is larger than {self.max_size} bytes.")
        file.seek(0)
        kind = kind_of(file.read(HEAD), self.kinds)
        if kind is None:
            raise _flaw("wrong_type", f"The file is none of: {', '.join(sorted(self.kinds))}.")
        file.name = normalize((file.name or "")[:255])
        extensions = KINDS[kind].extensions
        flaw = find_name_flaw(file.name, max_length=self.max_name_length, extensions=extensions)
        if flaw:
            raise FlawError(flaw)
        if kind == "text":
            _refuse_other_than_text(file)
        file.seek(0)
        file.content_type = KINDS[kind].content_type  # type: ignore[attr-defined]


@dataclass(frozen=True)
class ImageUpload:
    """An image of at most `max_pixels`, all of its frames together. Raises GuardError."""

    kinds: frozenset[str] = IMAGES
    max_size: int = MAX_SIZE
    max_name_length: int = 100
    max_pixels: int = MAX_PIXELS

    def __post_init__(self) -> None:
        if not self.kinds <= IMAGES:
            others = ", ".join(sorted(self.kinds - IMAGES))
            raise GuardError(f"{others}: no image. Write some of: types={sorted(IMAGES)}")
        try:
            import PIL  # noqa: F401  # only whether it is there
        except ImportError as error:
            message = 'An image needs Pillow. Write: pip install "drf-api-guard[images]"'
            raise GuardError(message) from error

    def clean(self, file: File[Any]) -> None:
        """As a file; and what Pillow reads from its head keeps to the limit. Raises FlawError."""
        Upload(self.kinds, self.max_size, self.max_name_length).clean(file)
        from PIL import Image

        data = file.read()
        file.seek(0)
        frames = frames_of(kind_of(data[:HEAD], self.kinds) or "", data)
        try:
            pixels = self._pixels(data, frames)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            # Pillow has a limit of its own, of which it warns.
            pixels = self.max_pixels + 1
        except Exception as error:
            # Pillow raises whatever its parsers stumble over, of a dozen classes.
            raise _flaw("invalid_image", "The file is no image, or a damaged one.") from error
        if pixels > self.max_pixels:
            raise _flaw("too_many_pixels", f"The image has more than {self.max_pixels} pixels.")

    def _pixels(self, data: bytes, frames: int | None) -> int:
        """Return width × height × frames, without decoding what is over the limit."""
        from PIL import Image

        with Image.open(BytesIO(data), formats=sorted(self.kinds)) as image:
            pixels = image.width * image.height
            if pixels <= self.max_pixels:
                pixels *= frames or int(getattr(image, "n_frames", 1) or 1)
            if pixels <= self.max_pixels:
                image.verify()
        return pixels


def _refuse_other_than_text(file: File[Any]) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    file.seek(0)
    chunks = list(file.chunks())
    try:
        for number, chunk in enumerate(chunks, start=1):
            text = decoder.decode(chunk, final=number == len(chunks))
            size = len(text)
            flaw = find_flaw(text, newlines=True, max_length=size, max_bytes=4 * size)
            if flaw:
                raise _flaw("wrong_type", "The file holds characters that no text has.")
    except UnicodeDecodeError as error:
        raise _flaw("wrong_type", "The file is no text in UTF-8.") from error


def _flaw(code: str, message: str) -> FlawError:
    return FlawError(Flaw(code, message))
