"""How a picture is fitted to a model: `from visioncam.geometry import CenterCrop`."""

from __future__ import annotations

from visioncam_core.images.geometry import CenterCrop, Geometry, Letterbox, Resize, Tile

__all__ = ["CenterCrop", "Geometry", "Letterbox", "Resize", "Tile"]
