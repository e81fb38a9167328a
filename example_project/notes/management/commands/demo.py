"""`manage.py demo`: migrate, seed, print the story, serve."""

import json
import os
import socket
import sys
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from example_project.notes.seed import sow
from example_project.notes.shell import MANAGE, Shell
from example_project.notes.story import Story

HOST = "127.0.0.1"
SHELL, LOG = MANAGE.with_name("demo.sh"), MANAGE.with_name("demo.log")


class Command(BaseCommand):
    help = "Migrate, add the demo data, print what to try, and serve on 127.0.0.1."

    def add_arguments(self, parser):
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--no-serve", action="store_true", help="stop after the story")
        parser.add_argument("--json", action="store_true", help="print the story as JSON")

    def handle(self, *args, port, no_serve, **options):
        if not no_serve:
            refuse_busy(port)
        call_command("migrate", verbosity=0, interactive=False)
        site = f"http://{HOST}:{port}"
        seeded = sow(site)
        shell = Shell(site, seeded)
        story = Story(site, seeded, as_typed(SHELL), as_typed(LOG))
        if options["json"]:
            self.stdout.write(as_json(story, shell))
        else:
            shell.write(SHELL)
            self.stdout.write(str(story))
        if not no_serve:
            with logged_to(LOG):
                call_command("runserver", f"{HOST}:{port}", use_reloader=False)


def refuse_busy(port):
    """Stop before anything is printed if the server could not start."""
    try:
        # Bind as the server will: a port that was released a moment ago counts as free.
        with socket.create_server((HOST, port)):
            pass
    except (OSError, OverflowError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) else "no such port"
        raise CommandError(
            f"Port {port} cannot be used: {reason}. Choose another one: make demo PORT=8001"
        ) from None


@contextmanager
def logged_to(path):
    """Write what the server says into a file, so that the story stays on the screen."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    with path.open("w") as log:
        for number in (1, 2):
            os.dup2(log.fileno(), number)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # What goes wrong at the start is shown.
        for number, old in zip((1, 2), kept, strict=True):
            os.dup2(old, number)
            os.close(old)


def as_typed(path):
    """Return a path, as short as possible from the current directory."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def as_json(story, shell):
    told = {"story": [asdict(step) for step in story.steps()], "text": str(story)}
    return json.dumps({"site": story.site, **asdict(story.seeded), "shell": str(shell), **told})
