"""Raises when it is imported."""

raise RuntimeError("boom on import")
