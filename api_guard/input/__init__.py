"""Checks of the input: text, markup, JSON, files, and values of a client."""
