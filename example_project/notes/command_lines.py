"""The command lines of the story, with the ids, secrets and tokens of this start."""

import shlex
from dataclasses import dataclass

from example_project.notes.seed import Seeded


@dataclass(frozen=True)
class CommandLines:
    """For a site at the address `site`, started with `python`."""

    site: str
    python: str
    seeded: Seeded

    def curl(self, path: str, token: str = "") -> str:
        """Call the API and print the answer and its status."""
        return f"curl -s -w ' %{{http_code}}\\n' {_bearer(token)}{self.site}{path}"

    def many_curls(self, path: str, token: str) -> str:
        """Call it twelve times and print the statuses."""
        quiet = "curl -s -o /dev/null -w '%{http_code} '"
        return f"for i in $(seq 12); do {quiet} {_bearer(token)}{self.site}{path}; done; echo"

    def ask_for_token(self) -> str:
        """Ask for a token by client credentials."""
        login = f"{self.seeded.reporter_client}:{self.seeded.reporter_secret}"
        return f"curl -s -u {login} -d grant_type=client_credentials {self.site}/o/token/"

    def reporter_token(self) -> str:
        """Get that token and store it in $TOKEN."""
        only_it = """sed 's/.*"access_token": *"\\([^"]*\\)".*/\\1/'"""
        return f"TOKEN=$({self.ask_for_token()} | {only_it})"

    def exchange(self) -> str:
        """Exchange an authorization code for a token."""
        seeded = self.seeded
        return (
            f"curl -s -d grant_type=authorization_code -d client_id={seeded.demo_client} "
            f"-d redirect_uri={seeded.redirect_uri} -d code_verifier={seeded.verifier} "
            f"-d code=THE_CODE {self.site}/o/token/"
        )

    def grant(self, client_id: str) -> str:
        """Grant notes:read to a client, without the admin."""
        return self._manage(f"guard_grant --client {client_id} notes:read")

    def revoke(self, client_id: str) -> str:
        """Revoke it, without the admin."""
        return self._manage(f"guard_revoke --client {client_id} --scope notes:read")

    def _manage(self, command: str) -> str:
        return f"{shlex.quote(self.python)} example_project/manage.py {command}"


def _bearer(token: str) -> str:
    return f'-H "Authorization: Bearer {token}" ' if token else ""
