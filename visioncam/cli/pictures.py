"""The pictures of a run, looked at before TensorFlow is loaded."""

from __future__ import annotations

from collections.abc import Sequence

from visioncam_core.errors import ImageError
from visioncam_core.images.decode import load_picture
from visioncam_core.pipeline.settings import Settings


def unreadable(paths: Sequence[str], settings: Settings) -> dict[str, ImageError]:
    """Return why pictures cannot be shown, up to the first that can.

    A mistyped name is so told at once, not after the seconds that TensorFlow takes.

    Args:
        paths: the pictures, as the user gave them.
        settings: which frame of them, and how large they may be.
    """
    found: dict[str, ImageError] = {}
    for path in paths:
        try:
            load_picture(path, max_pixels=settings.max_pixels, frame=settings.frame)
        except ImageError as error:
            found[path] = error
        else:
            break
    return found
