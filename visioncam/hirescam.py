"""HiResCAM in the paper's call style, see `visioncam.paper`."""

from __future__ import annotations

from visioncam.paper import PaperCAM


class HiResCAM(PaperCAM, method="hirescam"):
    """HiResCAM of a model; see `PaperCAM`."""


HriesCAM = HiResCAM  # as the paper spells it
