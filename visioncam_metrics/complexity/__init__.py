"""How simple a map is."""
