"""The pages of requests for grants: who asks for what, and who decides."""

from api_guard.admin.grant_requests.listing import GrantRequestAdmin

__all__ = ["GrantRequestAdmin"]
