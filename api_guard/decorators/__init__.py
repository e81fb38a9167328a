"""@guard: attaches a Policy, stands before the view's checks."""

from api_guard.decorators.guard import Guard, guard

__all__ = ["Guard", "guard"]
