#!/usr/bin/env python
"""Runs the example's commands: `python example_project/manage.py demo`."""

import os
import sys
from pathlib import Path


def main() -> None:
    # The example is a package of the repository, so its parent must be on the path.
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_project.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
