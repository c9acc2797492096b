"""The property `switches` of metrics whose options do not change how their numbers are made."""

from __future__ import annotations

from visioncam_core.metrics import Switches


def constant(switches: Switches) -> property:
    return property(lambda metric: switches, doc="How its numbers are made.")
