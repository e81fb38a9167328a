"""Who asks, for what, and of whose objects."""
