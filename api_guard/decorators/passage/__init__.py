"""One request's way through a guarded view: what each wrapped hook does and remembers."""

from api_guard.decorators.passage.deciding import PASSAGE, Passage

__all__ = ["PASSAGE", "Passage"]
