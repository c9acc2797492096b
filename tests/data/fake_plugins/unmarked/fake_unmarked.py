"""Forgets @hookimpl."""

from __future__ import annotations


def visioncam_register_methods() -> list[object]:
    """Return nothing."""
    return []
