"""What files of people are: office documents, sound, films and text; archives have bounds."""

from __future__ import annotations

import contextlib
import io
import random
import struct
import sys
import time
import zipfile
import zlib

import puremagic
import pytest
from django.core.files import File
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from rest_framework import serializers

from api_guard import forms
from api_guard.core.files import KINDS
from api_guard.core.flaws import FlawError
from api_guard.exceptions import GuardError
from api_guard.fields import SafeFileField, SafeImageField
from api_guard.input.contents import register_kind, without_position

OFFICE = "application/vnd.openxmlformats-officedocument"
OPEN = "application/vnd.oasis.opendocument"


def archive(contents, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for name, content in contents.items():
            # Of one moment, for the workers of a run name their tests by it.
            info = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            file.writestr(info, content, zipfile.ZIP_STORED if name == "mimetype" else method)
    return out.getvalue()


def office(kind, part, **more):
    types = f'<Types><Override PartName="/{part}" ContentType="{OFFICE}.{kind}.main+xml"/></Types>'
    return archive({"[Content_Types].xml": types, "_rels/.rels": "<r/>", part: "<w/>", **more})


def opened(kind, **more):
    return archive({"mimetype": f"{OPEN}.{kind}", "content.xml": "<x/>", **more})


def box(name, content=b""):
    return struct.pack(">I4s", 8 + len(content), name) + content


def boxed(brand, *others, then):
    compatible = b"".join(others)
    return box(b"ftyp", brand + b"\0\0\0\0" + compatible) + box(b"free") + box(then, b"\0" * 20)


FRAME = b"\xff\xfb\x90\x64" + b"\0" * 413
TAG = b"ID3\x03\0\0\0\0\0\x0a" + b"\0" * 10
CALENDAR = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nSUMMARY:\xc3\xa4\r\nEND:VCALENDAR\r\n"

FILES = [
    ("csv", "a.csv", b"\xef\xbb\xbfName;Ort\r\nJ\xc3\xb6rg;K\xc3\xb6ln\r\n", "text/csv"),
    ("text", "a.csv", b"\xef\xbb\xbfa;b\r\n", "text/plain"),
    (
        "text",
        "a.txt",
        "Sil\u00adbe\ufeff \u200b🏴\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f"
        "".encode(),
        "text/plain",
    ),
    ("markdown", "README.md", b"# Title\n\n* <b>a</b>\n", "text/markdown"),
    ("json", "a.json", b'{"a": [1, 2.5, null]}', "application/json"),
    ("json", "a.json", b"\xef\xbb\xbf[]", "application/json"),
    ("ics", "a.ics", CALENDAR, "text/calendar"),
    (
        "docx",
        "a.docx",
        office("wordprocessingml.document", "word/document.xml"),
        f"{OFFICE}.wordprocessingml.document",
    ),
    (
        "xlsx",
        "a.xlsx",
        office("spreadsheetml.sheet", "xl/workbook.xml"),
        f"{OFFICE}.spreadsheetml.sheet",
    ),
    (
        "pptx",
        "a.pptx",
        office("presentationml.presentation", "ppt/presentation.xml"),
        f"{OFFICE}.presentationml.presentation",
    ),
    ("odt", "a.odt", opened("text"), f"{OPEN}.text"),
    ("ods", "a.ods", opened("spreadsheet"), f"{OPEN}.spreadsheet"),
    ("odp", "a.odp", opened("presentation"), f"{OPEN}.presentation"),
    ("heic", "a.heic", boxed(b"heic", b"mif1", b"heic", then=b"meta"), "image/heic"),
    ("heic", "a.heif", boxed(b"mif1", b"mif1", b"miaf", b"heic", then=b"meta"), "image/heic"),
    ("avif", "a.avif", boxed(b"avif", b"mif1", then=b"meta"), "image/avif"),
    ("mp4", "a.mp4", boxed(b"isom", b"isom", b"mp41", then=b"moov"), "video/mp4"),
    ("mp4", "a.m4v", boxed(b"mp42", then=b"moof"), "video/mp4"),
    ("mp3", "a.mp3", TAG + FRAME * 3, "audio/mpeg"),
    ("mp3", "a.mp3", TAG + b"\0" * 2000 + FRAME * 2, "audio/mpeg"),
    ("mp3", "a.mp3", FRAME * 2, "audio/mpeg"),
    ("mp3", "a.mp3", (b"\xff\xf3\x40\xc4" + b"\0" * 100) * 2, "audio/mpeg"),
    ("zip", "a.zip", archive({"a/b.txt": b"x" * 10_000, "ü.txt": b""}), "application/zip"),
]
ALL = SafeFileField(types=[*KINDS], max_size=20_000_000)


def upload(content, name="a.zip"):
    return SimpleUploadedFile(name, content, content_type="text/html")


def code_of(field, content, name="a.zip"):
    with pytest.raises(serializers.ValidationError) as caught:
        field.run_validation(upload(content, name))
    return caught.value.detail[0].code


@pytest.mark.parametrize(("kind", "name", "content", "content_type"), FILES)
def test_a_file_of_people_can_be_allowed(kind, name, content, content_type):
    file = SafeFileField(types=[kind]).run_validation(upload(content, name))
    assert (file.content_type, file.read()) == (content_type, content)
    assert forms.SafeFileField(types=[kind]).clean(upload(content, name)).name == name
    assert ALL.run_validation(upload(content, name)).read() == content


def test_what_pillow_and_libraries_write_is_what_it_is():
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "AVIF")
    field = SafeFileField(types=["avif", "heic", "mp4"])
    assert field.run_validation(upload(out.getvalue(), "a.avif")).content_type == "image/avif"


@pytest.mark.parametrize(
    ("kind", "name", "content"),
    [
        ("json", "a.json", b"{"),
        ("json", "a.json", b'{"a": 1} x'),
        ("json", "a.json", b"[" * 100_000),
        ("json", "a.json", b"<script>"),
        ("json", "a.json", b'["\xff"]'),
        ("ics", "a.ics", b"hello"),
        ("ics", "a.ics", b"BEGIN:VCALENDAR"),
        ("ics", "a.ics", b" "),
        ("csv", "a.csv", b"a\x00b"),
        ("csv", "a.csv", "ä".encode("utf-16")),
        ("markdown", "a.md", b"MZ\x90\x00"),
        ("text", "a.txt", "a\u202eb".encode()),
        ("text", "a.txt", b"a\n" * 40_000 + b"\xc3"),
        ("text", "a.txt", "a\U000e0041".encode()),
        ("docx", "a.docx", archive({"a.txt": "x"})),
        ("docx", "a.docx", office("spreadsheetml.sheet", "xl/workbook.xml")),
        (
            "docx",
            "a.docx",
            office("wordprocessingml.document", "w.xml", **{"word/vbaProject.bin": "x"}),
        ),
        ("odt", "a.odt", opened("spreadsheet")),
        ("odt", "a.odt", opened("text", **{"Basic/Standard/Module1.xml": "x"})),
        ("odt", "a.odt", archive({"a": "x"})),
        ("heic", "a.heic", boxed(b"isom", then=b"moov")),
        ("heic", "a.heic", boxed(b"heic", then=b"free")),
        ("heic", "a.heic", box(b"ftyp", b"heic\0\0\0\0") + struct.pack(">I4s", 4, b"meta")[:7]),
        ("avif", "a.avif", box(b"ftyp", b"avif\0\0\0\0") + struct.pack(">I4sQ", 1, b"free", 10**9)),
        ("mp4", "a.mp4", b"\0\0\0\x18ftypisom" + b"<script>alert(1)</script>" * 3),
        ("mp4", "a.mp4", box(b"ftyp", b"isom\0\0\0\0") + box(b"free") * 20_000),
        ("mp3", "a.mp3", b"ID3\x03\0\0\0\0\0\x0a<script>alert(1)</script>"),
        ("mp3", "a.mp3", b"\xff\xfb\x90\x64" + b"<script>alert(1)</script>" * 40),
        ("mp3", "a.mp3", b"\xff\xfb" * 2000),
        ("mp3", "a.mp3", b"\xff\xfb\xf0\x64" * 2000),
    ],
)
def test_what_only_begins_as_a_kind_is_none(kind, name, content):
    assert code_of(SafeFileField(types=[kind]), content, name) == "wrong_type"


def test_a_kind_is_chosen_by_the_name_among_those_that_it_may_be():
    both = SafeFileField(types=["zip", "docx", "text", "json"])
    docx = office("wordprocessingml.document", "word/document.xml")
    assert both.run_validation(upload(docx, "a.docx")).content_type.endswith("document")
    assert both.run_validation(upload(docx, "a.zip")).content_type == "application/zip"
    assert both.run_validation(upload(b"{}", "a.txt")).content_type == "text/plain"
    assert code_of(both, archive({"a": "x"}), "a.docx") == "wrong_type"
    assert code_of(both, docx, "a.json") == "wrong_extension"


def changed(content, find, replacement):
    assert find in content
    return content.replace(find, replacement)


def listed(entries, tail=b""):
    """Return an archive whose directory lists one deflated entry so often."""
    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = packed.compress(b"\0" * 1_000_000) + packed.flush()
    local = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 8, 0, 0, 0, len(body), 1_000_000, 1, 0)
    entry = struct.pack(
        "<4s6H3L5H2L",
        b"PK\x01\x02",
        20,
        20,
        0,
        8,
        0,
        0,
        0,
        len(body),
        1_000_000,
        1,
        0,
        0,
        0,
        0,
        0,
        0,
    )
    start = len(local) + 1 + len(body)
    size = len(entry + b"a") * entries
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, entries, entries, size, start, 0)
    return local + b"a" + body + (entry + b"a") * entries + end + tail


PLAIN = archive({"a.txt": b"hello" * 100, "b.txt": b"x"}, zipfile.ZIP_STORED)
PACKED = archive({"a.txt": b"hello" * 100})
NAMED = archive({"ü": b"x"})
BOMB = changed(
    archive({"a": b"\0" * 100_000_000}), struct.pack("<L", 100_000_000), struct.pack("<L", 9)
)
LYING = changed(PACKED, struct.pack("<L", 500), struct.pack("<L", 5))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (archive({f"{number}": b"" for number in range(1001)}), "too_many_entries"),
        (archive({"a": b"\0" * 105_000_000}), "too_large_unpacked"),
        (listed(200), "too_large_unpacked"),
        (listed(50), "invalid_archive"),
        (LYING, "invalid_archive"),
        (BOMB, "invalid_archive"),
        (changed(PACKED, struct.pack("<L", 500), struct.pack("<L", 501)), "invalid_archive"),
        (
            changed(PLAIN, b"\x50\x4b\x05\x06\0\0\0\0\2\0\2", b"PK\5\6\0\0\0\0\3\0\3"),
            "invalid_archive",
        ),
        (
            changed(PLAIN, b"\x50\x4b\x05\x06\0\0\0\0\2\0\2", b"PK\5\6\0\0\0\0\1\0\1"),
            "invalid_archive",
        ),
        (changed(NAMED, "ü".encode(), b"\xff\xff"), "invalid_archive"),
        (PLAIN[:-1], "invalid_archive"),
        (PLAIN[:40], "invalid_archive"),
        (PLAIN + b"tail", "invalid_archive"),
        (PLAIN[:30] + b"gap" + PLAIN[30:], "invalid_archive"),
        (b"PK\x03\x04rest", "invalid_archive"),
        (changed(PACKED, b"PK\x01\x02", b"PK\x01\x03"), "invalid_archive"),
        (PACKED[:30] + b"b" + PACKED[31:], "invalid_archive"),
        (PACKED[:28] + b"\xff\xff" + PACKED[30:], "invalid_archive"),
        (PACKED[:38] + b"\xff" * 5 + PACKED[43:], "invalid_archive"),
        (PACKED[:35] + b"\xff" + PACKED[36:], "invalid_archive"),
        (archive({"../a": b"x"}), "invalid_archive"),
        (archive({"/a": b"x"}), "invalid_archive"),
        (archive({"a\\..\\b": b"x"}), "invalid_archive"),
        (archive({"c:a": b"x"}), "invalid_archive"),
        (archive({"a": b"x"}, zipfile.ZIP_LZMA), "invalid_archive"),
        (archive({"a": b"x"}, zipfile.ZIP_BZIP2), "invalid_archive"),
        (b"%PDF-1.7" + PLAIN, "wrong_type"),
    ],
)
def test_an_archive_without_bounds_or_with_tricks_is_refused(content, code):
    start = time.thread_time()
    assert code_of(SafeFileField(types=["zip"], max_size=20_000_000), content) == code
    assert time.thread_time() - start < (1 if sys.gettrace() is None else 5)


def test_the_bounds_of_an_archive_are_parameters():
    many = archive({f"{number}": b"ab" for number in range(20)})
    assert SafeFileField(types=["zip"], max_entries=20, max_unpacked=40).run_validation(
        upload(many)
    )
    assert code_of(SafeFileField(types=["zip"], max_entries=19), many) == "too_many_entries"
    assert code_of(SafeFileField(types=["zip"], max_unpacked=39), many) == "too_large_unpacked"


def test_an_archive_may_have_a_comment_and_names_of_old():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("ü/a.txt", "x" * 100_000, zipfile.ZIP_DEFLATED)
        file.comment = b"made by hand"
    assert SafeFileField(types=["zip"]).run_validation(upload(out.getvalue()))


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(PACKED) - 1), st.integers(0, 255))
def test_a_damaged_archive_is_a_flaw_and_no_error(place, byte):
    content = PACKED[:place] + bytes([byte]) + PACKED[place + 1 :]
    field = SafeFileField(types=["zip", "docx", "odt"])
    codes = set()
    try:
        field.run_validation(upload(content))
    except serializers.ValidationError as error:
        codes = {each.code for each in error.detail}
    assert codes <= {"invalid_archive", "too_large_unpacked", "wrong_type"}


@pytest.mark.parametrize(
    "name",
    [
        "a.php;.png",
        "a.php%00.png",
        "a.php .png",
        "a.asp;b.png",
        "a.PHP5.png",
        "a.shtml.png",
        "a.svg.png",
        "a.php%2e.png",
        "..%2fa.png",
        "a%5cb.png",
        "a%00.png",
        "COM¹.png",
        "lpt².png",
        "COM0.png",
        "CON .png",
        "CON  .a.png",
        "con.png",
        "CONOUT$.png",
        "aux.png",
        "a.png::$DATA.png",
    ],
)
def test_a_name_that_a_server_or_windows_reads_otherwise_is_refused(name):
    out = io.BytesIO()
    Image.new("RGB", (4, 4)).save(out, "PNG")
    assert code_of(SafeImageField(), out.getvalue(), name) == "invalid_name"


@pytest.mark.parametrize(
    "name",
    [
        "100%.png",
        "50% off; really.png",
        "a.b.c.png",
        "Konrad.png",
        "com10.png",
        "my php notes.png",
        "v1.2;draft.png",
        "Größe (1).png",
        "примѣр.png",
        "a.python.png",
    ],
)
def test_a_name_of_people_is_none_of_those(name):
    out = io.BytesIO()
    Image.new("RGB", (4, 4)).save(out, "PNG")
    assert SafeImageField().run_validation(upload(out.getvalue(), name)).name == name


def test_what_is_left_over_in_a_name_is_dropped():
    file = SafeFileField(types=["text"]).run_validation(upload(b"x", "\ufeffa\u200bb.txt"))
    assert file.name == "ab.txt"


def photo(kind, **options):
    """Return a photo that was taken in Berlin, with a camera's name and a caption."""
    picture = Image.radial_gradient("L").resize((32, 32)).convert("RGB")
    exif = Image.Exif()
    exif[0x010F] = "Camera"
    exif[0x0112] = 6
    gps = exif.get_ifd(0x8825)
    gps |= {1: "N", 2: (52.0, 31.0, 12.5), 3: "E", 4: (13.0, 24.0, 17.25), 29: "2026:01:01"}
    out = io.BytesIO()
    picture.save(out, kind, exif=exif, **options)
    return out.getvalue()


XMP = (
    b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF><rdf:Description exif:GPSLatitude='52,31.2N'"
    b" dc:title='x'><exif:GPSLongitude>13,24.3E</exif:GPSLongitude></rdf:Description></rdf:RDF>"
    b"</x:xmpmeta>"
)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_the_position_is_taken_out_of_a_photo_and_nothing_else(kind):
    content = photo(kind, xmp=XMP) if kind != "PNG" else photo(kind)
    types = SafeFileField if kind == "AVIF" else SafeImageField
    field = types(types=[kind.lower()], keep_position=False)
    file = field.run_validation(upload(content, f"a.{kind.lower()}"))
    cleaned = file.read()
    assert len(cleaned) == len(content)
    assert file.size == len(content)
    with Image.open(io.BytesIO(content)) as before, Image.open(io.BytesIO(cleaned)) as after:
        assert dict(before.getexif().get_ifd(0x8825)) != {}
        assert dict(after.getexif().get_ifd(0x8825)) == {}
        assert after.getexif()[0x010F] == "Camera"
        assert after.getexif()[0x0112] == 6
        assert before.convert("RGB").tobytes() == after.convert("RGB").tobytes()
    assert b"GPSL" not in cleaned
    assert b"13,24" not in cleaned
    assert kind == "PNG" or b"dc:title='x'" in cleaned
    assert without_position(cleaned) == cleaned
    kept = types(types=[kind.lower()]).run_validation(upload(content, f"a.{kind.lower()}"))
    assert kept.read() == content


def chunk(name, content):
    sum_ = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", sum_)


def test_positions_that_png_keeps_packed_are_taken_out():
    png = photo("PNG")
    packed = zlib.compress(b"\nexif\n  20\n45786966")
    hidden = chunk(b"zTXt", b"Raw profile type exif\0\0" + packed)
    said = chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(XMP))
    plain = chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)
    content = png[:33] + hidden + said + plain + png[33:]
    file = SafeImageField(keep_position=False).run_validation(upload(content, "a.png"))
    cleaned = file.read()
    assert packed not in cleaned
    assert zlib.compress(XMP) not in cleaned
    assert b"GPSL" not in cleaned
    with Image.open(io.BytesIO(cleaned)) as image:
        image.verify()


def test_a_file_on_disk_is_written_in_its_place():
    content = photo("JPEG")
    with TemporaryUploadedFile("a.jpg", "image/jpeg", len(content), None) as file:
        file.write(content)
        file.seek(0)
        SafeImageField(keep_position=False).run_validation(file)
        with open(file.temporary_file_path(), "rb") as stored:
            assert stored.read() == without_position(content) != content


def test_a_photo_without_a_position_or_that_cannot_be_written_is_read_alike(tmp_path):
    out = io.BytesIO()
    Image.new("RGB", (4, 4)).save(out, "JPEG")
    field = SafeImageField(keep_position=False)
    assert field.run_validation(upload(out.getvalue(), "a.jpg")).read() == out.getvalue()
    path = tmp_path / "a.jpg"
    path.write_bytes(photo("JPEG"))
    with path.open("rb") as opened_:
        file = File(opened_, name="a.jpg")
        field.upload.clean(file)
        assert file.read() == without_position(photo("JPEG"))
    assert path.read_bytes() == photo("JPEG")


def test_metadata_that_would_cost_are_refused_and_others_are_left():
    for content in (b"II*\0" * 300_000, b"MM\0*" + b"\0\0\0\x08\xff\xff" + b"\0" * 800_000):
        start = time.thread_time()
        with contextlib.suppress(FlawError):
            assert len(without_position(content)) == len(content)
        assert time.thread_time() - start < (1 if sys.gettrace() is None else 10)
    many = b"II*\0\x08\0\0\0\xff\xff" + b"\1" * 800_000
    with pytest.raises(FlawError, match="too much metadata"):
        without_position(many)


def test_random_bytes_are_no_error():
    rand = random.Random(1)
    base = photo("JPEG")
    for _ in range(300):
        content = bytearray(base)
        for _ in range(8):
            content[rand.randrange(len(content))] = rand.randrange(256)
        assert len(without_position(bytes(content))) == len(content)
    for size in range(60):
        without_position(b"\x89PNG\r\n\x1a\n" + b"II*\0" + rand.randbytes(size))


@pytest.fixture
def _kinds():
    before = dict(KINDS)
    yield
    KINDS.clear()
    KINDS.update(before)


@pytest.mark.usefixtures("_kinds")
def test_a_kind_of_ones_own_is_told_by_its_bytes_a_function_or_puremagic():
    register_kind("tiff", "image/tiff", extensions=["tif", ".tiff"], signature=rb"II\*\0|MM\0\*")
    out = io.BytesIO()
    Image.new("RGB", (2, 2)).save(out, "TIFF")
    assert SafeFileField(types=["tiff"]).run_validation(upload(out.getvalue(), "a.tif"))

    register_kind(
        "dump",
        "application/x-dump",
        extensions=["dump"],
        signature=rb"DUMP",
        check=lambda file: file.read().endswith(b"end"),
    )
    field = SafeFileField(types=["dump"])
    assert field.run_validation(upload(b"DUMP end", "a.dump")).content_type == "application/x-dump"
    assert code_of(field, b"DUMP", "a.dump") == "wrong_type"

    register_kind("flac", "audio/flac", extensions=["flac"])
    field = SafeFileField(types=["flac", "png"])
    assert puremagic.magic_string(b"fLaC\0\0\0\x22" + b"\0" * 50)
    assert field.run_validation(upload(b"fLaC\0\0\0\x22" + b"\0" * 50, "a.flac"))
    assert code_of(field, b"MZ\x90\0" + b"\0" * 50, "a.flac") == "wrong_type"
    assert code_of(field, b"nothing that anybody knows", "a.flac") == "wrong_type"
    assert code_of(field, b"fLaC\0\0\0\x22" + b"\0" * 50, "a.exe") == "wrong_extension"


@pytest.mark.usefixtures("_kinds")
def test_a_kind_that_cannot_be_is_an_error_at_import(monkeypatch):
    with pytest.raises(GuardError, match="'pdf' already exists"):
        register_kind("pdf", "application/pdf", extensions=["pdf"], signature=b"x")
    with pytest.raises(GuardError, match="Browsers execute image/svg"):
        register_kind("svg", "image/svg+xml", extensions=["svg"], signature=b"<svg")
    monkeypatch.setitem(sys.modules, "puremagic", None)
    with pytest.raises(GuardError, match=r'pip install "drf-api-guard\[files\]"'):
        register_kind("flac", "audio/flac", extensions=["flac"])


@pytest.mark.parametrize(
    ("packet", "left"),
    [
        (b'<exif:GPSLatitude a="1"/>a', b"a"),
        (b"<exif:GPSLatitude>48,8N</exif:GPSLatitude>a", b"a"),
        (b"<exif:GPSLatitude>1<exif:GPSLatitude>2</exif:GPSLatitude>a", b"a"),
        (b"a</exif:GPSLatitude>b", b"a</exif:GPSLatitude>b"),
        (b"<exif:GPSLatitude>b", b"<exif:GPSLatitude>b"),
        (b"<photoshop:City>Paris</photoshop:City >a", b"a"),
        (b"<rdf:li exif:GPSLatitude = '48'>a</rdf:li>", b"<rdf:li>a</rdf:li>"),
    ],
)
def test_places_in_adobe_s_metadata_become_spaces(packet, left):
    content = b"\xff\xd8<x:xmpmeta>" + packet + b"</x:xmpmeta>"
    cleaned = without_position(content)
    assert len(cleaned) == len(content)
    assert cleaned.replace(b" ", b"") == b"\xff\xd8<x:xmpmeta>" + left.replace(b" ", b"") + (
        b"</x:xmpmeta>"
    )


@pytest.mark.parametrize("part", [b"II*\0", b"<rdf:RDF></rdf:RDF>", b"<exif:GPSA>"])
def test_more_metadata_than_any_image_has_are_not_searched(part):
    with pytest.raises(FlawError):
        without_position(b"\xff\xd8<x:xmpmeta>" + part * 20_001 + b"</x:xmpmeta>")
