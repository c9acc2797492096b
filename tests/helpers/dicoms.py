"""DICOM files made here, with tell-tale names where a patient's would be."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

TELL_TALES = {
    "PatientName": "TELLTALE^MARIA", "PatientID": "TELLTALE-ID", "PatientBirthDate": "19010203",
    "PatientAddress": "TELLTALE STREET", "InstitutionName": "TELLTALE WARD", "AccessionNumber": "TELLTALE7",
    "ReferringPhysicianName": "TELLTALE^DOCTOR", "StudyDescription": "TELLTALE STUD", "StudyDate": "19990807",
    "SeriesDescription": "TELLTALE SERIES", "OperatorsName": "TELLTALE^OP", "StationName": "TELLTALESTATION",
    "PatientComments": "TELLTALE COMMENT", "ImageComments": "TELLTALE IMAGE",
}  # fmt: skip
WORDS = (b"TELLTALE", b"MARIA", b"19010203", b"19990807")


def dicom(
    pixels: np.ndarray, kind: str = "MONOCHROME2", syntax: str = "1.2.840.10008.1.2.1", **tags: Any
) -> bytes:
    """Return a file of (H, W), (N, H, W) or, in colour, (H, W, 3) pixels; `tags` by keyword."""
    from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
    from pydicom.uid import UID

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.2")
    meta.MediaStorageSOPInstanceUID = UID("1.2.3.4")
    meta.TransferSyntaxUID = UID(syntax)
    data = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    colour = kind in ("RGB", "YBR_FULL")
    space = pixels.shape[:-1] if colour else pixels.shape
    if len(space) == 3:
        data.NumberOfFrames = space[0]
    data.Rows, data.Columns = space[-2:]
    data.SamplesPerPixel, data.PhotometricInterpretation = 3 if colour else 1, kind
    if colour:
        data.PlanarConfiguration = 0
    bits = pixels.dtype.itemsize * 8
    data.BitsAllocated, data.BitsStored, data.HighBit = bits, bits, bits - 1
    data.PixelRepresentation = int(pixels.dtype.kind == "i")
    data.SOPClassUID, data.SOPInstanceUID = meta.MediaStorageSOPClassUID, UID("1.2.3.4")
    data.SeriesInstanceUID = UID("1.2.3.5")
    for name, value in {**TELL_TALES, **tags}.items():
        setattr(data, name, value)
    private = data.private_block(0x0009, "TELLTALE MAKER", create=True)
    private.add_new(1, "LO", "TELLTALE PRIVATE")
    request = Dataset()
    request.RequestedProcedureDescription = "TELLTALE REQUEST"
    data.RequestAttributesSequence = [request]
    data.PixelData = pixels.tobytes() + b"\0" * (pixels.nbytes % 2)
    buffer = io.BytesIO()
    data.save_as(buffer)
    return buffer.getvalue()


def encapsulated(data: bytes, syntax: str) -> bytes:
    """Return a file whose pixels claim to be compressed, and are noise."""
    import pydicom
    from pydicom.encaps import encapsulate
    from pydicom.uid import UID

    found = pydicom.dcmread(io.BytesIO(data))
    found.PixelData = encapsulate([b"no codestream!"])
    found["PixelData"].is_undefined_length = True
    found.file_meta.TransferSyntaxUID = UID(syntax)
    buffer = io.BytesIO()
    found.save_as(buffer)
    return buffer.getvalue()
