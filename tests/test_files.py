"""Files are what their names say, images as large as they may be."""

from __future__ import annotations

import io
import struct
import sys
import zipfile
import zlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image
from rest_framework import serializers

from api_guard.exceptions import GuardError
from api_guard.fields import SafeFileField, SafeImageField


def archive(contents, **options):
    """Return a zip archive of these files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in contents.items():
            info = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            file.writestr(info, content, zipfile.ZIP_DEFLATED, **options)
    return out.getvalue()


PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
ZIP = archive({"a.txt": b"a"})
HTML = b"<!doctype html><script>alert(1)</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'


def image(kind="PNG", size=(4, 4), **options):
    out = io.BytesIO()
    Image.new("RGB", size).save(out, kind, **options)
    return out.getvalue()


def huge_png(width, height):
    """Return a PNG whose head says a size that its few bytes do not hold."""

    def chunk(name, data):
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 100)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def upload(content, name="a.pdf"):
    return SimpleUploadedFile(name, content, content_type="text/html")


def codes(field, file):
    with pytest.raises(serializers.ValidationError) as caught:
        field.run_validation(file)
    return [error.code for error in caught.value.detail]


ANY = SafeFileField(types=["pdf", "png", "jpeg", "gif", "webp", "text", "zip"], max_size=20_000)


@pytest.mark.parametrize(
    ("name", "content", "content_type"),
    [
        ("a.pdf", PDF, "application/pdf"),
        ("A.PDF", PDF, "application/pdf"),
        ("résumé 2.pdf", PDF, "application/pdf"),
        ("a.b.pdf", PDF, "application/pdf"),
        ("a.png", image(), "image/png"),
        ("a.jpg", image("JPEG"), "image/jpeg"),
        ("a.jpeg", image("JPEG"), "image/jpeg"),
        ("a.gif", image("GIF"), "image/gif"),
        ("a.webp", image("WEBP"), "image/webp"),
        ("a.zip", ZIP, "application/zip"),
        ("a.txt", "häh\tja\n".encode(), "text/plain"),
        ("a.csv", b"a,b\r\n1,2\r\n", "text/plain"),
    ],
)
def test_a_file_is_named_by_its_content(name, content, content_type):
    file = ANY.run_validation(upload(content, name))
    assert file.content_type == content_type
    assert file.read() == content


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.pdf", HTML, "wrong_extension"),
        ("a.pdf", image(), "wrong_extension"),
        ("a.html", PDF, "wrong_extension"),
        ("a.svg", SVG, "wrong_extension"),
        ("a", PDF, "wrong_extension"),
        ("pdf", PDF, "wrong_extension"),
        ("a.txt", b"MZ\x90\x00", "wrong_type"),
        ("a.txt", b"\xff\xfe", "wrong_type"),
        ("a.txt", b"ab\xc3", "wrong_type"),
        ("a.txt", "a\u202eb".encode(), "wrong_type"),
        ("a.pdf", b"", "empty"),
        ("a.pdf", PDF + b"x" * 20_000, "too_large"),
        (".pdf", PDF, "invalid_name"),
        ("a.pdf ", PDF, "invalid_name"),
        ("con.pdf", PDF, "invalid_name"),
        ("nul.a.pdf", PDF, "invalid_name"),
        ("a.php.pdf", PDF, "invalid_name"),
        ("a.html.pdf", PDF, "invalid_name"),
        ("a..pdf", PDF, "invalid_name"),
        ("a:b.pdf", PDF, "invalid_name"),
        ("a*.pdf", PDF, "invalid_name"),
        ("a\u202efdp.exe.pdf", PDF, "bidi_control"),
        ("a\x00.pdf", PDF, "null_character"),
        ("a\n.pdf", PDF, "control_character"),
        (f"{'a' * 120}.pdf", PDF, "max_length"),
    ],
)
def test_a_file_that_lies_is_refused(name, content, code):
    assert codes(ANY, upload(content, name)) == [code]


def test_a_kind_that_is_not_asked_for_is_refused():
    field = SafeFileField(types=["pdf"])
    assert codes(field, upload(ZIP)) == ["wrong_type"]
    assert codes(field, upload(HTML)) == ["wrong_type"]
    assert codes(SafeFileField(types=["text"]), upload(ZIP, "a.txt")) == ["wrong_type"]
    assert codes(field, "a.pdf") == ["invalid"]


def test_a_long_text_is_read_in_pieces():
    field = SafeFileField(types=["text"])
    content = ("ä" * 100_001).encode()
    assert field.run_validation(upload(content, "a.txt")).read() == content


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "webp"])
def test_an_image_passes(kind):
    content = image(kind.upper())
    file = SafeImageField().run_validation(upload(content, f"a.{kind}"))
    assert (file.content_type, file.read()) == (f"image/{kind}", content)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (huge_png(50_000, 50_000), "too_many_pixels"),
        (huge_png(10_000, 10_000), "too_many_pixels"),
        (huge_png(5_001, 5_000), "too_many_pixels"),
        (image()[:30], "invalid_image"),
        (image()[:-6] + b"xxxxxx", "invalid_image"),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 50, "invalid_image"),
        (SVG, "wrong_type"),
        (HTML, "wrong_type"),
        (PDF, "wrong_type"),
    ],
)
def test_an_image_that_is_none_or_too_large_is_refused(content, code):
    assert codes(SafeImageField(), upload(content, "a.png")) == [code]


def test_the_frames_of_an_animation_count_together():
    out = io.BytesIO()
    frames = [Image.new("L", (100, 100), color) for color in range(10)]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    file = upload(out.getvalue(), "a.gif")
    assert SafeImageField(max_pixels=100_000).run_validation(file)
    assert codes(SafeImageField(max_pixels=99_999), file) == ["too_many_pixels"]


def test_a_field_declared_wrongly_says_what_to_write():
    with pytest.raises(GuardError, match=r'Write: SafeFileField\(types=\["pdf"\]\)'):
        SafeFileField()
    with pytest.raises(GuardError, match=r"named 'pfd'. Did you mean 'pdf'"):
        SafeFileField(types=["pfd"])
    with pytest.raises(GuardError, match="pdf: not an image type"):
        SafeImageField(types=["pdf"])
    assert SafeFileField(read_only=True).read_only


def test_without_pillow_an_image_field_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(GuardError, match=r'pip install "drf-api-guard\[images\]"'):
        SafeImageField()
    assert SafeImageField(read_only=True).read_only
