"""`manage.py demo`: migrate, seed, print the story, serve."""

import json
import os
import socket
import sys
from dataclasses import asdict
from pathlib import Path

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from example_project.notes.command_lines import CommandLines
from example_project.notes.seed import sow
from example_project.notes.story import Story

HOST = "127.0.0.1"


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
        story = Story(CommandLines(site, python_as_typed(), sow(site)))
        self.stdout.write(as_json(story) if options["json"] else str(story))
        self.stdout.flush()
        if not no_serve:
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


def python_as_typed():
    """Return the interpreter's path, as short as possible from the current directory."""
    python, here = Path(sys.executable), Path.cwd()
    return str(python.relative_to(here) if python.is_relative_to(here) else python)


def as_json(story):
    steps = [asdict(step) for step in story.steps()]
    return json.dumps({"site": story.site, **asdict(story.seeded), "story": steps})
