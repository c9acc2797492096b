"""DICOM slices: their tags, their order, and where they lie in the patient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from visioncam_core.errors import ImageError

_GROUPS = {
    **dict.fromkeys(("RescaleSlope", "RescaleIntercept"), "PixelValueTransformationSequence"),
    **dict.fromkeys(("WindowCenter", "WindowWidth", "VOILUTFunction"), "FrameVOILUTSequence"),
    **dict.fromkeys(("PixelSpacing", "SliceThickness"), "PixelMeasuresSequence"),
    "ImagePositionPatient": "PlanePositionSequence",
    "ImageOrientationPatient": "PlaneOrientationSequence",
}
"""Where files of many frames have what others have at the top."""


def tag_of(data: Any, tag: str, frame: int = 0) -> Any:
    """Return a tag's value: at the top, or of all frames, or of one; None where there is none."""
    if tag in data or tag not in _GROUPS:
        return data.get(tag)
    shared = data.get("SharedFunctionalGroupsSequence") or []
    each = data.get("PerFrameFunctionalGroupsSequence") or []
    inner = [group.get(_GROUPS[tag]) for group in [*shared[:1], *each[frame : frame + 1]]]
    return next((one[0].get(tag) for one in inner if one and tag in one[0]), None)


def numbers_of(value: Any) -> list[float]:
    """Return the finite numbers of a tag that may have one or several; none where it is broken or missing."""
    try:
        found = [float(one) for one in (value if hasattr(value, "append") else [value])]
    except (TypeError, ValueError):
        return []
    return found if np.isfinite(found).all() else []


def sorted_slices(
    owners: Sequence[tuple[Any, int]], name: str, notes: list[str]
) -> tuple[list[int], np.ndarray | None]:
    """Return the order of slices: along the normal where all have a place, else by number, else as stored."""
    places = [_place(*one) for one in owners]
    if all(one is not None for one in places):
        normal = np.cross(places[0][0][0], places[0][0][1])  # type: ignore[index]
        if any(np.abs(np.array(one[0]) - places[0][0]).max() > 1e-3 for one in places):  # type: ignore[index]
            raise ImageError(f"{name}: its slices differ in direction; leave out the others (localizers)")
        depth = np.array([float(np.dot(normal, one[1])) for one in places])  # type: ignore[index]
        order = np.argsort(depth, kind="stable").tolist()
        gaps = np.diff(depth[order])
        if gaps.min() > 1e-4:
            if np.ptp(gaps) > 0.01 * gaps.max():
                notes.append(f"its slices are {gaps.min():.3g} to {gaps.max():.3g} mm apart, unevenly")
            return order, affine_of([owners[k] for k in order])
        if len({id(data) for data, _ in owners}) > 1 and np.ptp(depth) > 1e-4:
            raise ImageError(
                f"{name}: several slices have the same position; put those of one time point into a folder"
            )
    files = len({id(data) for data, _ in owners})
    if files == 1:  # frames, one after the other
        return list(range(len(owners))), None
    numbers = [numbers_of(data.get("InstanceNumber")) for data, _ in owners]
    if not all(numbers) or len({one[0] for one in numbers}) < len(numbers):
        raise ImageError(
            f"{name}: its slices have neither positions nor numbers that give their order; pass a list"
        )
    notes.append("slices sorted by their numbers, because their positions give no order")
    return sorted(range(len(numbers)), key=lambda k: numbers[k][0]), None


def _place(data: Any, frame: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the directions, along a row and down a column, and the first pixel's place, in millimetres."""
    way, corner = (
        numbers_of(tag_of(data, tag, frame)) for tag in ("ImageOrientationPatient", "ImagePositionPatient")
    )
    if len(way) != 6 or len(corner) != 3:
        return None
    return np.reshape(way, (2, 3)), np.array(corner)


def affine_of(owners: Sequence[tuple[Any, int]]) -> np.ndarray | None:
    """Return the affine of sorted slices, (slice, row, column), or of one picture, (row, column, across)."""
    first, last = _place(*owners[0]), _place(*owners[-1])
    spacing = numbers_of(tag_of(owners[0][0], "PixelSpacing", owners[0][1]))
    if first is None or last is None or len(spacing) != 2:
        return None
    (along, down), corner = first
    rows, columns = down * spacing[0], along * spacing[1]  # the first number is between rows
    if len(owners) > 1:
        columns_of = [(last[1] - corner) / (len(owners) - 1), rows, columns]
    else:
        thick = numbers_of(tag_of(owners[0][0], "SliceThickness", owners[0][1])) or [1.0]
        columns_of = [rows, columns, np.cross(along, down) * (thick[0] or 1.0)]
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = np.array(columns_of).T, corner
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine  # DICOM counts to the left and to the back
