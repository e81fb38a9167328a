"""Every flow against the running example, by clients that know nothing of this project."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
from contextlib import closing, contextmanager

import pytest
import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session as Authlib
from oauthlib.oauth2 import DeviceClient, InvalidGrantError
from requests_oauthlib import OAuth2Session

from tests.browser.chromium import CHROMIUM
from tests.browser.javascript import installed
from tests.test_example_project import free_port, served, submit


@pytest.fixture(scope="module", params=["as it comes", "as --deploy asks"])
def site(request, tmp_path_factory):
    is_deployed = request.param == "as --deploy asks"
    settings = "tests.deployed_example" if is_deployed else "example_project.settings"
    folder = tmp_path_factory.mktemp("flows")
    with served(folder, free_port(), settings) as site:
        site.issuer = site.url if is_deployed else f"{site.url}/o"
        site.signs = is_deployed
        if site.signs:
            with closing(sqlite3.connect(folder / "notes.sqlite3")) as database, database:
                database.execute("UPDATE oauth2_provider_application SET algorithm = 'RS256'")
        yield site


@pytest.fixture(autouse=True)
def _without_tls(monkeypatch):
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")


def consent(site, url, name="bob", **pressed):
    """Sign in, agree to what the page shows, and return where the browser is sent back to."""
    boxes = {"scope:notes:read": "1", "scope:notes:write": "1"}
    pressed = pressed or {"allow": "ticked", **boxes}
    with site.browser(name) as browser:
        page = browser.get(url, timeout=120).text
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
        return submit(browser, url, **hidden, **pressed).url


@contextmanager
def demo(site, scope):
    with Authlib(
        "demo",
        scope=scope,
        redirect_uri=site.redirect_uri,
        code_challenge_method="S256",
        token_endpoint_auth_method="none",
    ) as client:
        yield client


def sign_in(site, client, name="bob"):
    verifier = "v" * 64
    url, _ = client.create_authorization_url(f"{site.url}/o/authorize/", code_verifier=verifier)
    return client.fetch_token(
        f"{site.url}/o/token/",
        authorization_response=consent(site, url, name),
        code_verifier=verifier,
    )


def refresh(site, client, token):
    return client.refresh_token(f"{site.url}/o/token/", refresh_token=token["refresh_token"])


def test_a_code_with_pkce_and_a_refresh_with_rotation_and_replay(site):
    with demo(site, "notes:read notes:write") as client:
        first = sign_in(site, client)
        assert first["scope"] == "notes:read notes:write"
        assert site.status("/notes/", first["access_token"]) == 200
        second = refresh(site, client, first)
        assert second["refresh_token"] != first["refresh_token"]
        assert site.status("/notes/", first["access_token"]) == 401
        assert site.status("/notes/", second["access_token"]) == 200
        for stolen in (first, second):
            with pytest.raises(OAuthError, match="invalid_grant"):
                refresh(site, client, stolen)
        assert site.status("/notes/", second["access_token"]) == 401


def test_from_insufficient_scope_to_a_new_consent(site):
    with demo(site, "notes:read") as client:
        token = sign_in(site, client)["access_token"]
    refused = site.call("/notes/", token, "POST", json={"title": "Higher"})
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")
    challenge = refused.headers["WWW-Authenticate"]
    needed = re.search(r'scope="([^"]+)"', challenge)[1]
    metadata = re.search(r'resource_metadata="([^"]+)"', challenge)[1]
    told = requests.get(metadata, timeout=120).json()
    assert told["resource"] == site.url
    assert told["authorization_servers"] == [site.issuer]
    with demo(site, f"notes:read {needed}") as client:
        token = sign_in(site, client)["access_token"]
    assert site.call("/notes/", token, "POST", json={"title": "Higher"}).status_code == 201


def test_a_program_introspects_and_revokes(site):
    with Authlib("inspector", site.inspector_secret, scope="introspection") as client:
        token = client.fetch_token(f"{site.url}/o/token/", grant_type="client_credentials")
        where = f"{site.url}/o/introspect/"
        told = client.introspect_token(where, token=site.alice_token).json()
        assert (told["active"], told["username"]) == (True, "alice")
        own = token["access_token"]
        assert client.introspect_token(where, token=own).json()["active"] is True
        client.revoke_token(f"{site.url}/o/revoke_token/", token=own)
        assert client.introspect_token(where, token=own).json() == {"active": False}


def approve(site, user_code):
    with site.browser("bob") as browser:
        page = submit(browser, f"{site.url}/o/device/", user_code=user_code)
        assert "Read notes" in page.text
        submit(browser, page.url, action="accept")


def test_a_device_is_approved_elsewhere(site):
    asked = {"client_id": "television", "scope": "notes:read"}
    started = requests.post(f"{site.url}/o/device-authorization/", asked, timeout=120).json()
    assert started["verification_uri"] == f"{site.url}/o/device/"
    with OAuth2Session(client=DeviceClient("television")) as client:

        def poll():
            code = started["device_code"]
            return client.fetch_token(
                f"{site.url}/o/token/", device_code=code, include_client_id=True
            )

        with pytest.raises(Exception, match="authorization_pending"):
            poll()
        approve(site, started["user_code"])
        token = poll()
        assert token["scope"] == ["notes:read"]
        assert site.status("/notes/", token["access_token"]) == 200
        with pytest.raises(InvalidGrantError):
            poll()


@pytest.fixture(scope="module")
def javascript(tmp_path_factory):
    """The folder of a client in JavaScript, with its library."""
    return installed(tmp_path_factory.mktemp("javascript"))


def test_a_client_in_javascript_goes_every_way(site, javascript):
    with subprocess.Popen(
        ["node", "flows.mjs"],
        cwd=javascript,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as node:

        def say(**words):
            node.stdin.write(json.dumps(words) + "\n")
            node.stdin.flush()

        def hear():
            return json.loads(node.stdout.readline())

        try:
            say(
                site=site.url,
                issuer=site.issuer,
                redirectUri=site.redirect_uri,
                inspectorSecret=site.inspector_secret,
                signs=site.signs,
            )
            assert hear() == {"issuer": site.issuer}
            say(back=consent(site, hear()["url"], decline="1"))
            assert hear() == {"declined": "access_denied"}
            say(back=consent(site, hear()["url"]))
            assert hear() == {"scope": "notes:read", "status": 200}
            assert hear() == {"rotated": True}
            assert hear() == {"replay": "invalid_grant"}
            assert hear() == {"after": "invalid_grant"}
            assert hear() == {"twice": "invalid_grant"}
            say(back=consent(site, hear()["url"]))
            assert hear() == {"atOnce": ["invalid_grant", "refreshed"]}
            say(back=consent(site, hear()["url"], decline="1"))
            assert hear() == {"plainDeclined": "access_denied"}
            say(back=consent(site, hear()["url"]))
            assert hear() == {"plain": "notes:read", "status": 200}
            if site.signs:
                say(back=consent(site, hear()["url"]))
                assert hear() == {"identity": site.issuer, "told": True, "status": 200}
                with site.browser("alice") as browser:
                    say(back=browser.get(hear()["url"], timeout=120).url)
                assert hear() == {"another": "login_required"}
            assert hear() == {"own": "introspection"}
            assert hear() == {"active": True, "scope": "introspection", "client": "inspector"}
            assert hear() == {"byToken": True}
            assert hear() == {"revoked": False}
            device = hear()
            assert device["where"] == f"{site.url}/o/device/"
            approve(site, device["userCode"])
            say(go="on")
            assert hear() == {"device": "notes:read", "status": 200}
            assert node.wait(10) == 0
        finally:
            node.kill()


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not on this machine")
def test_a_user_allows_less_and_declines_in_a_browser(site, javascript):
    """Not by a client that sends what it likes: a browser says of each form where it comes from."""
    verifier = "v" * 64
    with demo(site, "notes:read notes:write") as client, site.browser("bob") as session:
        url, _ = client.create_authorization_url(f"{site.url}/o/authorize/", code_verifier=verifier)
        cookie = {"name": "sessionid", "value": session.cookies["sessionid"], "url": site.url}
        words = {
            "url": url,
            "cookies": [cookie],
            "executablePath": CHROMIUM,
            "pictures": os.environ.get("PICTURES"),
        }
        done = subprocess.run(
            ["node", "consent.mjs"],
            cwd=javascript,
            input=json.dumps(words) + "\n",
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        light, dark, allowed, declined = map(json.loads, done.stdout.splitlines())
        for page in (light, dark):
            assert (page["title"], page["fits"]) == ("Allow Demo?", True)
            assert page["labels"] == ["Read notes notes:read", "Change notes notes:write"]
            assert page["button"] >= 44
        assert light["ground"] != dark["ground"]
        token = client.fetch_token(
            f"{site.url}/o/token/",
            authorization_response=allowed["back"],
            code_verifier=verifier,
        )
    assert token["scope"] == "notes:read"
    assert "error=access_denied" in declined["back"]
    assert declined["said"] == []
