"""A guarded API: users ask for scopes, and users with the authority decide."""
