"""The pages of access reviews: open one, decide about its grants, close it, keep the evidence."""

from api_guard.admin.access_reviews.listing import AccessReviewAdmin

__all__ = ["AccessReviewAdmin"]
