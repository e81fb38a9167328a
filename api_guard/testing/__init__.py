"""What a project's own tests ask of its API: that every endpoint is closed."""
