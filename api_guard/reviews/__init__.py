"""Access reviews: one reviewer decides about each of some grants, and evidence is kept."""

from api_guard.reviews.deciding import MOST, Decided, decide
from api_guard.reviews.evidence import as_csv, as_json, rows_of
from api_guard.reviews.items import Finding, Standing, found, items_of, standing
from api_guard.reviews.opening import close_review, open_review
from api_guard.reviews.progress import Progress, progress, progress_of, reviews_of

__all__ = [
    "MOST",
    "Decided",
    "Finding",
    "Progress",
    "Standing",
    "as_csv",
    "as_json",
    "close_review",
    "decide",
    "found",
    "items_of",
    "open_review",
    "progress",
    "progress_of",
    "reviews_of",
    "rows_of",
    "standing",
]
