"""Whatever an image of five megabytes is made of, it is judged in half a second."""

from __future__ import annotations

import io
import os
import struct
import time
import zlib
from contextlib import suppress

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image
from rest_framework.exceptions import ValidationError

from api_guard.fields import SafeFileField, SafeImageField
from tests.test_images import GIF, JPEG, MOST, PNG, chunk, segment

WEBP = io.BytesIO()
Image.new("RGB", (4, 4)).save(WEBP, "WEBP")
WEBP = WEBP.getvalue()
NOISE = os.urandom(60_000)


def box(name, data=b""):
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def riff(*boxes):
    data = b"WEBP" + b"".join(boxes)
    return b"RIFF" + struct.pack("<I", len(data)) + data


def scan_of(content, marker):
    start = content.index(bytes([0xFF, marker]))
    return start, content[start:]


def jpeg(segments):
    """Return a JPEG with these segments before its own."""
    return JPEG[:2] + segments[: MOST - len(JPEG)] + JPEG[2:]


def many(part):
    return part * (MOST // len(part))


def progressive():
    out = io.BytesIO()
    Image.effect_noise((64, 64), 80).save(out, "JPEG", progressive=True)
    content = out.getvalue()
    start = content.index(b"\xff\xda")
    return content[:start] + many(content[start:-2])[: MOST - start - 2] + content[-2:]


def directory(entries, following, *, kind=4, count=1, value=0):
    entry = struct.pack("<HHII", 0x8769, kind, count, value)
    return struct.pack("<H", entries) + entry * entries + struct.pack("<I", following)


def exif(data):
    return b"Exif\0\0II*\0\x08\0\0\0" + data


def packed(megabytes):
    """Return this many megabytes, packed, without packing them."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    first = packer.compress(b"a" * 1_000_000) + packer.flush(zlib.Z_FULL_FLUSH)
    return b"\x78\xda" + first * megabytes + b"\x03\0" + b"\0\0\0\0"


def text(megabytes):
    return b"k\0\0" + packed(megabytes)


def itxt(megabytes):
    return b"k\0\1\0\0\0" + packed(megabytes)


def png(chunks):
    return PNG[:33] + chunks[: MOST - len(PNG)] + PNG[33:]


def frame(number, size=1):
    control = struct.pack(">IIIIIHHBB", number, size, size, 0, 0, 1, 100, 0, 0)
    return chunk(b"fcTL", control) + chunk(b"fdAT", struct.pack(">I", number + 1) + b"x")


def frames_of_png(count, declared):
    head = chunk(b"acTL", struct.pack(">II", declared, 0))
    parts = b"".join(frame(2 * number) for number in range(count))
    return PNG[:33] + head + PNG[33:-12] + parts + PNG[-12:]


def gif(*blocks):
    return GIF[:-1] + b"".join(blocks) + b";"


def mpf(entries):
    """Return a directory of many images in one JPEG (CIPA DC-007)."""
    count = len(entries) // 16
    fields = struct.pack("<HHII", 0xB000, 7, 4, int.from_bytes(b"0100", "little"))
    fields += struct.pack("<HHII", 0xB001, 4, 1, count)
    fields += struct.pack("<HHII", 0xB002, 7, len(entries), 50)
    return segment(
        0xE2, b"MPF\0II*\0\x08\0\0\0" + struct.pack("<H", 3) + fields + b"\0\0\0\0" + entries
    )


TABLE = b"\0" + bytes(range(1, 65))
HUFFMAN = b"\0" + b"\0" * 15 + b"\1" + b"\0"
EMPTY_FRAME = b",\0\0\0\0\0\0\0\0\0\x02\x00"
ANMF = box(b"ANMF", b"\0" * 16 + box(b"VP8L", b"\x2f\0\0\0\0"))
VP8X = box(b"VP8X", b"\x02\0\0\0" + b"\3\0\0\3\0\0")
ANIM = box(b"ANIM", b"\0" * 6)
SLOW = {
    "a.jpg tables in one segment": jpeg(many(segment(0xDB, TABLE * 1000))),
    "a.jpg tables of 16 bits": jpeg(many(segment(0xDB, (b"\x10" + b"\1" * 128) * 500))),
    "a.jpg tables one by one": jpeg(many(segment(0xDB, TABLE))),
    "a.jpg codes": jpeg(many(segment(0xC4, HUFFMAN * 3000))),
    "a.jpg restart intervals": jpeg(many(segment(0xDD, b"\0\1"))),
    "a.jpg restart markers": jpeg(many(b"\xff\xd0\xff\xd1\xff\xd2")),
    "a.jpg restart markers in the scan": JPEG[:-2] + many(b"\xff\xd0")[: MOST - 700] + JPEG[-2:],
    "a.jpg scans": progressive(),
    "a.jpg frames": jpeg(many(segment(0xC0, b"\x08\0\4\0\4\3" + b"\1\x11\0" * 3))),
    "a.jpg frames of 255 colours": jpeg(
        many(segment(0xC0, b"\x08\0\4\0\4\xff" + b"\1\x11\0" * 255))
    ),
    "a.jpg comments": jpeg(many(segment(0xFE, NOISE))),
    "a.jpg other segments": jpeg(many(segment(0xE5, NOISE))),
    "a.jpg profiles": jpeg(
        b"".join(segment(0xE2, b"ICC_PROFILE\0%c\x50" % n + NOISE) for n in range(80))
    ),
    "a.jpg a loop of directories": jpeg(segment(0xE1, exif(directory(1, 8, value=8)))),
    "a.jpg directories": jpeg(segment(0xE1, exif(directory(5000, 8, value=8))) * 4),
    "a.jpg a count of 4 billion": jpeg(
        segment(0xE1, exif(directory(5000, 0, kind=2, count=2**32 - 1, value=8))) * 4
    ),
    "a.jpg values over one another": jpeg(
        segment(0xE1, exif(directory(5000, 0, kind=5, count=7000, value=8))) * 4
    ),
    "a.jpg Adobe's metadata": jpeg(
        many(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + b"<x:xmpmeta" * 6000))
    ),
    "a.jpg Adobe's metadata in Adobe's metadata": jpeg(
        segment(0xE1, b"<x:xmpmeta") + many(segment(0xE5, b"<exif:GPSA>" * 5000)) + b"</x:xmpmeta>"
    ),
    "a.jpg elements without an end": jpeg(
        segment(0xE1, b"<x:xmpmeta")
        + many(segment(0xE5, b"<exif:GPSA<exif:GPSA " * 3000))[: MOST - 5000]
        + segment(0xE1, b"</x:xmpmeta>")
    ),
    "a.jpg names": jpeg(
        segment(0xE1, b"<x:xmpmeta")
        + b"".join(
            segment(0xE5, b"".join(b"<exif:GPS%dx%d>" % (m, n) for n in range(3000)))
            for m in range(90)
        )
        + segment(0xE1, b"</x:xmpmeta>")
    ),
    "a.jpg attributes": jpeg(
        segment(0xE1, b"<x:xmpmeta")
        + many(segment(0xE5, b"exif:GPSA =' exif:GPSB   " * 2500))[: MOST - 5000]
        + segment(0xE1, b"</x:xmpmeta>")
    ),
    "a.jpg short metadata": jpeg(many(segment(0xE5, b"<rdf:RDF></rdf:RDF>" * 3000))),
    "a.jpg headers of a TIFF": jpeg(many(segment(0xE5, b"II*\0" * 16_000))),
    "a.jpg images in one": jpeg(mpf(b"\0" * 16 * 4000)),
    "a.jpg many directories of images": jpeg(many(mpf(b"\0" * 16 * 4000))),
    "a.png data": PNG[:-12] + many(chunk(b"IDAT", b"x" * 1100))[: MOST - 80] + PNG[-12:],
    "a.png no data": PNG[:-12] + chunk(b"IDAT") * 900 + PNG[-12:],
    "a.png other chunks": png(many(chunk(b"aaAa", b"x" * 1100))),
    "a.png texts": png(many(chunk(b"tEXt", b"key\0" + b"x" * 1100))),
    "a.png packed text": png(chunk(b"zTXt", text(1)) * 900),
    "a.png packed text of Unicode": png(chunk(b"iTXt", itxt(1)) * 900),
    "a.png text of a gigabyte": png(chunk(b"zTXt", text(1000))),
    "a.png text of Unicode of a gigabyte": png(chunk(b"iTXt", itxt(1000))),
    "a.png as much packed text as may be": png(chunk(b"zTXt", text(1)) * 100),
    "a.png keys": png(b"".join(chunk(b"iTXt", b"%d" % n + itxt(1)) for n in range(900))),
    "a.png profiles": png(chunk(b"iCCP", text(1)) * 900),
    "a.png a profile of a gigabyte": png(chunk(b"iCCP", text(1000))),
    "a.png directories": png(chunk(b"eXIf", exif(directory(5000, 8, value=8))[6:]) * 80),
    "a.png palettes": png(chunk(b"PLTE", b"\1\2\3" * 256) * 900),
    "a.png transparency": png(chunk(b"tRNS", b"\1" * 256) * 900),
    "a.png frames": frames_of_png(400, 400),
    "a.png more frames than declared": frames_of_png(450, 1),
    "a.png a billion frames": frames_of_png(1, 2**30),
    "a.png headers": png(PNG[8:33] * 900),
    "a.png a packed image": PNG[:33] + chunk(b"IDAT", packed(1000)) + PNG[-12:],
    "a.gif frames of nothing": gif(EMPTY_FRAME * 5000),
    "a.gif a screen and frames": GIF[:6]
    + b"\xff\xff\xff\xff"
    + GIF[10:-1]
    + EMPTY_FRAME * 900
    + b";",
    "a.gif comments": gif(many(b"\x21\xfe" + b"\xff" + b"c" * 255 + b"\0")[: MOST - 60]),
    "a.gif long comments": gif((b"\x21\xfe" + (b"\xff" + b"c" * 255) * 900 + b"\0") * 21),
    "a.gif extensions": gif(b"\x21\xff\x0bXMP DataXMP" + (b"\xff" + b"c" * 255) * 19_000 + b"\0"),
    "a.gif controls": gif(b"\x21\xf9\x04\0\0\0\0\0" * 5000),
    "a.gif loops": gif(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0" * 5000),
    "a.gif palettes": gif((b",\0\0\0\0\1\0\1\0\x87" + b"\1" * 768 + b"\x02\x02\x44\x01\0") * 5000),
    "a.webp chunks": riff(VP8X, many(box(b"aaaa")), WEBP[12:]),
    "a.webp chunks behind": riff(WEBP[12:], many(box(b"aaaa"))),
    "a.webp long chunks": riff(VP8X, many(box(b"aaaa", NOISE)), WEBP[12:]),
    "a.webp frames": riff(VP8X, ANIM, many(ANMF)),
    "a.webp metadata": riff(
        VP8X.replace(b"\x02", b"\x0c", 1), many(box(b"EXIF", exif(directory(5000, 8))))
    ),
    "a.webp profiles": riff(
        VP8X.replace(b"\x02", b"\x20", 1), many(box(b"ICCP", NOISE)), WEBP[12:]
    ),
    "a.webp images": riff(many(WEBP[12:])),
    "a.webp no length": WEBP[:4] + b"\xff\xff\xff\xff" + WEBP[8:] + many(b"\0"),
    "a.png a loop of a TIFF": b"II*\0\x08\0\0\0" + directory(1, 8),
    "a.jpg a TIFF of directories": b"II*\0\x08\0\0\0" + many(directory(100, 8, value=8)),
    "a.gif an icon": b"\0\0\1\0\xff\xff" + many(b"\0\0\0\0\1\0\x20\0\xff\xff\0\0\x16\0\0\0"),
    "a.png a bitmap": b"BM\xff\xff\xff\x7f" + b"\0" * 12 + b"\xff\xff\xff\x7f" * 2,
    "a.png a bitmap with a header of a gigabyte": b"BM"
    + b"\0" * 12
    + b"\xff\xff\xff\x3f"
    + many(b"\0"),
}


# What Pillow says of a tag that it skips.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("field_class", [SafeImageField, SafeFileField])
@pytest.mark.parametrize("keep_position", [True, False])
@pytest.mark.parametrize("name", SLOW)
def test_an_image_is_judged_in_half_a_second(name, keep_position, field_class):
    field = field_class(
        types=["gif", "jpeg", "png", "webp"], max_size=6_000_000, keep_position=keep_position
    )
    content = SLOW[name]
    assert len(content) <= 6_000_000
    file = SimpleUploadedFile(name.partition(" ")[0], content)
    started = time.process_time()
    with suppress(ValidationError):
        assert field.run_validation(file).size == len(content)
    assert time.process_time() - started < 0.5


TOO_MANY = [
    "a.jpg tables in one segment",
    "a.png packed text",
    "a.png packed text of Unicode",
    "a.png profiles",
    "a.gif loops",
]


@pytest.mark.parametrize("name", TOO_MANY)
def test_what_a_decoder_would_take_seconds_for_is_refused(name):
    file = SimpleUploadedFile(name.partition(" ")[0], SLOW[name])
    with pytest.raises(ValidationError) as caught:
        SafeImageField().run_validation(file)
    assert caught.value.detail[0].code == "too_many_parts"


@pytest.mark.parametrize(
    "name",
    [
        "a.jpg Adobe's metadata in Adobe's metadata",
        "a.jpg short metadata",
        "a.jpg headers of a TIFF",
    ],
)
def test_more_metadata_than_any_image_has_are_refused_before_the_position_is_removed(name):
    file = SimpleUploadedFile(name.partition(" ")[0], SLOW[name])
    with pytest.raises(ValidationError) as caught:
        SafeImageField(keep_position=False).run_validation(file)
    assert caught.value.detail[0].code == "invalid_image"
