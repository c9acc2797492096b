"""GIF and MP4: a volume slice by slice, a video frame by frame, drawn by any renderer."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from visioncam_core.errors import OutputError
from visioncam_core.images.opencv import load_opencv
from visioncam_core.options.fields import describe_options, in_range, option
from visioncam_core.results.data import ExplanationData
from visioncam_core.results.volume import slices

SMALLEST = 320  # pixels that the longer side gets at least, where the renderer can enlarge


@attrs.frozen
class Film:
    """How a film runs.

    Attributes:
        fps: frames per second.
        axis: 0, 1 or 2: the axis that becomes time; a video's own time is 0.
    """

    fps: float = option(
        8.0, help="frames per second", unit="frames", validator=in_range(0, 100, low_open=True)
    )
    axis: int = option(0, help="axis that becomes time", validator=in_range(0, 2))

    def frames(self, explanation: ExplanationData, draw: Callable[[Any], np.ndarray]) -> list[np.ndarray]:
        """Return the drawn slices, all (H, W, 3) uint8 of one size; raises as `slices`."""
        pictures = [draw(one) for one in slices(explanation, self.axis)]
        height, width, _ = np.max([picture.shape for picture in pictures], axis=0)
        return [_pad(picture, height, width) for picture in pictures]


OPTIONS = frozenset(info.name for info in describe_options(Film))


def gif(frames: list[np.ndarray], fps: float) -> bytes:
    """Return an animated GIF of (H, W, 3) uint8 frames of one size, endless; its time has steps of 10 ms."""
    from PIL import Image

    images = [Image.fromarray(frame).quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
              for frame in frames]  # fmt: skip
    buffer = io.BytesIO()
    images[0].save(
        buffer,
        "GIF",
        save_all=True,
        append_images=images[1:],
        duration=max(round(100 / fps), 2) * 10,
        loop=0,
        optimize=False,
    )
    return buffer.getvalue()


def mp4(frames: list[np.ndarray], fps: float) -> bytes:
    """Return an MPEG-4 film, frames as in `gif`; sides of odd length get one white row or column more.

    Raises:
        OutputError: this OpenCV cannot write films, or wrote fewer frames: it raises nothing where the folder
            for temporary files is full.
    """
    cv2 = load_opencv()
    height, width = (side + side % 2 for side in frames[0].shape[:2])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), fps, (width, height))
        try:
            if writer.isOpened():
                for frame in frames:
                    writer.write(np.ascontiguousarray(_pad(frame, height, width)[..., ::-1]))
        finally:
            writer.release()
        payload = path.read_bytes() if path.exists() else b""
        if not payload:
            raise OutputError("This build of OpenCV cannot write .mp4 files. Save a .gif instead.")
        reader = cv2.VideoCapture(str(path))
        written = max(int(reader.get(cv2.CAP_PROP_FRAME_COUNT)), 0)
        reader.release()
    if written != len(frames):
        raise OutputError(
            f"OpenCV wrote {written} of the video's {len(frames)} frames. Make space in the folder for "
            "temporary files, or save a .gif instead."
        )
    return payload


def _pad(frame: np.ndarray, height: int, width: int) -> np.ndarray:
    if frame.shape[:2] == (height, width):
        return frame
    page = np.full((height, width, 3), 255, np.uint8)
    page[: frame.shape[0], : frame.shape[1]] = frame
    return page
