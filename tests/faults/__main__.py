"""Prepares the database where it is empty, serves the site, and prints its port."""

import json
from datetime import timedelta
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import django
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.utils import timezone


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 512


class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass


def seed():
    from django.contrib.auth import get_user_model
    from oauth2_provider.models import AccessToken, Application

    from api_guard import grants
    from api_guard.models import recorded

    users = get_user_model().objects
    alice = users.create_user("alice", password="wonderland")
    users.create_user("newcomer", password="new")
    carol = users.create_user("carol", password="late")
    users.create_superuser("root", password="root")
    web = Application.objects.create(
        client_id="web",
        client_secret="secret",
        client_type="confidential",
        authorization_grant_type="client-credentials",
    )
    for scope, grantee in (("notes:read", alice), ("notes:read", web), ("introspection", web)):
        grants.grant(scope, grantee, by=grants.System("a test"))
    ends = timezone.now() + timedelta(hours=1)
    fields = {"application": web, "scope": "notes:read", "expires": ends}
    AccessToken.objects.create(token="good", user=alice, **fields)
    AccessToken.objects.create(token="late", user=carol, **fields)
    grants.grant("notes:read", carol, by=grants.System("a test"))
    with recorded():
        carol.scope_grants.update(expires_at=timezone.now())


def main():
    django.setup()
    if not connection.introspection.table_names():
        call_command("migrate", verbosity=0)
        seed()
    connection.close()
    with make_server("127.0.0.1", 0, get_wsgi_application(), Server, Quiet) as server:
        print(json.dumps({"port": server.server_port}), flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
