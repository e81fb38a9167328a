"""What `manage.py check` says of fields and serializers."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
from django.db import models
from django.urls import path
from rest_framework import serializers
from rest_framework.generics import CreateAPIView

from api_guard import PUBLIC, guard
from api_guard.checks import fields as checks
from api_guard.input.sanitizers import AllowList, allow_lists, cleaning, proof
from api_guard.serializers import StrictModelSerializer, StrictSerializer


def ids(messages):
    return [message.id for message in messages]


class Mine(models.Model):
    name = models.CharField(max_length=5)
    paper = models.FileField()

    class Meta:
        app_label = "tests"
        managed = False


class AllFields(StrictModelSerializer):
    class Meta:
        model = Mine
        fields = "__all__"
        extra_kwargs = {"paper": {"types": ["pdf"]}}


class Untyped(StrictModelSerializer):
    class Meta:
        model = Mine
        fields = ["paper"]


class Plain(serializers.Serializer):
    pass


class Nesting(StrictSerializer):
    one = Plain()
    many = Plain(many=True)
    shown = Plain(read_only=True)
    all = AllFields(many=True)


class Broken(StrictSerializer):
    def get_fields(self):
        raise AssertionError


@pytest.fixture
def routed(settings):
    def route(*classes):
        module = ModuleType("tests.routed_by_checks")
        views = [type("View", (CreateAPIView,), {"serializer_class": cls}) for cls in classes]
        module.urlpatterns = [
            path(f"{number}/", guard(write=PUBLIC)(view).as_view())
            for number, view in enumerate(views)
        ]
        sys.modules[module.__name__] = module
        settings.ROOT_URLCONF = module.__name__
        return checks.check_serializers()

    return route


@pytest.mark.urls("tests.test_input")
def test_strict_serializers_have_nothing_to_fix():
    assert checks.check_serializers() == []
    assert checks.check_engine() == []


def test_a_serializer_of_all_fields_is_a_warning(routed):
    (message,) = routed(AllFields, AllFields)
    assert (message.id, message.hint) == ("api_guard.W062", 'fields = ["id", "name", "paper"]')
    assert "tests.test_field_checks.AllFields" in message.msg


class OfAll(AllFields):
    """The same again."""


def test_serializers_of_all_fields_are_one_message(routed):
    (message,) = routed(AllFields, OfAll)
    assert message.msg.startswith('2 serializers have fields = "__all__": clients can read')
    assert message.msg.endswith("\n    tests.test_field_checks: AllFields, OfAll")
    assert message.hint == (
        'Name the fields of each. In AllFields: fields = ["id", "name", "paper"]'
    )


def test_a_serializer_that_cannot_be_built_is_an_error(routed):
    (message,) = routed(Untyped, Broken, None)
    assert message.id == "api_guard.E063"
    assert 'Write: SafeFileField(types=["pdf"])' in message.msg


class Odd(models.Field):
    """A column of a package's."""


class Odder(models.Model):
    odd = Odd()

    class Meta:
        app_label = "tests"
        managed = False


class OdderSerializer(StrictModelSerializer):
    class Meta:
        model = Odder
        fields = ["odd"]


class MappedSerializer(OdderSerializer):
    serializer_field_mapping = {
        **StrictModelSerializer.serializer_field_mapping,
        Odd: serializers.DateField,
    }


def test_a_column_that_nobody_knows_is_an_error_with_the_line_to_write(routed):
    (message,) = routed(OdderSerializer, MappedSerializer)
    assert message.id == "api_guard.E063"
    assert "tests.Odder.odd is a Odd, and api_guard has no field for it" in message.msg
    assert "odd = PlainTextField(max_length=100)" in message.msg


def test_what_a_strict_serializer_nests_is_strict(routed):
    messages = routed(Nesting)
    assert sorted(ids(messages)) == ["api_guard.W062", "api_guard.W064"]
    assert "tests.test_field_checks.Plain" in messages[-1].msg


@pytest.mark.parametrize("engine", ["nh3", "bleach"])
def test_every_allow_list_is_proved_with_the_engine(engine, settings, monkeypatch):
    settings.API_GUARD = {**settings.API_GUARD, "SANITIZER": engine}
    own = AllowList(frozenset({"b", "img"}), {"img": frozenset({"src"})})
    assert own in set(allow_lists())
    assert checks.check_engine() == []

    def leaves_all(html, allowed):
        return html

    monkeypatch.setattr(cleaning, f"clean_with_{engine}", leaves_all)
    found = checks.check_engine()
    assert set(ids(found)) == {"api_guard.E060"}
    assert "it lets a script through" in found[0].msg
    assert len(found) == len(list(allow_lists()))


@pytest.mark.parametrize("hosts", [["www.own.example"], [".own.example"], ["*", "www.own.example"]])
def test_a_frame_of_this_site_is_an_error(hosts, settings):
    own = AllowList(frozenset({"iframe"}), {}, frames=frozenset({"www.own.example"}))
    assert own.frames
    settings.ALLOWED_HOSTS = ["*"]
    assert checks.check_frames() == []
    settings.ALLOWED_HOSTS = hosts
    (found,) = checks.check_frames()
    assert found.id == "api_guard.E065"
    assert "www.own.example" in found.msg


def test_links_without_a_rel_are_a_fault(monkeypatch):
    monkeypatch.setattr(cleaning, "clean_with_nh3", lambda html, allowed: html[:0] + "x")
    found = checks.check_engine()
    assert any("leaves links without rel" in message.msg for message in found)


def test_an_engine_that_panics_is_an_error_at_the_start(monkeypatch):
    class PanicException(BaseException):
        pass

    def panic(html, allowed):
        raise PanicException("assertion failed at ammonia")

    monkeypatch.setattr(cleaning, "clean_with_nh3", panic)
    found = checks.check_engine()
    assert set(ids(found)) == {"api_guard.E060"}
    assert "assertion failed at ammonia" in found[0].msg


@pytest.mark.parametrize(
    ("version", "too_old"),
    [("0.3.7", True), ("0.2.21", True), ("0.3.8", False), ("0.4", False), ("1.0.0rc1", False)],
)
def test_an_engine_with_a_known_hole_is_an_error(version, too_old, monkeypatch):
    monkeypatch.setattr(proof, "version", lambda name: version)
    found = checks.check_engine()
    assert ids(found) == ["api_guard.E061"] * too_old
    if too_old:
        assert found[0].hint == 'pip install "nh3>=0.3.8"'
