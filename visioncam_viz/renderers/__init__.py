"""One module for each renderer."""
