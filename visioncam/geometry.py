"""How a picture is fitted to a model, and boxes on it: `from visioncam.geometry import CenterCrop`."""

from __future__ import annotations

from visioncam_core.images.box import Box
from visioncam_core.images.geometry import CenterCrop, Geometry, Letterbox, Resize, Tile
from visioncam_core.images.resize_crop import ResizeCrop

__all__ = ["Box", "CenterCrop", "Geometry", "Letterbox", "Resize", "ResizeCrop", "Tile"]
