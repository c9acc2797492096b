"""Cutting functions from a traced graph."""
