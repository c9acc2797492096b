"""Call the layer selectors, one after the other, for the first answer to a query."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from visioncam_core.engine.layer_table import LayerChoice, LayerTable
from visioncam_core.errors import LayerError, PluginError
from visioncam_core.layers.queries import checked
from visioncam_core.plugins.default import registry
from visioncam_core.plugins.records import Plugin
from visioncam_core.text import brief

_CHOICES: WeakKeyDictionary[LayerTable, dict[object, LayerChoice]] = WeakKeyDictionary()
"""Built-in answers to plain queries: they depend on the table alone."""


def select_layer(table: LayerTable, query: object) -> LayerChoice:
    """Return the first layer selector's answer to a layer query.

    A plugin's selector that raises is recorded, and the next one is called.

    Args:
        table: what the model computes.
        query: a name, path, index, layer, callable, `"auto"`, or a plugin's scheme.

    Raises:
        LayerError: no selector answers; what a selector said about the query is in the message.
        PluginError: a selector returned something that is no choice of a row of this table.
    """
    plugins = registry()
    answers = _CHOICES.setdefault(table, {})
    key = (plugins.state, query) if type(query) in (str, int) else None
    if key in answers:
        return answers[key]
    refusals: list[str] = []
    for plugin, impl in plugins.selectors():
        try:
            choice = impl(table=table, query=query)
        except KeyboardInterrupt:
            raise
        except LayerError as exc:
            if plugin.builtin and not refusals:
                raise
            refusals.append(f"{exc}" if plugin.builtin else f"{exc} ({plugin.title})")
            if plugin.builtin:
                break
        except BaseException as exc:
            if plugin.builtin:
                raise
            plugins.plugin_failed(plugin, "select-layer", exc)
        else:
            if choice is not None:
                if not plugin.builtin:
                    return _of_table(table, choice, plugin, query)
                if key is not None:
                    answers[key] = choice
                return choice
        if not plugin.builtin:
            key = None  # it may answer another time
    if refusals:
        raise LayerError("; ".join(refusals))
    raise LayerError(
        f"layer={brief(query)} is not known to any layer selector; pass a path from "
        "visioncam.layers(model), an index, a layer, 're:...', a callable, or 'auto'"
    )


def _of_table(table: LayerTable, choice: object, plugin: Plugin, query: object) -> LayerChoice:
    """Return a plugin's choice, which must be a row of the table that can be explained."""
    subject = f"the layer selector of {plugin.title}"
    if not isinstance(choice, LayerChoice):
        raise PluginError(
            f"{subject} must return a LayerChoice or None for layer={brief(query)}, "
            f"received {brief(choice)}; update or uninstall it"
        )
    if not any(row == choice.row for row in table.rows):
        raise PluginError(
            f"{subject} answered layer={brief(query)} with {brief(choice.row)}, which is not a row of the "
            "table it was given; update or uninstall it"
        )
    why = str(choice.why)
    if isinstance(query, str) and query == "auto":  # nobody named this selector: say who answered
        why = f"{why} ({plugin.title})"
    return checked(table, choice.row, why)
