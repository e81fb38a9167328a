"""The users, clients, grants and notes of the demo, the same at every start."""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import transaction
from django.utils import timezone
from oauth2_provider.models import get_access_token_model, get_application_model

from api_guard import grants
from example_project.notes.models import Note, Notebook

Application = get_application_model()
AccessToken = get_access_token_model()
User = get_user_model()
SEED = grants.System("the demo's seed")

TITLES = {
    "alice": ["Shopping list", "A letter to Bob"],
    "bob": ["Secret plans", "How to build a shed"],
}
PUBLISHED = {"How to build a shed"}


@dataclass(frozen=True)
class Seeded:
    """What a person or a test needs for the next steps. Secrets are new at every start."""

    passwords: dict[str, str]
    alice_token: str
    reporter_secret: str
    inspector_secret: str
    redirect_uri: str
    alice_note: int
    bob_note: int
    bob_notebook: int
    demo_client: str = "demo"
    reporter_client: str = "reporter"
    television_client: str = "television"
    inspector_client: str = "inspector"


@transaction.atomic
def sow(site: str) -> Seeded:
    """Reset the database to the start of the demo."""
    passwords = {name: secrets.token_urlsafe(12) for name in ("admin", "alice", "bob")}
    admin, alice, bob = (_user(name, password) for name, password in passwords.items())
    redirect_uri = f"{site}/callback/"
    demo = _demo_client(redirect_uri, f"{site}/docs/oauth2-redirect.html")
    reporter, reporter_secret = _program("reporter")
    inspector, inspector_secret = _program("inspector")
    television = _television_client()
    _grant(admin, alice, bob, demo, reporter)
    for scope in ("notes:read", "notes:write"):
        grants.ensure(scope, television, by=admin, reason="the demo's seed")
    grants.ensure("introspection", inspector, by=admin, reason="the demo's seed")
    notebook, _ = Notebook.objects.get_or_create(owner=bob, title="Bob's workshop")
    return Seeded(
        passwords=passwords,
        alice_token=_token(alice, demo),
        reporter_secret=reporter_secret,
        inspector_secret=inspector_secret,
        redirect_uri=redirect_uri,
        alice_note=_notes(alice)[0].pk,
        bob_note=_notes(bob, notebook)[0].pk,
        bob_notebook=notebook.pk,
    )


def _user(name, password):
    user, _ = User.objects.get_or_create(username=name)
    user.is_active = True
    user.is_staff = user.is_superuser = name == "admin"
    user.set_password(password)
    user.save()
    return user


def _demo_client(*redirect_uris):
    """A client in a browser, without a secret: its users sign in and consent."""
    client, _ = Application.objects.update_or_create(
        client_id="demo",
        defaults={
            "name": "Demo",
            "client_type": Application.CLIENT_PUBLIC,
            "authorization_grant_type": Application.GRANT_AUTHORIZATION_CODE,
            "redirect_uris": " ".join(redirect_uris),
        },
    )
    return client


def _television_client():
    """A device without a keyboard (RFC 8628)."""
    client, _ = Application.objects.update_or_create(
        client_id="television",
        defaults={
            "name": "Television",
            "client_type": Application.CLIENT_PUBLIC,
            "authorization_grant_type": Application.GRANT_DEVICE_CODE,
        },
    )
    return client


def _program(name):
    """A program without a user, with a secret."""
    secret = secrets.token_urlsafe(24)
    client, _ = Application.objects.update_or_create(
        client_id=name,
        defaults={
            "name": name.capitalize(),
            "client_type": Application.CLIENT_CONFIDENTIAL,
            "authorization_grant_type": Application.GRANT_CLIENT_CREDENTIALS,
            "client_secret": secret,  # hashed as it is saved
        },
    )
    return client, secret


def _grant(admin, alice, bob, demo, reporter):
    writers, _ = Group.objects.get_or_create(name="writers")
    alice.groups.add(writers)
    granted = {
        writers: ["notes:read", "notes:write"],
        bob: ["notes:read", "notes:write"],
        alice: ["notes:publish"],
        demo: ["notes:read", "notes:write", "notes:publish"],
        admin: ["audit:write"],
    }
    for grantee, scopes in granted.items():
        for scope in scopes:
            grants.ensure(scope, grantee, by=SEED)
    for row in grants.live().filter(client=reporter):
        grants.revoke(row, by=SEED, reason="the demo starts again")


def _token(user, client):
    AccessToken.objects.filter(user=user, application=client).delete()
    token = AccessToken.objects.create(
        user=user,
        application=client,
        token=secrets.token_urlsafe(24),
        scope="notes:read notes:write notes:publish",
        expires=timezone.now() + timedelta(hours=10),
    )
    return token.token


def _notes(author, notebook=None):
    return [_note(author, title, notebook) for title in TITLES[author.username]]


def _note(author, title, notebook):
    published_at = timezone.now() if title in PUBLISHED else None
    values = {"notebook": notebook, "body": f"<p>{title}.</p>", "published_at": published_at}
    return Note.objects.update_or_create(author=author, title=title, defaults=values)[0]
