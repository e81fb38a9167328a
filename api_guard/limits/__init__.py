"""Limits: how often a caller may ask, and how often a credential may fail."""
