"""Saving an explanation: the file's suffix says what is written; every file is whole or not there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from visioncam_core.errors import OptionTypeError, OutputError
from visioncam_core.files import FORMATS, VECTORS, as_path, write_bytes
from visioncam_core.options.fields import build, describe_options
from visioncam_core.plugins.default import registry
from visioncam_core.results.data import ExplanationData
from visioncam_core.results.describe import words
from visioncam_core.results.formats.coco import Coco
from visioncam_core.results.formats.csv_table import Table
from visioncam_core.results.formats.figure import is_figure, map_file
from visioncam_core.results.formats.film import OPTIONS as FILM_OPTIONS
from visioncam_core.results.formats.film import SMALLEST, Film, gif, mp4
from visioncam_core.results.formats.mask import Mask
from visioncam_core.results.formats.npz import Arrays
from visioncam_core.results.formats.voxels import Nifti, Npy, PackedNifti
from visioncam_core.results.formats.yolo import Yolo
from visioncam_core.results.image_files import encode_image
from visioncam_core.results.render import call_renderer, render

FILMS = (".gif", ".mp4")
WRITERS: dict[str, Any] = {
    ".npz": Arrays, ".npy": Npy, ".nii": Nifti, ".nii.gz": PackedNifti, ".json": Coco, ".csv": Table,
    ".txt": Yolo, ".mask.png": Mask,
}  # fmt: skip
"""Suffix -> the class whose fields are the options of that kind of file, and which makes its bytes."""
DATA = tuple(WRITERS)
SUFFIXES = (*FORMATS, *VECTORS, *FILMS, *DATA)


def save(
    explanation: ExplanationData, path: str | Path, renderer: str | object, options: Mapping[str, Any]
) -> Path:
    """Write an explanation to a file; see `Explanation.save`."""
    target = as_path(path, OutputError, OptionTypeError)
    suffix = known_suffix(target)
    if suffix is None:
        got = repr(target.suffix) if target.suffix else "no suffix"
        raise OutputError(f"Cannot save a file with {got}. Use one of {', '.join(SUFFIXES)}.")
    if is_figure(suffix, options):
        payload = map_file(explanation, suffix, renderer, options, words(explanation))
    elif suffix in FORMATS:
        payload = encode_image(render(explanation, renderer, options), suffix, words(explanation))
    elif suffix in FILMS:
        payload = _film(explanation, suffix, renderer, options)
    else:
        if renderer != "overlay":
            raise OptionTypeError(f"A {suffix} file holds no drawn picture. Leave renderer={renderer!r} out.")
        payload = build(WRITERS[suffix], options, f"format {suffix!r}")(explanation)
    write_bytes(target, payload)
    return target


def known_suffix(path: Path) -> str | None:
    """Return which of `SUFFIXES` a file name ends in, in lower case; None for another."""
    name = path.name.lower()
    return next((suffix for suffix in sorted(SUFFIXES, key=len, reverse=True) if name.endswith(suffix)), None)


def _film(
    explanation: ExplanationData, suffix: str, renderer: str | object, options: Mapping[str, Any]
) -> bytes:
    """Return a film's bytes; options that are the film's own go to it, the others to the renderer."""
    own = {name: value for name, value in options.items() if name in FILM_OPTIONS}
    rest = {name: value for name, value in options.items() if name not in FILM_OPTIONS}
    film = build(Film, own, f"format {suffix!r}")
    spec, draw = registry().make_renderer(renderer, rest)
    if spec is not None and "min_size" in {info.name for info in describe_options(spec.cls)}:
        spec, draw = registry().make_renderer(renderer, {"min_size": SMALLEST, **rest})
    frames = film.frames(explanation, lambda flat: call_renderer(spec, draw, flat))
    return gif(frames, film.fps) if suffix == ".gif" else mp4(frames, film.fps)
