"""Client secrets that were verified a moment ago, in this process."""

from __future__ import annotations

import hmac
import secrets
import threading
import time

from api_guard import conf

# A site has few clients; what is beyond is verified each time.
_MOST = 1024


class VerifiedSecrets:
    """Remembers for seconds that a secret fits a stored hash, which is slow to compute by design.

    What is kept is a digest of both, keyed by what only this process knows. The stored hash comes
    from the database with each request: a changed secret and a deleted client are refused at once.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._until: dict[bytes, float] = {}
        self._lock = threading.Lock()

    def knows(self, secret: str, stored: str) -> bool:
        """Whether `secret` was found to fit `stored` within the time that the settings give."""
        if not conf.client_secret_cache_seconds():
            return False
        return self._until.get(self._digest(secret, stored), 0) > time.monotonic()

    def remember(self, secret: str, stored: str) -> None:
        """Note that `secret` fits `stored`."""
        seconds = conf.client_secret_cache_seconds()
        if not seconds:
            return
        now = time.monotonic()
        with self._lock:
            self._until = {key: until for key, until in self._until.items() if until > now}
            if len(self._until) < _MOST:
                self._until[self._digest(secret, stored)] = now + seconds

    def forget(self) -> None:
        """Forget them all."""
        with self._lock:
            self._until = {}

    def _digest(self, secret: str, stored: str) -> bytes:
        # The length first, so that no other pair of texts reads alike.
        texts = [text.encode("utf-8", "surrogatepass") for text in (stored, secret)]
        message = len(texts[0]).to_bytes(8, "big") + b"".join(texts)
        return hmac.digest(self._key, message, "sha256")


verified_secrets = VerifiedSecrets()
