"""A cache in memory of recently verified client secrets."""

from __future__ import annotations

import hmac
import secrets
import threading
import time

from api_guard import conf

# A site has few clients. More secrets than this are verified each time.
_MOST = 1024


class VerifiedSecrets:
    """Remembers for seconds that a secret matches its stored hash, because hashing is slow.

    It keeps a digest of both, with a key that only this process knows. The stored hash comes from
    the database with each request: a changed secret or a deleted client is refused at once.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._until: dict[bytes, float] = {}
        self._lock = threading.Lock()

    def knows(self, secret: str, stored: str) -> bool:
        """Whether `secret` matched `stored` within the time of the settings."""
        if not conf.client_secret_cache_seconds():
            return False
        return self._until.get(self._digest(secret, stored), 0) > time.monotonic()

    def remember(self, secret: str, stored: str) -> None:
        """Remember that `secret` matches `stored`."""
        seconds = conf.client_secret_cache_seconds()
        if not seconds:
            return
        now = time.monotonic()
        with self._lock:
            self._until = {key: until for key, until in self._until.items() if until > now}
            if len(self._until) < _MOST:
                self._until[self._digest(secret, stored)] = now + seconds

    def forget(self) -> None:
        """Clear the cache."""
        with self._lock:
            self._until = {}

    def _digest(self, secret: str, stored: str) -> bytes:
        # The length comes first, so that each pair of texts gives another message.
        texts = [text.encode("utf-8", "surrogatepass") for text in (stored, secret)]
        message = len(texts[0]).to_bytes(8, "big") + b"".join(texts)
        return hmac.digest(self._key, message, "sha256")


verified_secrets = VerifiedSecrets()
