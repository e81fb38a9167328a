"""An image that is cut into a million parts is refused before a decoder walks along them."""

from __future__ import annotations

import io
import struct
import time
import zlib
from contextlib import suppress

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from rest_framework.exceptions import ValidationError

from api_guard.core.flaws import FlawError
from api_guard.core.images import frames_of
from api_guard.fields import SafeImageField

MOST = 5_000_000


def image(kind, size=(4, 4), **options):
    out = io.BytesIO()
    Image.new("RGB", size).save(out, kind, **options)
    return out.getvalue()


JPEG, PNG, GIF, WEBP = map(image, ("JPEG", "PNG", "GIF", "WEBP"))
COLOR = b",\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0"


def chunk(name, data=b""):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def segment(marker, data=b""):
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(data) + 2) + data


def within(before, part, after):
    """Return a file of five megabytes, which this part fills."""
    times = (MOST - len(before) - len(after)) // len(part)
    return before + part * times + after


photoshop = segment(0xED, b"Photoshop 3.0\0" + b"8BIM\x04\x00\0\0\0\0\0\0" * 5400)
directory = segment(0xE1, b"Exif\0\0" + b"x" * 65_000)
HOSTILE = {
    "a.jpg fill bytes": within(JPEG[:2], b"\xff", JPEG[2:]),
    "a.jpg junk": within(JPEG[:20], b"\x01", JPEG[20:]),
    "a.jpg junk and nothing else": within(JPEG[:20], b"\x01", b""),
    "a.jpg empty segments": within(JPEG[:2], segment(0xE1), JPEG[2:]),
    "a.jpg comments": within(JPEG[:2], segment(0xFE, b"x"), JPEG[2:]),
    "a.jpg markers": within(JPEG[:2], b"\xff\xd8", JPEG[2:]),
    "a.jpg hidden segments": within(JPEG[:2] + b"\xff\xf0\xff\xff", segment(0xFE), JPEG[2:]),
    "a.jpg profiles": within(JPEG[:2], segment(0xE2, b"ICC_PROFILE\0\1\2"), JPEG[2:]),
    "a.jpg resources": within(JPEG[:2], photoshop, JPEG[2:]),
    "a.jpg directories": within(JPEG[:2], directory, JPEG[2:]),
    "a.png chunks": within(PNG[:33], chunk(b"aaAa"), PNG[33:]),
    "a.png texts": within(PNG[:33], chunk(b"tEXt", b"a\0b"), PNG[33:]),
    "a.png data": within(PNG[:-12], chunk(b"IDAT"), PNG[-12:]),
    "a.gif comments": within(GIF[:-1], b"\x21\xfe\x01x\x00", b";"),
    "a.gif comments first": within(GIF[:13], b"\x21\xfe\x01x\x00", GIF[13:]),
    "a.gif one comment": within(GIF[:-1] + b"\x21\xfe", b"\x01x", b"\0;"),
    "a.gif junk": within(GIF[:-1], b"\0", b";"),
    "a.gif frames": within(GIF[:-1], COLOR, b";"),
}


def refused(name, content):
    field = SafeImageField(max_size=MOST + 1000)
    started = time.process_time()
    with pytest.raises(ValidationError) as caught:
        field.run_validation(SimpleUploadedFile(name, content))
    return caught.value.detail[0].code, time.process_time() - started


@pytest.mark.parametrize("name", HOSTILE)
def test_a_million_parts_are_refused_at_once(name):
    code, seconds = refused(name.partition(" ")[0], HOSTILE[name])
    assert code == "too_many_parts"
    assert seconds < 0.5


@pytest.mark.parametrize(
    "extension",
    [
        # Where these end, decoders do not agree: one of them reads on.
        b"\x21\xff\x00",
        b"\x21\x01\x00",
        b"\x21\xff\x0bNETSCAPE2.0\x00",
    ],
)
def test_a_block_that_decoders_read_in_two_ways_is_refused(extension):
    content = GIF[:-1] + extension + b"\x02x" * 10 + b"\0;"
    assert refused("a.gif", content)[0] == "invalid_image"


def whole(kind, name, **options):
    # No image of one colour: as long as those that people send.
    picture = Image.effect_noise((1500, 1200), 80).convert("RGB")
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return name, out.getvalue()


def animation(kind, name):
    frames = [Image.effect_noise((60, 60), 80) for _ in range(300)]
    out = io.BytesIO()
    frames[0].save(out, kind, save_all=True, append_images=frames[1:])
    return name, out.getvalue()


EXIF = Image.Exif()
EXIF[0x010E] = "a picture " * 3000


@pytest.mark.parametrize(
    ("name", "content"),
    [
        whole("JPEG", "a.jpg", quality=95, exif=EXIF, comment=b"c" * 60_000),
        whole("JPEG", "a.jpg", progressive=True, icc_profile=b"p" * 900_000),
        whole("JPEG", "a.jpg", restart_marker_blocks=1),
        whole("PNG", "a.png"),
        whole("PNG", "a.png", compress_level=0),
        whole("GIF", "a.gif", comment=b"c" * 60_000),
        whole("WEBP", "a.webp", lossless=True),
        animation("GIF", "a.gif"),
        animation("PNG", "a.png"),
        animation("WEBP", "a.webp"),
        ("a.gif", GIF[:-1] + b"\0\0" + COLOR + b";"),
        ("a.gif", GIF[:-1] + b"\x21\xfe\x00" + COLOR + b";"),
        ("a.jpg", JPEG[:2] + b"\xff" * 1000 + JPEG[2:]),
    ],
)
def test_images_as_encoders_make_them_pass(name, content):
    field = SafeImageField(max_size=20_000_000)
    assert field.run_validation(SimpleUploadedFile(name, content)).read() == content


def test_frames_of_a_gif_are_counted_without_a_decoder():
    _, content = animation("GIF", "a.gif")
    with Image.open(io.BytesIO(content)) as opened:
        assert frames_of("gif", content) == opened.n_frames == 300
    assert frames_of("webp", WEBP) is None


anything = st.binary(max_size=30) | st.sampled_from([JPEG, PNG, GIF, COLOR, b"\xff"])


@given(st.sampled_from(["jpeg", "png", "gif"]), st.lists(anything, max_size=8))
def test_what_is_no_image_at_all_is_walked_without_a_fault(kind, parts):
    frames = None
    with suppress(FlawError):
        frames = frames_of(kind, b"".join(parts))
    assert frames is None or (kind == "gif" and frames >= 0)
