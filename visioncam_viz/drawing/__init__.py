"""What several renderers draw with."""
