"""Versions: ours, here and nowhere else, as the build reads it from this file, and those of others."""

from functools import lru_cache

VERSION = "1.0.0.dev0"


@lru_cache
def installed_version(distribution: str) -> str:
    """Return the version of an installed distribution, or "unknown"."""
    from importlib.metadata import PackageNotFoundError, version  # a third of what importing visioncam takes

    try:
        return version(distribution)
    except PackageNotFoundError:
        return "unknown"
