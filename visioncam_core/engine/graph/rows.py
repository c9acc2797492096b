"""The rows of the layer table, made of what an engine recorded of a model."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping

import attrs

from visioncam_core.engine.layer_table import LayerRow
from visioncam_core.engine.layouts import Found, guess, layout_of
from visioncam_core.engine.space import Space

Lengths = tuple[int, ...]


@attrs.frozen(eq=False)
class Output:
    """What an engine recorded of one output of one unit.

    Attributes:
        path, bare, kind: as in `LayerRow`.
        shape: without the batch axis; None where the first axis is not the batch.
        key: of its value.
        same: keys of its value and of what that is a mere copy of.
        moved: keys of what it holds in another shape or order.
        inputs: positions of the model's inputs it depends on.
        walked: for each input that could be the picture where the output is in it.
        channels_first: whether its unit, or the one before that says so, has the channels first.
        steps: outputs that are stacked over time.
        holds: it is a model, which hands on what its last unit made.
        inside: why the value cannot be reached, or "".
        reaches_score, is_score, ends, feeds, stops, projects: as in `LayerRow`.
    """

    path: str
    bare: str
    kind: str
    shape: Lengths | None
    key: Hashable
    same: Iterable[Hashable]
    moved: Iterable[Hashable]
    inputs: Lengths
    walked: Mapping[int, Space | None]
    channels_first: bool = False
    steps: int = 1
    holds: bool = False
    inside: str = ""
    reaches_score: bool = True
    is_score: bool = False
    ends: bool = False
    feeds: bool = False
    stops: bool = False
    projects: bool = False


def rows_of(
    outputs: Iterable[Output], inputs: Iterable[Hashable], image: int, spaces: Mapping[int, Lengths]
) -> tuple[LayerRow, ...]:
    """Return a row for each output.

    Args:
        outputs: in call order.
        inputs: keys of the model's inputs.
        image: position of the image input.
        spaces: position -> spatial axes of each input that could be the picture.
    """
    placed = dict.fromkeys(inputs, "")
    rows: list[LayerRow] = []
    by_key: dict[Hashable, str] = {}
    for one in outputs:
        same = [by_key[key] for key in one.same if key in by_key]
        if same and not one.holds and same[0].startswith(f"{one.bare}/"):
            # A unit made of units is named itself, and its last one is the copy; a model names its unit.
            inner = next(number for number, row in enumerate(rows) if row.path == same[0])
            rows[inner] = attrs.evolve(rows[inner], copy_of=one.path)
            by_key.update((key, one.path) for key, path in by_key.items() if path == same[0])
            same = []
        by_key.setdefault(one.key, same[0] if same else one.path)
        full = () if one.shape is None else (one.steps, *one.shape) if one.steps > 1 else one.shape
        source = image if image in one.inputs else next((i for i in one.inputs if i in spaces), image)
        space, found = spaces[source], Found()
        if one.shape is not None and one.inputs:
            found = layout_of(one.walked.get(source), full, space)
            if found.unknown:
                grids = [row.grid for row in reversed(rows) if len(row.grid) == len(space)]
                found = guess(full, space, one.channels_first, grids)
        layout = found.layout
        rows.append(
            LayerRow(
                path=one.path,
                bare=one.bare,
                kind=one.kind,
                shape=full,
                layout=layout,
                stride=tuple(round(n / m, 3) for n, m in zip(space, layout.grid, strict=True))
                if layout
                else (),
                inputs=one.inputs,
                reaches_score=one.reaches_score,
                is_score=one.is_score,
                refused=_refused(one, full, found, spaces),
                projects=one.projects,
                copy_of=same[0] if same and one.steps == 1 else "",
                guessed=found.unknown and layout is not None,
                ends=one.ends,
                feeds=one.feeds,
                stops=one.stops,
                raw=any(key in placed and not placed[key].startswith(f"{one.bare}/") for key in one.moved),
            )
        )
        placed |= dict.fromkeys(one.same, one.path) if layout else {}
    position = 0
    for number, row in enumerate(rows):
        if not row.refused:
            rows[number] = attrs.evolve(row, index=position)
            position += 1
    return tuple(rows)


def _refused(one: Output, full: Lengths, found: Found, spaces: Mapping[int, Lengths]) -> str:
    if one.inside:
        return f"it is computed inside {one.inside}, where its values cannot be reached"
    if one.shape is None:
        return "its first axis is not the batch (windows or heads were folded into it)"
    if not one.inputs:
        return "it does not depend on the model's input"
    if not set(one.inputs) & set(spaces):
        return "it does not depend on the picture"
    if found.layout is None:
        return f"{found.why} (output shape {full})"
    return ""
