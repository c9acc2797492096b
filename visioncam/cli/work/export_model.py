"""What `visioncam export-model` does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import click

from visioncam.cli.open_model import model_of
from visioncam.cli.option_flags import options_of
from visioncam.cli.request import keywords_of, names_in
from visioncam.cli.terminal import Output
from visioncam.evaluation.truth_files import pictures_of
from visioncam.exporting.export import export, place_of
from visioncam_core.errors import OptionError
from visioncam_core.files import check_place
from visioncam_core.images.decode import MAX_PIXELS
from visioncam_core.plain_data import plain
from visioncam_core.plugins.default import registry
from visioncam_core.text import brief, index_or_name


def export_model(
    context: click.Context,
    file: Path,
    model: str | None,
    method: str,
    target: str | None,
    outputs: str,
    size: str | None,
    quantize: str | None,
    at_least: float,
    pictures: str | None,
    **_: Any,
) -> None:
    output: Output = context.obj
    spec = registry().method(method)
    (given,) = options_of(context, {"method": [spec]})["method"]
    place_of(file)
    check_place(file, [one for one in (model,) if one])
    keywords: dict[str, Any] = {
        name: pictures_of(folder, False, MAX_PIXELS, 0)[0]
        for name, folder in (("quantize", quantize), ("pictures", pictures))
        if folder is not None
    }
    found = export(
        model_of(context, model),
        file,
        method,
        target=index_or_name(target),
        outputs=names_in(outputs),
        size=_size(size),
        at_least=at_least,
        **keywords | keywords_of(context.params) | given,
    )
    output.document.update(plain(attrs.asdict(found)))
    for line in found.lines():
        output.line(line)


def _size(text: str | None) -> Any:
    if text is None or text == "input":
        return text
    sides = text.replace("x", ",").split(",")
    if not all(side.strip().isdecimal() for side in sides):
        raise OptionError(f"--size takes H,W or input, received {brief(text, 40)}")
    return tuple(int(side) for side in sides)
