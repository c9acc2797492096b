"""The keywords of `visioncam.explain` that are neither image, target nor method; flags are made from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import attrs

from visioncam_core.engine.batches import Budget
from visioncam_core.images.decode import MAX_PIXELS
from visioncam_core.images.geometry import geometry_named
from visioncam_core.images.values import check_window
from visioncam_core.layers.reshape import checked_reshape
from visioncam_core.options.fields import in_range, option


def _known_geometry(settings: object, field: object, value: object) -> None:
    """Refuse an unknown geometry at once, also where only model input is passed."""
    if value is not None:
        geometry_named(value)


@attrs.frozen(eq=False)
class Settings:
    """Keywords of `visioncam.explain`, checked."""

    layer: Any = option(
        "auto",
        help="name, path or index of `visioncam layers`, or re:PATTERN; chosen by default. Several, each "
        "with its own --layer, are fused",
    )
    fuse: Literal["mean", "max"] = option("mean", help="how the maps of several layers are combined")
    placement: Literal["stretched", "receptive", "effective"] = option(
        "effective",
        help="where the layer's positions lie on the picture: spread evenly, where kernels and padding put "
        "them, or where the kernels' weights look",
    )
    score: Literal["logit", "probability"] = option("logit", help="score that is explained")
    output: Any = option(None, help="output of the model, name or index; the first by default")
    evidence: Literal["for", "against", "signed"] = option(
        "for", help="evidence for the class, against it, or both"
    )
    preprocess: Any = option("auto", help="how pixel values 0 to 255 become model input")
    geometry: Any = option(
        None,
        help="how the picture is fitted to the model; the model's own way by default, else resize",
        validator=_known_geometry,
    )
    window: tuple[float, float] | None = option(
        None,
        help="values that become black and white, low and high; what lies outside is clipped",
        validator=check_window,
    )
    frame: int = option(
        0,
        help="which picture of an animation, or of a file with pages, from 0",
        validator=in_range(0, 2**31 - 1),
    )
    max_pixels: int = option(
        MAX_PIXELS, help="a larger picture is refused before it is decoded", validator=in_range(1, 2**40)
    )
    class_names: Any = option(None, help="JSON or text file with the model's class names")
    reshape: Callable[..., Any] | None = option(
        None, help="your own function (N, ...) -> (N, *grid, K) for the layer"
    )
    batch_size: int | None = option(
        None,
        help="pictures per forward pass; 32 by default, 8 in `visioncam batch`",
        validator=in_range(1, 65_536),
    )
    max_memory: int | None = option(
        None,
        help="memory limit of one batch of changed pictures, 300 by default, if --batch-size is not given",
        unit="MB",
        validator=in_range(1, 10**6),
    )
    seed: int = option(0, help="seed of the method's random numbers", validator=in_range(0, 2**32 - 1))
    engine: str | None = option(None, help="engine that runs the model, if several could")
    progress: Any = option(None, help="True for a bar, or a function of (done, total)")

    @property
    def batch(self) -> int:
        return self.budget.plain

    @property
    def budget(self) -> Budget:
        """What bounds the batches of methods that ask for many scores."""
        if self.max_memory is None:
            return Budget(self.batch_size)
        return Budget(self.batch_size, self.max_memory * 10**6)

    def reshaping(self, rank: int) -> Callable[..., Any] | None:
        """Return the user's `reshape`, its grid checked to have `rank` axes; None where none was given."""
        return None if self.reshape is None else checked_reshape(self.reshape, rank)
