"""Call a renderer, and check the picture it returns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np

from visioncam_core.errors import OptionTypeError, VisionCamError
from visioncam_core.ops import read_only_array
from visioncam_core.options.fields import describe_options
from visioncam_core.plugins.calls import OWN_CODE, plugin_failure
from visioncam_core.plugins.default import registry
from visioncam_core.plugins.records import cause_of
from visioncam_core.plugins.specs import RendererSpec
from visioncam_core.results.data import ExplanationData
from visioncam_core.text import brief, did_you_mean, listing

OURS = "visioncam"


def render(subject: Any, renderer: str | object, options: Mapping[str, Any]) -> np.ndarray:
    """Return what a renderer, by name or as an object, makes of an explanation or comparison."""
    return call_renderer(*registry().make_renderer(renderer, options), subject)


def call_renderer(spec: RendererSpec | None, renderer: Any, subject: Any) -> np.ndarray:
    """Return the picture that a renderer makes of an explanation or comparison, (H, W, 3) uint8 RGB.

    A third-party renderer, or an object of the user's own (`spec` is None), is given arrays that it cannot
    write to: the explanation is the user's.

    Raises:
        PluginError: it raised, or returned something else; the message names it and the fault.
        VisionCamError: what the renderer itself says about the explanation or its options.
    """
    if spec is not None and spec.distribution in (OURS, ""):
        picture: np.ndarray = renderer(subject)
        return picture
    name = type(renderer).__name__ if spec is None else spec.name
    source = OWN_CODE if spec is None else spec.distribution
    try:
        made = renderer(read_only(subject))
    except (VisionCamError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise plugin_failure("renderer", name, source, cause_of(error)) from error
    array = isinstance(made, np.ndarray)
    if not array or made.dtype != np.uint8 or made.ndim != 3 or made.shape[2] != 3 or 0 in made.shape:
        received = f"{made.dtype} of shape {made.shape}" if array else brief(made)
        cause = f"it returned {received}; a picture is an (H, W, 3) uint8 array, RGB"
        raise plugin_failure("renderer", name, source, cause)
    return made


def read_only(subject: Any) -> Any:
    """Return the same explanation or comparison with arrays that cannot be written to."""
    if isinstance(subject, ExplanationData):
        arrays = {name: read_only_array(getattr(subject, name)) for name in ("raw", "heatmap", "picture")}
        return attrs.evolve(subject, **arrays)
    if attrs.has(type(subject)) and hasattr(subject, "explanations"):
        return attrs.evolve(subject, explanations=tuple(map(read_only, subject.explanations)))
    return subject


def sheet_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the sheet's own options, the others under `tile_options`.

    Raises:
        OptionTypeError: neither the sheet nor the renderer of its maps has such an option; the nearest of
            both are offered.
    """
    page = {info.name: info.default for info in describe_options(registry().renderer("sheet").cls)}
    own = {name: value for name, value in options.items() if name in page}
    rest = {name: value for name, value in options.items() if name not in page}
    if not rest:
        return own
    renderer = own.get("renderer", page.get("renderer", "overlay"))
    if not isinstance(renderer, str):
        raise OptionTypeError(
            f"the sheet has no option {next(iter(rest))!r}, and the renderer is already an object. Pass the "
            f"option when you create {type(renderer).__name__}."
        )
    known = [info.name for info in describe_options(registry().renderer(renderer).cls)]
    for name in rest:
        if name not in known:
            hint = did_you_mean(name, [*page, *known]) or ";"
            raise OptionTypeError(
                f"neither the sheet nor renderer {renderer!r} has an option {name!r}{hint} the sheet's: "
                f"{listing(list(page))}; the renderer's: {listing(known)}"
            )
    given = own.get("tile_options", {})
    return {**own, "tile_options": {**given, **rest} if isinstance(given, Mapping) else given}
