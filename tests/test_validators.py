"""The same rules for columns, in forms, in the admin, in the shell, and in templates."""

from __future__ import annotations

import io

import pytest
from django import forms as django_forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.serializers import deserialize
from django.db import connection, models
from django.db.migrations.writer import MigrationWriter
from django.template import Context, Template
from django.test import RequestFactory
from PIL import Image

from api_guard import forms, validators
from api_guard.exceptions import GuardError
from api_guard.fields import RichTextField

PDF = b"%PDF-1.7\n"


def png(size=(2, 2)):
    out = io.BytesIO()
    Image.new("RGB", size).save(out, "PNG")
    return out.getvalue()


@validators.validate_on_save
class Post(models.Model):
    title = models.CharField(
        max_length=30, validators=[validators.PlainTextValidator(one_script=True)]
    )
    body = models.TextField(blank=True, validators=[validators.RichTextValidator()])
    email = models.EmailField(blank=True, validators=[validators.PlainEmailValidator()])
    link = models.CharField(
        blank=True, max_length=200, validators=[validators.SafeURLValidator(public_only=True)]
    )
    extra = models.JSONField(default=dict, validators=[validators.BoundedJSONValidator()])
    paper = models.FileField(blank=True, validators=[validators.SafeFileValidator(types=["pdf"])])

    class Meta:
        app_label = "tests"
        managed = False


@pytest.fixture
def posts(transactional_db):
    with connection.schema_editor() as editor:
        editor.create_model(Post)
    yield Post.objects
    with connection.schema_editor() as editor:
        editor.delete_model(Post)


GOOD = {
    "title": "Fish & Chips <3",
    "body": '<p><a href="/x" rel="nofollow noopener">x</a></p>',
    "email": "a@example.com",
    "link": "https://example.com/",
    "extra": {"a": [1]},
}
BAD = [
    ("title", "a\u202eb", "bidi_control"),
    ("title", "pаypal", "mixed_scripts"),
    ("title", "e\u0301", "not_normal"),
    ("body", "<script>alert(1)</script>", "unsanitized"),
    ("body", "<b onclick=x>a</b>", "unsanitized"),
    ("body", "\x00", "unsanitized"),
    ("email", '"<b>"@example.com', "invalid"),
    ("email", "a@EXAMPLE.com", "not_normal"),
    ("link", "http://127.0.0.1/", "not_public"),
    ("link", "HTTPS://example.com/", "not_normal"),
    ("extra", {"a": "\x00"}, "null_character"),
]


def codes_of(error, name):
    return [inner.code for inner in error.error_dict[name]]


def test_the_shell_is_held_at_every_save(posts):
    post = posts.create(**GOOD)
    post.refresh_from_db()
    assert {name: getattr(post, name) for name in GOOD} == GOOD
    for name, value, code in BAD:
        with pytest.raises(ValidationError) as caught:
            posts.create(**{**GOOD, name: value})
        assert codes_of(caught.value, name) == [code]
        setattr(post, name, value)
        with pytest.raises(ValidationError):
            post.save()
        post.refresh_from_db()
    assert posts.count() == 1


def test_a_fixture_is_loaded_as_it_was(posts):
    text = '[{"model": "tests.post", "pk": 1, "fields": {"title": "a\\u202eb", "extra": {}}}]'
    for loaded in deserialize("json", text):
        loaded.save()
    assert posts.get().title == "a\u202eb"


def test_a_file_is_looked_at_before_it_is_stored(posts, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    post = posts.create(**GOOD, paper=ContentFile(PDF, "a.pdf"))
    post.save()
    for content, name in ((b"<html>", "b.pdf"), (PDF, "b.html")):
        with pytest.raises(ValidationError) as caught:
            posts.create(**GOOD, paper=ContentFile(content, name))
        assert codes_of(caught.value, "paper") in (["wrong_type"], ["wrong_extension"])


@pytest.mark.parametrize(("name", "value", "code"), BAD)
def test_the_admin_is_held(name, value, code):
    site = admin.site
    form_class = admin.ModelAdmin(Post, site).get_form(RequestFactory().get("/"))
    data = {**GOOD, "extra": "{}", name: value}
    if name == "extra":
        data["extra"] = '{"a": "\\u0000"}'
    form = form_class(data)
    assert not form.is_valid()
    assert code in [error.code for error in form.errors.as_data()[name]] or value == "\x00"
    assert form_class({**GOOD, "extra": '{"a": 1}'}).is_valid()


ALL = [
    validators.PlainTextValidator(max_length=5, newlines=True, markup="refuse"),
    validators.PlainEmailValidator(),
    validators.RichTextValidator(preset="article", max_length=50),
    validators.SafeURLValidator(schemes=["https"], public_only=True),
    validators.BoundedJSONValidator(max_depth=3),
    validators.SafeFileValidator(types=["pdf"], max_size=7),
    validators.SafeImageValidator(max_pixels=100),
]


@pytest.mark.parametrize("validator", ALL, ids=lambda validator: type(validator).__name__)
def test_a_validator_is_written_into_a_migration_and_read_back(validator):
    text, imports = MigrationWriter.serialize(validator)
    assert text.startswith(f"api_guard.validators.{type(validator).__name__}(")
    namespace = {}
    exec("\n".join(imports), namespace)
    again = eval(text, namespace)
    assert again == validator
    assert hash(again) == hash(validator)
    assert again not in [other for other in ALL if other is not validator]
    assert again != "x"


def test_a_validator_has_to_say_what_it_refuses():
    with pytest.raises(NotImplementedError):
        validators.Validator()("x")


def test_an_image_is_looked_at():
    validator = validators.SafeImageValidator(max_pixels=4)
    validator(SimpleUploadedFile("a.png", png()))
    with pytest.raises(ValidationError) as caught:
        validator(SimpleUploadedFile("a.png", png((3, 3))))
    assert caught.value.code == "too_many_pixels"


class Form(django_forms.Form):
    title = forms.PlainTextField(max_length=20, one_script=True, markup="refuse")
    notes = forms.PlainTextField(max_length=50, newlines=True, required=False)
    body = forms.RichTextField(max_length=200, required=False)
    email = forms.PlainEmailField(required=False)
    slug = forms.PlainSlugField(max_length=20, required=False, allow_unicode=True)
    link = forms.SafeURLField(public_only=True, required=False)
    extra = forms.BoundedJSONField(max_bytes=100_000, required=False)
    paper = forms.SafeFileField(types=["pdf"], required=False)
    photo = forms.SafeImageField(required=False)


def test_a_form_takes_what_the_serializer_fields_take():
    form = Form(
        {
            "title": " e\u0301 ",
            "notes": "a\nb",
            "body": "<b onclick=x>a</b><script>b</script>",
            "email": "a@EXAMPLE.com",
            "slug": "añb",
            "link": "HTTP://example.com",
            "extra": '{"a": 1}',
        },
        {
            "paper": SimpleUploadedFile("a.pdf", PDF, content_type="text/html"),
            "photo": SimpleUploadedFile("a.png", png()),
        },
    )
    assert form.is_valid(), form.errors
    files = {name: form.cleaned_data.pop(name) for name in ("paper", "photo")}
    assert form.cleaned_data == {
        "title": "é",
        "notes": "a\nb",
        "body": "<b>a</b>",
        "email": "a@example.com",
        "slug": "añb",
        "link": "http://example.com",
        "extra": {"a": 1},
    }
    assert files["paper"].content_type == "application/pdf"
    assert "<textarea" in str(form["body"])
    assert "<textarea" in str(form["notes"])
    assert 'type="url"' in str(form["link"])
    assert Form({"title": "a"}).is_valid()


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("title", "<b>", "markup"),
        ("title", "a\nb", "control_character"),
        ("title", "x" * 21, "max_length"),
        ("body", "<b>" * 40, "too_deep"),
        ("email", '"a b"@example.com', "invalid"),
        ("slug", "pаypal", "mixed_scripts"),
        ("slug", "a b", "invalid"),
        ("link", "http://10.0.0.1/", "not_public"),
        ("extra", "[" * 200_000, "too_deep"),
        ("extra", "[" * 9 + "]" * 9, "too_deep"),
        ("extra", " " * 400_001, "max_bytes"),
        ("extra", "{", "invalid"),
    ],
)
def test_a_form_refuses_what_the_serializer_fields_refuse(name, value, code):
    form = Form({"title": "a", name: value})
    assert not form.is_valid()
    assert [error.code for error in form.errors.as_data()[name]] == [code]


@pytest.mark.parametrize(
    ("name", "file", "code"),
    [
        ("paper", SimpleUploadedFile("a.pdf", b"<html>"), "wrong_type"),
        ("photo", SimpleUploadedFile("a.png", PDF), "wrong_type"),
    ],
)
def test_a_form_refuses_files_that_lie(name, file, code):
    form = Form({"title": "a"}, {name: file})
    assert not form.is_valid()
    assert [error.code for error in form.errors.as_data()[name]] == [code]


def rendered(value, filters="rich_text"):
    template = Template("{% load api_guard %}{{ value|" + filters + " }}")
    return template.render(Context({"value": value}))


@pytest.mark.parametrize("engine", ["nh3", "bleach"])
@pytest.mark.parametrize("preset", ["inline", "comment", "article"])
def test_a_template_renders_what_the_field_has_cleaned(engine, preset, settings):
    settings.API_GUARD = {**settings.API_GUARD, "SANITIZER": engine}
    html = '<p>a &amp; &#233; <b>b</b> <a href="/x">c</a><img src="/y"><h2>d</h2>'
    value = RichTextField(max_length=500, preset=preset).run_validation(html)
    assert rendered(value, f'rich_text:"{preset}"') == value
    # Whatever the engine is by now.
    settings.API_GUARD = {**settings.API_GUARD, "SANITIZER": "nh3"}
    assert rendered(value, f'rich_text:"{preset}"') == value


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("<b onclick=x>a</b>", "&lt;b onclick=x&gt;a&lt;/b&gt;"),
        ("<h2>a</h2>", "&lt;h2&gt;a&lt;/h2&gt;"),
        ("Fish & Chips <3", "Fish &amp; Chips &lt;3"),
        ("<b>" * 50, "&lt;b&gt;" * 50),
        ("plain", "plain"),
        ("", ""),
        (None, ""),
        (5, "5"),
        (["<b>"], "[&#x27;&lt;b&gt;&#x27;]"),
    ],
)
def test_a_template_escapes_all_else(value, shown):
    assert rendered(value) == shown


def test_a_preset_that_there_is_not_is_no_preset():
    with pytest.raises(GuardError, match="Did you mean 'inline'"):
        rendered("a", 'rich_text:"inlined"')


def test_the_text_of_rich_text_is_escaped_by_the_template():
    assert rendered("<p>a &lt;b&gt; &amp; <b>c</b></p>", "rich_text_as_text") == (
        "a &lt;b&gt; &amp; c"
    )
    assert rendered(None, "rich_text_as_text") == ""
