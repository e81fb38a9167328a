"""The example, run as its users run it, over HTTP and by a real OAuth client."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from oauthlib.oauth2 import BackendApplicationClient, InvalidScopeError
from requests_oauthlib import OAuth2Session

from tests.machines import until

ROOT = Path(__file__).resolve().parent.parent
SHELL, LOG = (ROOT / "example_project" / name for name in ("demo.sh", "demo.log"))
MANAGE = [sys.executable, "-W", "error", "example_project/manage.py"]
GRANTS = "/admin/api_guard/scopegrant/"


class Site:
    """The running example: what its seed said of itself, and how a polite client calls it."""

    def __init__(self, seeded):
        self.__dict__.update(seeded)
        self.url = seeded["site"]

    def call(self, path, token=None, method="GET", **kwargs):
        """Call the API. Where it says that this was one call too many, wait as long as it says."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = requests.request(method, self.url + path, headers=headers, timeout=120, **kwargs)
        if answer.status_code == 429:
            time.sleep(int(answer.headers["Retry-After"]))
            return self.call(path, token, method, **kwargs)
        return answer

    def status(self, path, token=None):
        return self.call(path, token).status_code

    @contextmanager
    def browser(self, name):
        """Sign in through the login page."""
        with requests.Session() as session:
            login = f"{self.url}/accounts/login/"
            answer = submit(session, login, username=name, password=self.passwords[name])
            assert answer.url == f"{self.url}/published/"
            yield session

    def grant(self, scope, **grantee):
        """Fill in the admin's form."""
        [(kind, key)] = grantee.items()
        values = {"grantees": f"{kind}:{key}", "scopes": scope, "expiry": "never"}
        page = f"{self.url}{GRANTS}add/"
        answer = submit(self.admin, page, **values, reason="a test")
        assert f"Given: {scope} to {kind}" in answer.text

    def revoke(self, grant):
        """Choose a live grant in the admin's list, and confirm."""
        changelist = f"{self.url}{GRANTS}?state=live"
        pk = re.search(r'name="_selected_action" value="(\d+)"', self._row(changelist, *grant))[1]
        chosen = {"action": "revoke", "_selected_action": pk}
        asked = submit(self.admin, changelist, **chosen)
        assert "You cannot undo this" in asked.text
        answer = submit(self.admin, asked.url, seen="1", reason="a test")
        assert "1 grant was revoked" in answer.text

    def primary_key(self, model, name):
        """Look up a grantee in the admin's list."""
        row = self._row(f"{self.url}/admin/{model}/", f">{name}<")
        return re.search(rf"/admin/{model}/(\d+)/change/", row)[1]

    def _row(self, changelist, *texts):
        rows = re.split(r"<tr\b", self.admin.get(changelist, timeout=120).text)
        return next(row for row in rows if all(text in row for text in texts))


def submit(session, url, **values):
    """Open a page, take its CSRF token and post its form."""
    session.get(url, timeout=120).raise_for_status()
    values["csrfmiddlewaretoken"] = session.cookies["csrftoken"]
    answer = session.post(url, data=values, headers={"Referer": url}, timeout=120)
    answer.raise_for_status()
    return answer


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def environment(folder, port=8000, settings="example_project.settings"):
    """Everything is told to the example, whatever surrounds the tests."""
    told = {
        "DATABASE_URL": f"sqlite:///{folder / 'notes.sqlite3'}",
        "DJANGO_SETTINGS_MODULE": settings,
        "SECRET_KEY": "only for this test, and long enough for every check of Django's",
        "REDIS_URL": "",
        "DEBUG": "1",
        "PORT": str(port),
    }
    return {**os.environ, **told}


def manage(folder, *command):
    return subprocess.run(
        [*MANAGE, *command],
        cwd=ROOT,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@contextmanager
def served(folder, port, settings="example_project.settings"):
    """Seed and serve the example, and end it."""
    seeded = manage(folder, "demo", "--no-serve", "--json", "--port", str(port))
    assert seeded.returncode == 0, seeded.stderr
    serve = [*MANAGE, "runserver", "--noreload", f"127.0.0.1:{port}"]
    with (
        (folder / "server.log").open("w") as log,
        subprocess.Popen(
            serve, cwd=ROOT, env=environment(folder, port, settings), stdout=log, stderr=log
        ) as server,
    ):
        try:
            wait_for(port, server)
            site = Site(json.loads(seeded.stdout))
            with site.browser("admin") as site.admin:
                yield site
        finally:
            server.terminate()


def wait_for(port, server):
    for _ in range(1200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert server.poll() is None, "the example did not start"
            time.sleep(0.1)
        else:
            return
    pytest.fail("the example does not listen")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with served(tmp_path_factory.mktemp("example"), free_port()) as site:
        yield site


@pytest.fixture(autouse=True)
def _without_tls(monkeypatch):
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")


def test_without_a_token_nothing_but_what_is_public_is_shown(site):
    assert [note["author"] for note in site.call("/published/").json()["results"]] == ["bob"]
    refused = site.call("/notes/")
    assert (refused.status_code, refused.json()["code"]) == (401, "not_authenticated")
    assert refused.headers["WWW-Authenticate"] == (
        f'Bearer realm="api", resource_metadata="{site.url}/.well-known/oauth-protected-resource"'
    )


def test_a_client_on_its_own_behalf_does_what_was_granted_to_it_and_no_longer_than_that(site):
    def token():
        client = BackendApplicationClient("reporter")
        with OAuth2Session(client=client) as session:
            url, secret = f"{site.url}/o/token/", site.reporter_secret
            return session.fetch_token(url, client_secret=secret)["access_token"]

    with pytest.raises(InvalidScopeError):
        token()

    reporter = site.primary_key("oauth2_provider/application", "Reporter")
    site.grant("notes:read", client=reporter)
    granted = token()
    assert site.call("/notes/", granted).json()["results"] == []
    assert site.status("/shared/", granted) == 200

    site.revoke(("notes:read", "client Reporter"))
    assert site.status("/notes/", granted) == 403
    site.grant("notes:read", client=reporter)
    assert site.status("/notes/", granted) == 200


def test_a_user_signs_in_and_consents_and_a_revoked_grant_ends_its_token(site):
    scope = ["notes:read", "notes:write"]
    with OAuth2Session("demo", redirect_uri=site.redirect_uri, scope=scope, pkce="S256") as client:
        url, _ = client.authorization_url(f"{site.url}/o/authorize/")
        with site.browser("bob") as browser:
            consent = browser.get(url, timeout=120).text
            assert "Read notes" in consent
            hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', consent))
            back = submit(browser, url, **hidden, allow="Authorize")
        assert "The code is " in back.text
        token = client.fetch_token(
            f"{site.url}/o/token/", authorization_response=back.url, include_client_id=True
        )["access_token"]

    mine = site.call("/notes/", token).json()["results"]
    assert {note["title"] for note in mine} == {"Secret plans", "How to build a shed"}
    site.revoke(("notes:read", "user bob"))
    refused = site.call("/notes/", token)
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")
    site.grant("notes:read", user=site.primary_key("auth/user", "bob"))
    assert site.status("/notes/", token) == 200


def test_the_page_for_a_device_s_code_looks_like_the_consent_page(site):
    with site.browser("bob") as browser:
        page = browser.get(f"{site.url}/o/device/", timeout=120).text
    assert "Enter code displayed on device" in page
    assert "/static/api_guard/oauth2.css" in page
    assert "oauth2_provider.css" not in page


def test_a_code_without_the_verifier_of_its_challenge_is_worth_nothing(site):
    with OAuth2Session("demo", redirect_uri=site.redirect_uri, scope="notes:read") as client:
        url, _ = client.authorization_url(f"{site.url}/o/authorize/")
        with site.browser("alice") as browser:
            answer = browser.get(url, timeout=120)
    assert "error=invalid_request" in answer.url


def test_somebody_else_s_note_is_not_found(site):
    assert site.status(f"/notes/{site.alice_note}/", site.alice_token) == 200
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        foreign = site.call(f"/notes/{site.bob_note}/", site.alice_token, method, json={})
        assert foreign.status_code == 404
    publish = site.call(f"/notes/{site.bob_note}/publish/", site.alice_token, "POST")
    assert publish.status_code == 404


def test_a_note_cannot_be_put_into_somebody_else_s_notebook(site):
    note = {"title": "Mine", "notebook": site.bob_notebook}
    refused = site.call("/notes/", site.alice_token, "POST", json=note)
    assert refused.status_code == 400
    assert list(refused.json()) == ["notebook"]


def test_a_new_note_is_its_writer_s_and_its_markup_harmless(site):
    note = {"title": "Tom & Jerry", "body": '<b onclick="run()">Hi</b><script>run()</script>'}
    written = site.call("/notes/", site.alice_token, "POST", json=note)
    assert written.status_code == 201
    path = f"/notes/{written.json()['id']}/"
    stored = site.call(path, site.alice_token).json()
    assert (stored["title"], stored["body"]) == ("Tom & Jerry", "<b>Hi</b>")
    note["title"] = "Tom\u202eyrreJ"
    refused = site.call(path, site.alice_token, "PUT", json=note)
    assert (refused.status_code, list(refused.json())) == (400, ["title"])
    assert site.call(path, site.alice_token, "DELETE").status_code == 204


def test_an_author_publishes_a_note_and_takes_it_back(site):
    path = f"/published/{site.alice_note}/"
    assert site.status(path) == 404
    publish = site.call(f"/notes/{site.alice_note}/publish/", site.alice_token, "POST")
    assert publish.status_code == 200
    assert site.call(path).json()["author"] == "alice"
    assert site.call(path, method="DELETE").status_code == 401
    assert site.call(path, site.alice_token, "DELETE").status_code == 204
    assert site.status(path) == 404


def test_too_many_requests_are_refused_with_the_time_to_wait(site):
    url, token = f"{site.url}/notes/", {"Authorization": f"Bearer {site.alice_token}"}

    def call(_):
        return requests.get(url, headers=token, timeout=120)

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(call, range(36)))
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["code"] == "rate_limited"
    assert 1 <= int(refused.headers["Retry-After"]) <= 2
    assert '"5/s";r=0' in refused.headers["RateLimit"]
    assert site.status("/notes/", site.alice_token) == 200


def test_the_staff_s_views_are_for_its_sessions_and_remarks_need_a_scope_too(site):
    assert site.status("/audit/", site.alice_token) == 403
    with site.browser("alice") as alice:
        assert alice.get(f"{site.url}/audit/", timeout=120).status_code == 403
    for path in ("/statistics/", "/authors/", "/audit/"):
        assert site.admin.get(site.url + path, timeout=120).status_code == 200
    token, remark = site.admin.cookies["csrftoken"], {"text": "All is well."}
    written = site.admin.post(
        f"{site.url}/audit/", json=remark, headers={"X-CSRFToken": token}, timeout=120
    )
    assert (written.status_code, written.json()["author"]) == (201, "admin")
    # Nobody is above a guard: no note was granted to the superuser.
    assert site.admin.get(f"{site.url}/notes/", timeout=120).status_code == 403


def test_views_guarded_in_drf_s_own_way_and_exempt_ones_answer_too(site):
    assert site.status("/titles/") == 401
    assert site.call("/titles/", site.alice_token).json()["count"] >= 2
    assert [site.status(path) for path in ("/ping/", "/health/")] == [200, 200]


def test_check_and_the_schema_have_nothing_to_say_and_no_migration_is_missing(tmp_path):
    schema = ["--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yaml")]
    commands = (["check"], ["makemigrations", "--check", "--dry-run"], ["spectacular", *schema])
    for command in commands:
        done = manage(tmp_path, *command)
        assert (done.returncode, done.stderr) == (0, "")


def test_a_port_that_is_taken_is_said_in_a_line_before_anything_else(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = manage(tmp_path, "demo", "--port", str(port))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert f"Port {port} cannot be used" in done.stderr
    assert "make demo PORT=" in done.stderr


@contextmanager
def tidied(path):
    """Put back a file that a demo of the person who runs the tests has written."""
    kept = path.read_bytes() if path.exists() else None
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        if kept is not None:
            path.write_bytes(kept)


def test_what_a_person_reads_fits_on_a_screen_and_has_every_step(tmp_path):
    with tidied(SHELL):
        told = manage(tmp_path, "demo", "--no-serve", "--port", "65535").stdout
        assert stat.S_IMODE(SHELL.stat().st_mode) == 0o600
    lines = told.splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 100
    assert "http://127.0.0.1:65535/admin/  as admin, password " in told
    for number in range(1, 8):
        assert f"\n{number}. " in told
    assert "example_project/demo.log" in told


def test_every_link_of_the_story_shows_what_it_promises(site):
    links = set(re.findall(r"http://\S+", site.text))
    promised = {
        "/admin/": "Site administration",
        "/admin/api_guard/scopegrant/add/": 'name="scopes"',
        "/admin/api_guard/scopegrant/?q=demo&state=live": "client Demo",
        "/client/": "Read notes",
        "/docs/": "swagger-ui",
    }
    assert links == {site.url + path for path in promised}
    with site.browser("bob") as bob:
        for path, text in promised.items():
            reader = bob if path == "/client/" else site.admin
            assert text in reader.get(site.url + path, timeout=120).text, path


def test_the_page_after_the_consent_has_the_line_that_gets_a_token(site, tmp_path):
    with site.browser("bob") as browser:
        consent = browser.get(f"{site.url}/client/", timeout=120)
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', consent.text))
        page = submit(browser, consent.url, **hidden, allow="Authorize").text
        again = browser.get(f"{site.url}/callback/?code=x;y", timeout=120).text
        none = browser.get(f"{site.url}/callback/?error=access_denied", timeout=120).text
    assert (again, none) == ("The code is x;y\n", "No code: access_denied\n")
    [line] = [line for line in page.splitlines() if line.startswith("curl ")]
    token = json.loads(in_shell(tmp_path, line))["access_token"]
    assert site.status("/notes/", token) == 200


def test_the_server_writes_into_its_log_and_the_story_stays_on_the_screen(tmp_path):
    port = free_port()
    command = [*MANAGE, "demo", "--json", "--port", str(port)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with (
        tidied(LOG),
        subprocess.Popen(command, cwd=ROOT, env=environment(tmp_path, port), **pipes) as server,
    ):
        try:
            wait_for(port, server)  # it migrates first
            assert requests.get(f"http://127.0.0.1:{port}/ping/", timeout=120).status_code == 200
            # The server logs a request after it has answered it.
            until(lambda: "GET /ping/" in LOG.read_text(), "no request in the log")
        finally:
            server.terminate()
        said, _ = server.communicate()
    assert said.count("\n") == 1


def in_shell(folder, script):
    """Run what a person pastes, in one shell."""
    done = subprocess.run(
        ["sh", "-c", script],
        cwd=ROOT,
        env=environment(folder),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


@pytest.mark.skipif(not shutil.which("curl"), reason="the story is told in curl lines")
def test_every_line_that_the_demo_prints_answers_as_it_says_at_every_start(tmp_path):
    port = free_port()
    for _start in range(2):
        with served(tmp_path, port) as site:
            lines = [line for step in site.story for line in step["lines"]]
            # A marker stands between the answers. A person pastes more slowly than 5/s.
            commands = [
                line["command"] + ("; sleep 1" if "many" in line["command"] else "")
                for line in lines
            ]
            script = "\n".join([site.shell, "; echo ----; ".join(commands)])
            told = in_shell(tmp_path, script).split("----\n")
        assert len(told) == len(lines)
        for line, answer in zip(lines, told, strict=True):
            assert line["answer"] in answer, line["command"]
