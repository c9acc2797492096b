"""Has damaged metadata."""
