"""The texts of the package are wrapped, translated into German, and shipped compiled."""

from __future__ import annotations

import ast
import gettext
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import models
from django.template import engines
from django.template.base import TextNode
from django.templatetags.i18n import BlockTranslateNode, TranslateNode
from django.urls import include, path
from django.utils import timezone, translation
from django.utils.functional import Promise
from rest_framework.response import Response
from rest_framework.views import APIView

import api_guard
from api_guard import grants, guard
from api_guard.models import GrantAuthority

PACKAGE = Path(api_guard.__file__).parent
LANGUAGES = ("en", "de")
WRAPPERS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"}
PLACEHOLDER = re.compile(
    r"%\(\w+\)[a-z]|%[a-z%]|\{\{.*?\}\}|\{\w*\}|</?\w+[^>]*>|API_GUARD\[[^]]*\]"
)


@guard(read="notes:read")
class Notes(APIView):
    def get(self, request):
        return Response([])


urlpatterns = [path("", include("tests.urls")), path("notes/", Notes.as_view())]
pytestmark = pytest.mark.urls(__name__)


def catalogue(language):
    """Return the translations of a .po file by their text: a tuple of one, or of the plurals."""
    text = (PACKAGE / f"locale/{language}/LC_MESSAGES/django.po").read_text(encoding="utf-8")
    found = {}
    for entry in re.split(r"\n{2,}", text.strip()):
        lines = [line for line in entry.splitlines() if not line.startswith("#")]
        values, keyword = {}, ""
        for line in lines:
            word, _, quoted = line.partition(" ") if not line.startswith('"') else ("", "", line)
            keyword = word or keyword
            values[keyword] = values.get(keyword, "") + ast.literal_eval(quoted)
        key = values.pop("msgid"), values.pop("msgid_plural", None)
        assert key not in found, f"{key} is there twice"
        found[key] = tuple(values.values())
    return found


def compiled(language):
    file_path = PACKAGE / f"locale/{language}/LC_MESSAGES/django.mo"
    with file_path.open("rb") as opened:
        return gettext.GNUTranslations(opened)


def texts_of_code():
    """Yield each text that the code wraps, its plural or None, and where it is."""
    for file in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in WRAPPERS:
                count = 2 if name.startswith("ng") else 1
                texts = node.args[:count]
                place = f"{file.name}:{node.lineno}"
                built = [each for each in texts if isinstance(each, ast.JoinedStr | ast.BinOp)]
                assert not built, f"{place} wraps what no catalogue can have"
                # A variable holds a text that the code marks elsewhere, with gettext_noop.
                values = [each.value for each in texts if isinstance(each, ast.Constant)]
                if len(values) == count:
                    yield values[0], values[1] if count == 2 else None, place


def texts_of_templates():
    """Yield the same of the templates, as Django looks the texts up."""
    for file in sorted((PACKAGE / "templates").rglob("*.html")):
        template = engines["django"].from_string(file.read_text(encoding="utf-8")).template
        for node in template.nodelist.get_nodes_by_type(TranslateNode):
            text = node.filter_expression.var.literal
            # A variable holds a text that the code has marked.
            if text is not None:
                yield text, None, file.name
        for node in template.nodelist.get_nodes_by_type(BlockTranslateNode):
            plural = node.render_token_list(node.plural)[0] if node.plural else None
            yield node.render_token_list(node.singular)[0], plural, file.name


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_wrapped_text_is_in_the_catalogue_and_nothing_else(language):
    known = catalogue(language)
    wrapped = {(one, many): at for one, many, at in [*texts_of_code(), *texts_of_templates()]}
    # gettext has one entry for a text, even where it has a plural in one place only.
    plurals = {one for one, many in wrapped if many is not None}
    wrapped = {key: at for key, at in wrapped.items() if key[1] or key[0] not in plurals}
    assert {key: at for key, at in wrapped.items() if key not in known} == {}
    assert known.keys() - wrapped.keys() == {("", None)}, "run `make messages`"


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_text_is_translated(language):
    text = (PACKAGE / f"locale/{language}/LC_MESSAGES/django.po").read_text(encoding="utf-8")
    assert "fuzzy" not in text
    assert "#~" not in text
    for (one, many), said in catalogue(language).items():
        assert all(said), one
        assert len(said) == (1 if many is None else 2), one
        if language == "en" and one:
            assert said == ((one,) if many is None else (one, many))


def test_the_german_catalogue_has_each_text_of_the_english_one():
    assert catalogue("de").keys() == catalogue("en").keys()


def test_a_translation_keeps_the_placeholders_the_markup_and_the_outer_spaces():
    for (one, many), said in catalogue("de").items():
        if not one:
            continue
        for text, german in zip((one, many or one), said, strict=False):
            assert sorted(PLACEHOLDER.findall(text)) == sorted(PLACEHOLDER.findall(german)), text
            assert text[0].isspace() == german[0].isspace(), text
            assert text[-1].isspace() == german[-1].isspace(), text
            assert (text[-1] == ".") == (german[-1] == "."), text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_catalogue_is_the_written_one(language):
    written, found = catalogue(language), compiled(language)
    entries = {}
    for (one, many), said in written.items():
        for index, text in enumerate(said):
            entries[one if many is None else (one, index)] = text
    assert found._catalog == entries, "run `make messages`"


def test_each_name_and_help_text_of_a_model_is_wrapped():
    bare = []
    for model in apps.get_app_config("api_guard").get_models():
        # Without a plural, Django would add an "s" to the name, in any language.
        names = [model._meta.original_attrs.get("verbose_name_plural", "no plural")]
        names.append(model._meta.verbose_name)
        for field in model._meta.get_fields():
            if isinstance(field, models.Field) and not field.auto_created:
                names += [field.verbose_name, field.help_text]
                names += [label for _value, label in field.choices or ()]
        bare += [(model.__name__, name) for name in names if name and not isinstance(name, Promise)]
    assert bare == []


def test_no_template_has_a_text_that_is_not_wrapped():
    for file in sorted((PACKAGE / "templates").rglob("*.html")):
        template = engines["django"].from_string(file.read_text(encoding="utf-8")).template
        source = "".join(node.s for node in template.nodelist.get_nodes_by_type(TextNode))
        seen = re.sub(r"<code>.*?</code>|<[^>]*>|&\w+;", " ", source, flags=re.DOTALL)
        assert re.findall(r"[A-Za-z]{2,}", seen.split(">", 1)[-1]) == [], file.name


@pytest.fixture
def german_admin(client, db, settings):
    """A superuser whose browser asks for German."""
    at = settings.MIDDLEWARE.index("django.middleware.common.CommonMiddleware")
    locale = "django.middleware.locale.LocaleMiddleware"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE[:at], locale, *settings.MIDDLEWARE[at:]]
    client.force_login(get_user_model().objects.create_superuser("chefin", "c@example.com", "pw"))
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"
    return client


def test_the_admin_speaks_german_to_a_browser_that_asks_for_it(german_admin, django_user_model):
    ada = django_user_model.objects.create_user("ada")
    grants.grant("notes:read", ada, by=grants.System("a test"))
    access = german_admin.get(f"/admin/api_guard/access/user/{ada.pk}/").content.decode()
    for text in ("1 gültige Freigabe", "Was ada darf", "Zuletzt benutzt", "direkt", "nie benutzt"):
        assert text in access
    listed = german_admin.get("/admin/api_guard/scopegrant/").content.decode()
    for text in (
        "Wer darf was",
        "Freigaben von Scopes",
        "Ausgewählte Freigaben widerrufen",
        "notes:read für Benutzer ada",
    ):
        assert text in listed
    english = german_admin.get("/admin/api_guard/scopegrant/", HTTP_ACCEPT_LANGUAGE="en")
    assert "Who may do what" in english.content.decode()


def test_why_a_request_is_refused_is_told_in_german(german_admin, django_user_model):
    django_user_model.objects.create_user("ada")
    asked = {"method": "GET", "path": "/notes/", "user": "ada"}
    page = german_admin.post("/admin/api_guard/explanation/", asked).content.decode()
    for text in (
        "Für GET wird notes:read verlangt. Keiner dieser Scopes ist erteilt.",
        "ada, durch eine Sitzung oder ein Passwort.",
        "Notes:read an den Benutzer ada erteilen, oder an eine Gruppe dieses Benutzers.",
        ">Anforderung</th>",
    ):
        assert text in page


def test_what_ends_a_grant_is_told_in_german(db, django_user_model):
    ada = django_user_model.objects.create_user("ada")
    code, soon = grants.System("a test"), timezone.now() + timedelta(hours=1)
    row = grants.grant("notes:read", ada, by=code, expires_at=soon)
    with translation.override("de"):
        [way] = grants.ways(ada, None, ["notes:read"])
        assert str(way) == f"notes:read an Benutzer ada bis {soon:%Y-%m-%d %H:%M}"
        row = grants.revoke(row, by=code)
        [way] = grants.ended(ada, None, ["notes:read"])
        revoked = f"{row.revoked_at:%Y-%m-%d %H:%M}"
        assert str(way) == f"notes:read an Benutzer ada, widerrufen am {revoked}"


def test_a_row_is_named_in_german():
    group = Group(name="redaktion")
    every, some = (GrantAuthority(group=group, scope_group=name) for name in ("*", "notes"))
    with translation.override("de"):
        assert (
            str(every) == "Die Mitglieder von redaktion dürfen jeden Scope erteilen und widerrufen"
        )
        assert str(some).startswith("Die Mitglieder von redaktion dürfen die Scopes von notes ")


def test_an_error_is_german_on_a_page_and_english_in_the_log(db, django_user_model, caplog):
    ada = django_user_model.objects.create_user("ada")
    with translation.override("de"), pytest.raises(grants.GrantError) as caught:
        grants.grant("notes:read", ada, by=ada)
    with translation.override("de"):
        assert caught.value.detail.startswith("Sie dürfen 'notes:read' nicht erteilen")
    assert str(caught.value) == "You may not grant or revoke 'notes:read'."
    assert str(caught.value) in caplog.text
    with translation.override("de"), pytest.raises(grants.GrantError) as caught:
        grants.grant("notes:read", ada, by=grants.System("a test"), reason="a\x00")
    assert caught.value.code == "null_character"
    plain = grants.GrantError("inactive", "100 % of this has no translation.")
    assert plain.detail == str(plain)


def test_the_command_line_stays_english(db, django_user_model, settings, capsys):
    settings.LANGUAGE_CODE = "de"
    django_user_model.objects.create_user("ada")
    with translation.override("de"), pytest.raises(SystemExit):
        call_command("guard_can", "GET", "/notes/", user="ada")
    assert "For GET, notes:read is required." in capsys.readouterr().out


def test_a_refusal_is_told_in_german_with_the_same_code(german_admin):
    german_admin.logout()
    answer = german_admin.get("/notes/").json()
    assert answer["detail"] == "Anmeldedaten fehlen."
    assert answer["code"] == "not_authenticated"
