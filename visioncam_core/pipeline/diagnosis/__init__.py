"""What the reader of a map should know."""
