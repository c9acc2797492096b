"""The layer table, and the choice of a layer."""

from visioncam_core.engine.layer_table import (
    MAX_STRIDE_RATIO,
    LayerChoice,
    LayerRow,
    LayerTable,
    Layout,
    even,
)

__all__ = ["MAX_STRIDE_RATIO", "LayerChoice", "LayerRow", "LayerTable", "Layout", "even"]
