"""Whether a map is stable under small changes."""
