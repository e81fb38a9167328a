"""A client's secret is slow to verify, and is not verified at each request."""

from __future__ import annotations

import time

import pytest
from django.contrib.auth import hashers
from django.urls import include, path
from oauth2_provider.models import Application

from api_guard import grants
from api_guard.oauth2.remembering import VerifiedSecrets, verified_secrets
from tests.authorization import login

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]

urlpatterns = [path("o/", include("api_guard.oauth2.urls"))]


@pytest.fixture
def app(db):
    app = Application.objects.create(
        name="Web",
        client_id="web",
        client_secret="secret",
        client_type="confidential",
        authorization_grant_type="client-credentials",
    )
    grants.grant("notes:read", app, by=grants.System("a test"))
    return app


@pytest.fixture
def hashed(monkeypatch):
    """How many times a secret was hashed."""
    count = []
    check = hashers.MD5PasswordHasher.verify

    def verify(self, password, encoded):
        count.append(password)
        return check(self, password, encoded)

    monkeypatch.setattr(hashers.MD5PasswordHasher, "verify", verify)
    return count


@pytest.fixture
def now(monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    return clock


def get_token(client, secret="secret"):
    data = {"grant_type": "client_credentials"}
    return client.post("/o/token/", data, HTTP_AUTHORIZATION=login(secret=secret)).status_code


def test_a_secret_is_hashed_once_for_many_requests(client, app, hashed):
    assert [get_token(client) for _ in range(5)] == [200] * 5
    assert hashed == ["secret"]


def test_a_wrong_secret_is_hashed_each_time_and_remembered_by_nothing(client, app, hashed):
    get_token(client)
    assert [get_token(client, "wrong") for _ in range(3)] == [401] * 3
    assert hashed == ["secret", "wrong", "wrong", "wrong"]
    assert get_token(client) == 200


@pytest.mark.parametrize("how", ["changed", "rehashed", "deleted", "cleared"])
def test_a_secret_that_is_no_more_is_refused_at_once(client, app, how):
    assert get_token(client) == 200
    if how == "deleted":
        app.delete()
    else:
        app.client_secret = {"changed": "another", "rehashed": "secret", "cleared": ""}[how]
        app.save()
    assert get_token(client) == (200 if how == "rehashed" else 401)


def test_a_secret_is_remembered_for_one_client_alone(client, app):
    get_token(client)
    Application.objects.create(
        name="Other",
        client_id="other",
        client_secret="another",
        client_type="confidential",
        authorization_grant_type="client-credentials",
    )
    header = login("other", "secret")
    answer = client.post(
        "/o/token/", {"grant_type": "client_credentials"}, HTTP_AUTHORIZATION=header
    )
    assert answer.status_code == 401


@pytest.mark.parametrize("seconds", [0, 30])
def test_it_is_forgotten_when_its_seconds_are_over(client, app, hashed, settings, now, seconds):
    settings.API_GUARD = {**settings.API_GUARD, "CLIENT_SECRET_CACHE_SECONDS": seconds}
    for moment in (0.0, 29.9, 30.1):
        now[0] = 1000 + moment
        assert get_token(client) == 200
    assert len(hashed) == (2 if seconds else 3)


def test_a_setting_counts_for_what_is_remembered_already(client, app, hashed, settings):
    get_token(client)
    settings.API_GUARD = {**settings.API_GUARD, "CLIENT_SECRET_CACHE_SECONDS": 0}
    get_token(client)
    assert len(hashed) == 2


def test_what_is_remembered_tells_nothing_and_is_bounded(now):
    remembered = VerifiedSecrets()
    for number in range(3000):
        remembered.remember(f"secret {number}", "stored")
    assert len(remembered._until) == 1024
    assert remembered.knows("secret 0", "stored")
    assert not remembered.knows("secret 2999", "stored")
    assert "secret" not in str(vars(remembered))
    now[0] += 31
    assert not remembered.knows("secret 0", "stored")
    remembered.remember("secret 2999", "stored")
    assert len(remembered._until) == 1, "what is over makes room"


def test_no_other_pair_reads_alike():
    remembered = VerifiedSecrets()
    remembered.remember("bc", "a")
    remembered.remember("\ud800", "a")
    for secret, stored in (("c", "ab"), ("abc", ""), ("", "abc"), ("a", "bc"), ("BC", "a")):
        assert not remembered.knows(secret, stored)
    assert VerifiedSecrets().knows("bc", "a") is False, "another process has another key"
    verified_secrets.forget()


class ClientSecretHasher(hashers.PBKDF2PasswordHasher):
    algorithm = "pbkdf2_sha256_client"
    iterations = 1000


def test_a_fast_hash_may_guard_what_nobody_guesses(client, app, settings):
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        "tests.test_client_secrets.ClientSecretHasher",
    ]
    settings.OAUTH2_PROVIDER = {
        **settings.OAUTH2_PROVIDER,
        "CLIENT_SECRET_HASHER": "pbkdf2_sha256_client",
    }
    app.client_secret = "secret"
    app.save()
    assert app.client_secret.startswith("pbkdf2_sha256_client$1000$")
    assert (get_token(client, "wrong"), get_token(client)) == (401, 200)
