"""The short names of the story for a shell, with the ids, secrets and tokens of this start."""

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from example_project.notes.seed import Seeded

MANAGE = Path(__file__).resolve().parent.parent / "manage.py"


@dataclass(frozen=True)
class Shell:
    """A file to read with `.`, for a site at the address `site`."""

    site: str
    seeded: Seeded

    def __str__(self) -> str:
        program = f"{self.seeded.reporter_client}:{self.seeded.reporter_secret}"
        return f"""\
# Read this file with "." in sh, bash or zsh. Each start of the demo writes it anew.
SITE={self.site}
ALICE={self.seeded.alice_token}  # her access token for the client demo
REPORTER={program}  # the id and the secret of a program without a user

# get PATH [TOKEN]: call the API, and print the answer and its status.
get() {{
  if [ -n "$2" ]
  then curl -s -w ' %{{http_code}}\\n' -H "Authorization: Bearer $2" "$SITE$1"
  else curl -s -w ' %{{http_code}}\\n' "$SITE$1"
  fi
}}

# many PATH TOKEN: call it twelve times, and print the statuses.
many() {{
  for i in 1 2 3 4 5 6 7 8 9 10 11 12
  do curl -s -o /dev/null -w '%{{http_code}} ' -H "Authorization: Bearer $2" "$SITE$1"
  done; echo
}}

# login: ask for a token as the reporter. token: the same, and print only the token.
login() {{ curl -s -u "$REPORTER" -d grant_type=client_credentials "$SITE/o/token/"; echo; }}
token() {{ login | sed 's/.*"access_token": *"\\([^"]*\\)".*/\\1/'; }}

manage() {{ {shlex.quote(sys.executable)} {shlex.quote(str(MANAGE))} "$@"; }}
"""

    def write(self, path: Path) -> None:
        """Write the file, for its owner alone: it has secrets."""
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_text(str(self))
