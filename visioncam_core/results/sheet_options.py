"""The options of a contact sheet: some are the page's, the others go to the renderer of each map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from visioncam_core.errors import OptionTypeError
from visioncam_core.options.fields import describe_options
from visioncam_core.text import did_you_mean, listing

if TYPE_CHECKING:
    from visioncam_core.plugins.registry import Registry


def parted(registry: Registry, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the sheet's own options, the others under `tile_options`.

    Args:
        registry: knows the sheet and the renderers.
        options: as the user gave them.

    Raises:
        OptionTypeError: neither the sheet nor the renderer of its maps has such an option; the nearest of
            both are offered.
    """
    page = {info.name: info.default for info in describe_options(registry.renderer("sheet").cls)}
    own = {name: value for name, value in options.items() if name in page}
    rest = {name: value for name, value in options.items() if name not in page}
    if not rest:
        return own
    renderer = own.get("renderer", page.get("renderer", "overlay"))
    if not isinstance(renderer, str):
        raise OptionTypeError(
            f"the sheet has no option {next(iter(rest))!r}, and the renderer is an object made already. Give "
            f"the option when you make {type(renderer).__name__}."
        )
    known = [info.name for info in describe_options(registry.renderer(renderer).cls)]
    for name in rest:
        if name not in known:
            hint = did_you_mean(name, [*page, *known]) or ";"
            raise OptionTypeError(
                f"neither the sheet nor renderer {renderer!r} has an option {name!r}{hint} the sheet's: "
                f"{listing(list(page))}; the renderer's: {listing(known)}"
            )
    given = own.get("tile_options", {})
    return {**own, "tile_options": {**given, **rest} if isinstance(given, Mapping) else given}
