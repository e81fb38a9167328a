"""Tells people by mail and by signals what ends, what waits and what needs a look."""

from api_guard.notices.collecting import Item
from api_guard.notices.digest import Digest, digest_of
from api_guard.notices.sending import NotSentError, pending, send

__all__ = ["Digest", "Item", "NotSentError", "digest_of", "pending", "send"]
