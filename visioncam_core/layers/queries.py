"""The built-in layer selectors: exact names and paths, indices, layer objects, patterns, callables.

They answer before any other plugin (`tryfirst`), so that nobody can take over an exact name;
`auto` answers last, see `visioncam_core.layers.auto`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.layer_table import LayerChoice, LayerRow, LayerTable
from visioncam_core.errors import LayerError, VisionCamError
from visioncam_core.plugins.hookspecs import hookimpl
from visioncam_core.text import brief, error_text, nearest


@hookimpl(tryfirst=True)
def visioncam_select_layer(table: LayerTable, query: Any) -> LayerChoice | None:
    """Answer a layer object, an index, an exact name or path, `re:pattern`, or a callable."""
    if isinstance(query, bool | np.bool_) or query is None or (isinstance(query, str) and query == "auto"):
        return None
    if isinstance(query, int | np.integer):
        return by_index(table, int(query))
    if isinstance(query, type):
        raise LayerError(
            f"layer={query.__name__} is a class; pass a layer of the model, its name or its index"
        )
    if isinstance(query, str):
        if query.startswith("re:"):
            return by_pattern(table, query[3:])
        return by_name(table, query)
    a_layer = (hasattr(query, "name") and hasattr(query, "call")) or hasattr(query, "named_modules")
    if a_layer or any(unit is query for unit in table.units().values()):
        return by_object(table, query)
    if callable(query):
        return by_callable(table, query)
    return None


def by_index(table: LayerTable, index: int) -> LayerChoice:
    """Return the candidate at an index, negative from the end."""
    rows = table.candidates
    if not rows:
        raise LayerError(no_layer(table))
    if not -len(rows) <= index < len(rows):
        raise LayerError(
            f"layer index {brief(index)} is out of range: the model has {len(rows)} candidate layers, "
            f"{-len(rows)} to {len(rows) - 1}; see visioncam.layers(model)"
        )
    return checked(table, rows[index], f"candidate {rows[index].index} of the layer table, as requested")


def by_name(table: LayerTable, name: str) -> LayerChoice | None:
    """Return the row of an exact path, or of a bare name that stands for one row only."""
    exact = (
        [row for row in table.rows if row.path == name]
        or [row for row in table.rows if row.bare == name]
        or [row for row in table.rows if row.bare.rsplit("/", 1)[-1] == name]
    )
    if not exact:  # PyTorch names its modules with dots
        return by_name(table, name.replace(".", "/")) if "." in name else None
    usable = [row for row in exact if row.index is not None and row.reaches_score] or exact
    if len(usable) > 1:
        rows = ", ".join(_described(row) for row in usable)
        raise LayerError(f"layer {name!r} stands for {len(usable)} outputs: {rows}; pass one of these paths")
    return checked(table, usable[0], "as asked")


def by_pattern(table: LayerTable, pattern: str) -> LayerChoice:
    """Return the last candidate whose path matches a regular expression."""
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise LayerError(
            f"the layer pattern {brief(pattern, 60)} is not a regular expression: {error}; see "
            "visioncam.layers(model)"
        ) from error
    rows = [row for row in table.candidates if compiled.search(row.path)]
    if not rows:
        raise LayerError(
            f"no candidate layer matches the pattern {brief(pattern, 60)}; see visioncam.layers(model)"
        )
    return checked(table, rows[-1], f"the last of {len(rows)} layers matching {pattern!r}")


def by_object(table: LayerTable, layer: Any) -> LayerChoice:
    for path, unit in table.units().items():
        if unit is layer:
            choice = by_name(table, path)
            if choice is not None:
                return choice
            raise LayerError(f"layer {path!r} is not called when {table.model_name!r} runs; choose another")
    torch = hasattr(layer, "named_modules")
    name = type(layer).__name__ if torch else repr(getattr(layer, "name", layer))
    such = "such as model.layer4[-1]" if torch else "with model.get_layer(...)"
    raise LayerError(
        f"the layer {name} is not part of the model {table.model_name!r}; take it from this very model, "
        f"{such}"
    )


def by_callable(table: LayerTable, choose: Callable[[LayerTable], Any]) -> LayerChoice:
    """Return what the user's own function picks: a row, an index or a path."""
    try:
        answer = choose(table)
    except VisionCamError:
        raise
    except Exception as error:
        raise LayerError(
            f"the layer function failed: {error_text(error)}; it takes the table and returns a row, an index "
            "or a path"
        ) from error
    if isinstance(answer, LayerChoice):
        return answer
    if isinstance(answer, LayerRow):
        return checked(table, answer, "picked by the function given")
    if isinstance(answer, int | str) and not isinstance(answer, bool):
        choice = by_index(table, answer) if isinstance(answer, int) else by_name(table, answer)
        if choice is not None:
            return choice
    raise LayerError(
        f"the layer function returned {brief(answer, 60)}; it must return a row of the table, "
        "an index or a path"
    )


def checked(table: LayerTable, row: LayerRow, why: str) -> LayerChoice:
    """Return the choice of a row, or raise because it cannot be explained."""
    refused = row.refused or (table.refusal(row) if row.guessed and row.reaches_score else "")
    if refused:
        spatial = [r for r in table.candidates if r.reaches_score and not r.is_score]
        last = f"the last one that can is {spatial[-1].path!r}" if spatial else "this model has none that can"
        raise LayerError(f"layer {row.path!r} cannot be explained: {refused}; {last}")
    if not row.reaches_score:
        raise LayerError(
            f"the score of output {table.output!r} does not depend on layer {row.path!r}; "
            "choose one that visioncam.layers(model) marks as reaching the score, or another output="
        )
    return LayerChoice(row, why)


def no_layer(table: LayerTable) -> str:
    if table.none:
        return f"the model {table.model_name!r} shows no layer: {table.none}"
    return (
        f"the model {table.model_name!r} has no layer with spatial axes: class activation maps need at "
        "least one layer that keeps positions separate (a convolution, or tokens); pass reshape= if a layer "
        "holds them in another shape"
    )


def any_row(table: LayerTable, query: object) -> LayerChoice:
    """Return any recorded output by its path or name, for a `reshape=` of the user's own."""
    name = next((path for path, unit in table.units().items() if unit is query), query)
    names = {name, name.replace(".", "/")} if isinstance(name, str) else {name}
    rows = [row for row in table.rows if names & {row.path, row.bare, row.bare.rsplit("/", 1)[-1]}]
    if not rows and name == "auto":
        raise LayerError("with reshape= the layer must be named: 'auto' does not know which one it is for")
    if len(rows) > 1:
        paths = ", ".join(_described(row) for row in rows[:4])
        raise LayerError(
            f"layer {brief(name, 60)} stands for {len(rows)} outputs: {paths}; pass one of these"
        )
    if not rows:
        raise unknown_layer(table, name)
    return checked(
        table, attrs.evolve(rows[0], refused="", guessed=False), "as requested, with your own reshape="
    )


def unknown_layer(table: LayerTable, query: object) -> LayerError:
    """Return the error for a query that no selector answered."""
    if not isinstance(query, str):
        return LayerError(
            f"layer={brief(query, 40)} of type {type(query).__name__} is not understood; pass a name, an "
            "index, 're:pattern', a layer object, a function of the table, or 'auto'"
        )
    paths = {row.path for row in table.candidates}
    close = nearest(query, sorted({"auto", *paths, *(path.rsplit("/", 1)[-1] for path in paths)}))[:3]
    hint = f"did you mean {', '.join(map(repr, close))}? " if close else ""
    return LayerError(f"the model has no layer {brief(query, 60)}; {hint}visioncam.layers(model) lists all")


def _described(row: LayerRow) -> str:
    return f"{row.path!r} (from input {', '.join(map(str, row.inputs))})" if row.inputs else repr(row.path)
