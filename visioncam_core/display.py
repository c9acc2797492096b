"""Arrays as pictures (public name of `images.display`)."""

from visioncam_core.images.display import FEW, OUTLIERS, bands_last, eight_bit, stretch, to_rgb

__all__ = ["FEW", "OUTLIERS", "bands_last", "eight_bit", "stretch", "to_rgb"]
