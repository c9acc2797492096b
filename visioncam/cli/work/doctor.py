"""What `visioncam doctor` does."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import attrs
import click

from visioncam.cli import describe
from visioncam.cli.json_records import explanation_record
from visioncam.cli.open_model import explainer_of, model_flag, model_named, title_of
from visioncam.cli.option_flags import options_of
from visioncam.cli.phrasing import flag_of
from visioncam.cli.request import check_readable, request_of
from visioncam.cli.terminal import Output
from visioncam_core.pipeline.doctor import Report, examine
from visioncam_core.plugins.default import registry
from visioncam_core.progress import Bar
from visioncam_core.results.diagnostics import FIRST


def doctor(context: click.Context, files: tuple[str, ...], model: str | None, method: str, **_: Any) -> None:
    if len(files) > 2:
        raise click.UsageError(f"doctor takes one model and one picture, received {len(files)} names")
    image = files[-1]
    path = model_named(files[0] if len(files) == 2 else None, model)
    spec = registry().method(method)
    with Bar(Path(image).name) as bar:
        request = request_of(context, [spec], options_of(context, {"method": [spec]})["method"], bar)
        check_readable(image, request.settings)
        explainer = explainer_of(context, request, path)
        found = examine(explainer, image, request.target)
    _tell(context.obj, found, image, title_of(explainer.model, path), command_line(found, image, path))


def command_line(found: Report, image: str, model: str | None) -> str:
    """Return the suggested call as a command."""
    words = ["visioncam", "explain", image, *(["--model", model] if model else []), *_of_file()]
    for name, value in found.keywords.items():
        for one in value if isinstance(value, list) else [value]:
            words += [flag_of(name), str(one)]
    return shlex.join(words).replace("'…'", "…")


def _of_file() -> list[str]:
    """Return the flags that say how the model's file is read, as they were passed."""
    words: list[str] = []
    for name in ("weights", "sha256", "custom_objects", "trust_savedmodel", "allow_unsafe_model"):
        value, flag = model_flag(name), "--" + name.replace("_", "-")
        if value is True:
            words.append(flag)
        elif value:
            words += [word for one in ([value] if isinstance(value, str) else value) for word in (flag, one)]
    return words


def _tell(output: Output, found: Report, image: str, model: str, command: str) -> None:
    output.document.update(
        model=model,
        image=image,
        healthy=found.healthy,
        facts=found.facts,
        diagnostics=[attrs.asdict(one) for one in found.diagnostics],
        suggestion={"python": found.suggestion, "command": command},
        result=explanation_record(found.explanation),
    )
    output.line((image, "bold"), f", {model}")
    first = [one for one in found.diagnostics if one.code in FIRST]
    describe.tell_notes(output, [(one, ()) for one in first])
    for name, text in found.facts.items():
        describe.line(output, name, text)
    describe.tell_notes(output, [(one, ()) for one in found.diagnostics[len(first) :]])
    if found.healthy:
        describe.line(output, "healthy", ("found no reason to doubt the map", "green"))
    describe.line(output, "use", command)
