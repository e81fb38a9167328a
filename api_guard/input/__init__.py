"""What may come in: text, markup, JSON, files, and the values that a client sends."""
