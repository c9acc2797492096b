"""Widgets made from options, so that a new option of a method or renderer appears on the page by itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import attrs

from visioncam_core.options.as_text import textual, values_of, written_default
from visioncam_core.options.fields import OptionInfo, describe_options, parse_option

LEFT_OUT = {"min_size", "title"}  # the page has titles and shows pictures at its own size
SLIDING = 1000  # steps of a whole number that a slider can still hit


@attrs.frozen(eq=False)
class Widget:
    """An option on the page."""

    owner: str  # method or renderer it belongs to
    info: OptionInfo
    kind: str  # "checkbox", "dropdown", "slider", "number" or "text"

    @property
    def label(self) -> str:
        unit = f" ({self.info.unit})" if self.info.unit else ""
        return f"{self.info.name.replace('_', ' ').strip()}{unit}"

    @property
    def choices(self) -> list[str]:
        return [written_default(choice) for choice in self.info.choices or ()]

    @property
    def default(self) -> Any:
        plain = self.kind in ("checkbox", "slider", "number")
        return self.info.default if plain else written_default(self.info.default)

    def component(self) -> Any:
        import gradio as gr

        info, common = self.info, {"label": self.label, "info": self.info.help, "value": self.default}
        if self.kind == "checkbox":
            return gr.Checkbox(**common)
        if self.kind == "dropdown":
            return gr.Dropdown(self.choices, **common)
        if self.kind == "slider":
            step = 1 if info.type is int else 0.01
            return gr.Slider(info.low, info.high, step=step, **common)
        if self.kind == "number":
            return gr.Number(precision=0 if info.type is int else None, **common)
        return gr.Textbox(placeholder=values_of(info), max_length=200, lines=1, max_lines=1, **common)

    def read(self, value: Any) -> Any:
        """Return the option's value from what the component gives, left to `build` to check."""
        if self.kind in ("dropdown", "text"):
            return parse_option(self.info, str(value))
        if self.info.type is int and isinstance(value, float) and value.is_integer():
            return int(value)
        return value


def widgets_of(owner: str, cls: type) -> list[Widget]:
    """Return the widgets for a method's or renderer's options, those that can be written as text."""
    return [
        Widget(owner, info, _kind(info))
        for info in describe_options(cls)
        if textual(info.type) and info.name not in LEFT_OUT
    ]


def options_from(widgets: Sequence[Widget], values: Sequence[Any], owner: str) -> dict[str, Any]:
    """Return the options of one owner from the values of all widgets."""
    return {
        widget.info.name: widget.read(value)
        for widget, value in zip(widgets, values, strict=True)
        if widget.owner == owner
    }


def _kind(info: OptionInfo) -> str:
    if info.type is bool:
        return "checkbox"
    if info.choices:
        return "dropdown"
    if info.type in (int, float):
        steps = math.inf if info.low is None or info.high is None else info.high - info.low
        return "slider" if steps <= (SLIDING if info.type is int else 100) else "number"
    return "text"
