"""Access: who asks, for which operation, on which objects."""
