"""@guard: puts a Policy on a view and enforces it before the view's own checks."""

from api_guard.decorators.guard import Guard, guard

__all__ = ["Guard", "guard"]
