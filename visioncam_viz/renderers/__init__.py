"""The renderers: a file for each, or for those that share a body."""
