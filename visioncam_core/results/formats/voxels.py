"""Maps as plain arrays: NIfTI in the space of the volume that was explained, and NumPy.

e.save("map.nii.gz")                # shape and affine of the volume, for any viewer
e.save("map.npy")                   # the heat map alone: np.load("map.npy")
"""

from __future__ import annotations

import gzip
import io

import attrs
import numpy as np

from visioncam_core.errors import ImageError
from visioncam_core.images.formats.nifti import nibabel
from visioncam_core.results.data import ExplanationData


@attrs.frozen
class Nifti:
    """The heat map, float32, with the affine of what it is of; without one voxels are 1 mm wide."""

    def __call__(self, explanation: ExplanationData) -> bytes:
        heat = np.asarray(explanation.heatmap, np.float32)
        if heat.ndim not in (2, 3):
            raise ImageError(
                f"a NIfTI file holds the map of a picture or a volume; this one has shape {heat.shape}; save "
                "it as .npy"
            )
        affine = np.array(explanation.provenance.get("affine") or np.eye(4), float)
        image = nibabel().Nifti1Image(heat[..., None] if heat.ndim == 2 else heat, affine)
        image.header.set_xyzt_units("mm")
        image.header["cal_min"], image.header["cal_max"] = (
            -1.0 if explanation.evidence == "signed" else 0.0,
            1.0,
        )
        image.header["descrip"] = f"VisionCam {explanation.method}"[:79].encode("ascii", "replace")
        done: bytes = image.to_bytes()
        return done


@attrs.frozen
class PackedNifti(Nifti):
    """The same, packed by gzip; equal maps give equal bytes."""

    def __call__(self, explanation: ExplanationData) -> bytes:
        return gzip.compress(super().__call__(explanation), mtime=0)


@attrs.frozen
class Npy:
    """The heat map, float32, in the picture's shape."""

    def __call__(self, explanation: ExplanationData) -> bytes:
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, np.asarray(explanation.heatmap, np.float32), allow_pickle=False)
        return buffer.getvalue()
