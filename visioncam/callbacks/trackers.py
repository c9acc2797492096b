"""Explanations where a team logs its experiments: MLflow, and Weights & Biases.

Both write into a run that is open already, and send nothing that the run itself does not send.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import numpy as np

from visioncam.callbacks.sinks import Look
from visioncam_core.errors import BackendError, OptionError, OptionTypeError, OutputError
from visioncam_core.files import FORMATS, as_path, safe_stem
from visioncam_core.results.comparison import Comparison, Comparisons
from visioncam_core.results.describe import words_of_a_sheet
from visioncam_core.results.explanation import Explanation
from visioncam_core.results.image_files import write_image
from visioncam_core.text import brief

PAGES = (".html", ".htm")


@attrs.frozen(eq=False)
class Entry:
    """A picture, and the numbers that go with it."""

    key: str
    pixels: np.ndarray  # (H, W, 3) uint8
    caption: str
    chunks: dict[str, str]  # what a PNG file says of itself
    numbers: dict[str, float]  # by what stands behind the name


def to_mlflow(
    shown: Any,
    *,
    step: int | None = None,
    name: str = "visioncam",
    renderer: str | object = "overlay",
    run: Any = None,
) -> None:
    """Log explanations to MLflow: pictures as artifacts, what they say as metrics and text.

    It is a sink, too: `ExplanationMonitor(pictures, sinks=[to_mlflow])`, with
    `functools.partial(to_mlflow, renderer="contour")` where it needs options.

    Args:
        shown: an explanation, a comparison (its sheet, and the numbers of each map), a list of them, the
            path of a file such as a report, or the look of a monitor.
        step: the step of the metrics; pictures of a step can be paged through.  Without it, a picture is the
            file `name/cat_gradcam_tabby.png` among the artifacts.  A look has its own, the epoch.
        name: what the names of all metrics and artifacts begin with.
        renderer: what draws explanations: a name of `visioncam.renderers()`, or a renderer object.
        run: id of a run, a run, or Lightning's `MLFlowLogger`; the active run by default.

    Raises:
        BackendError: MLflow is not installed, or no run is active.
        OptionTypeError: nothing that can be logged, or `run` is none.
        OptionError: there is no such file, or no method gave a map.
    """
    mlflow = _tracker("mlflow", "MLflow")
    client = getattr(run, "experiment", None) or mlflow.MlflowClient()
    active = run or mlflow.active_run()
    if active is None:
        raise _no_run("MLflow", "with mlflow.start_run(): ...")
    run_id = getattr(getattr(active, "info", active), "run_id", active)
    if not isinstance(run_id, str):
        raise OptionTypeError(
            f"run must be the id of a run, a run, or Lightning's logger; received {brief(run, 60)}"
        )
    entries, curves, files, step = _read(shown, renderer, step)
    for path in files:
        client.log_artifact(run_id, str(path), name)
    metrics = {f"{name}/{key}": value for key, value in curves.items()}
    for entry in entries:
        metrics |= {f"{name}/{key}": value for key, value in entry.numbers.items()}
        if step is None:
            with tempfile.TemporaryDirectory() as folder:
                path = write_image(Path(folder, f"{entry.key}.png"), entry.pixels, entry.chunks)
                client.log_artifact(run_id, str(path), name)
        else:
            client.log_image(run_id, entry.pixels, key=f"{name}/{entry.key}", step=step)
    if entries:
        file = f"{entries[0].key}.txt" if step is None else f"step_{step:04d}.txt"
        told = "\n".join(f"{entry.key}: {entry.caption}" for entry in entries)
        client.log_text(run_id, f"{told}\n", f"{name}/{file}")
    now, rows = int(1000 * time.time()), list(metrics.items())
    make = mlflow.entities.Metric
    for start in range(0, len(rows), 1000):  # MLflow takes no more at once
        batch = [make(key, value, now, step or 0) for key, value in rows[start : start + 1000]]
        client.log_batch(run_id, metrics=batch)


def to_wandb(
    shown: Any,
    *,
    step: int | None = None,
    name: str = "visioncam",
    renderer: str | object = "overlay",
    run: Any = None,
) -> None:
    """Log explanations to Weights & Biases: pictures with captions, and what they say as numbers.

    It is a sink, as `to_mlflow` is.  With a step all of it is drawn over `name/step`; the run's own step,
    which others count, is left alone.

    Args:
        shown: as in `to_mlflow`; pages (.html) and pictures are shown, other files kept beside the run.
        step: the step; a look has its own, the epoch.
        name: what the names of all that is logged begin with.
        renderer: what draws explanations: a name of `visioncam.renderers()`, or a renderer object.
        run: a run, or Lightning's `WandbLogger`; the active run by default.

    Raises:
        BackendError: wandb is not installed, or no run is active.
        OptionTypeError: nothing that can be logged, or `run` is none.
        OptionError: there is no such file, or no method gave a map.
    """
    wandb = _tracker("wandb", "Weights & Biases")
    active = getattr(run, "experiment", run) or wandb.run
    if active is None:
        raise _no_run("W&B", "wandb.init(project=...), or wandb.init(mode='offline')")
    if not callable(getattr(active, "log", None)):
        raise OptionTypeError(
            f"run must be what wandb.init returned, or Lightning's logger; received {brief(run, 60)}"
        )
    entries, curves, files, step = _read(shown, renderer, step)
    logged: dict[str, Any] = dict(curves)
    for path in files:
        if path.suffix.lower() in PAGES:
            logged[path.stem] = wandb.Html(str(path), inject=False)
        elif path.suffix.lower() in FORMATS:
            logged[path.stem] = wandb.Image(str(path))
        else:
            active.save(str(path), base_path=str(path.parent), policy="now")
    for entry in entries:
        logged |= {entry.key: wandb.Image(entry.pixels, caption=entry.caption), **entry.numbers}
    if step is not None:
        active.define_metric(f"{name}/step", hidden=True)
        active.define_metric(f"{name}/*", step_metric=f"{name}/step")
        logged["step"] = step
    if logged:
        active.log({f"{name}/{key}": value for key, value in logged.items()})


def _tracker(module: str, title: str) -> ModuleType:
    from importlib import import_module

    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise BackendError(f'{title} is not installed; pip install "visioncam[{module}]"') from None


def _no_run(title: str, start: str) -> BackendError:
    return BackendError(f"no {title} run is active; start one first, {start}, or name one with run=")


def _read(
    shown: Any, renderer: str | object, step: int | None
) -> tuple[list[Entry], dict[str, float], list[Path], int | None]:
    """Return pictures, curves and files to log, and at which step."""
    if step is not None and (isinstance(step, bool) or not isinstance(step, int | np.integer) or step < 0):
        raise OptionTypeError(f"step must be a whole number, at least 0; received {step!r}")
    if isinstance(shown, Look):
        return _seen(shown, renderer), shown.scalars, [], shown.epoch
    whole = isinstance(shown, list | tuple) and not isinstance(shown, Comparisons)
    things, taken = list(shown) if whole else [shown], list[str]()
    entries = [
        entry for one in things if not isinstance(one, str | os.PathLike)
        for entry in _entries(one, renderer, taken)
    ]  # fmt: skip
    files = [_file(one) for one in things if isinstance(one, str | os.PathLike)]
    return entries, {}, files, None if step is None else int(step)


def _seen(look: Look, renderer: str | object) -> list[Entry]:
    """Return the pictures of a look, which keep their names from epoch to epoch."""
    entries = []
    for i, e in enumerate(look.explanations):
        overlaps = {"overlap_previous": look.previous, "overlap_first": look.first}
        more = {kind: values[i] for kind, values in overlaps.items() if values}
        entries.append(_entry(f"picture_{i:02d}", e, renderer, **more))
    return entries


def _entries(one: Any, renderer: str | object, taken: list[str]) -> Iterator[Entry]:
    if isinstance(one, Explanation):
        yield _entry(_key(one, taken), one, renderer)
        return
    if not isinstance(one, Comparison | Comparisons):
        raise OptionTypeError(
            f"received {brief(one, 60)}; log an explanation, a comparison, a list of them, or the path of a "
            "file: save an evaluation, an audit or a diff first: found.save('found.json')"
        )
    maps = list(one._maps())
    if not maps:
        raise OptionError("no method gave a map; print the comparison to see why")
    numbers = {key: value for e in maps for key, value in _numbers(_key(e, taken), e).items()}
    lines = [str(row) for row in one._rows()]
    yield Entry(
        _named(maps[0], "comparison", taken), one.sheet(renderer=renderer), "\n".join(lines),
        words_of_a_sheet(maps), numbers,
    )  # fmt: skip


def _entry(key: str, e: Explanation, renderer: str | object, **more: float) -> Entry:
    return Entry(key, e.render(renderer), str(e), e.text(), _numbers(key, e, **more))


def _numbers(key: str, e: Explanation, **more: float) -> dict[str, float]:
    found = {"score": e.score, "probability": e.target.probability, **more}
    return {f"{key}/{kind}": float(value) for kind, value in found.items() if value is not None}


def _key(e: Explanation, taken: list[str]) -> str:
    """Return what tells a map from others of one call: `cat_gradcam_tiger-cat-282`."""
    target = e.target
    label = (
        target.label if target.index is None else f"{(target.name or 'class').split(',')[0]}-{target.index}"
    )
    return _named(e, f"{e.method}_{label[:60]}", taken)


def _named(e: Explanation, what: str, taken: list[str]) -> str:
    """Return a name that both trackers take, and no other picture of the call has."""
    stem, _ = safe_stem(str(e.provenance.get("source", "")))
    name = re.sub(r"[^\w.-]+", "-", f"{stem}_{what}", flags=re.ASCII)
    taken.append(name)
    return name if taken.count(name) == 1 else f"{name}-{taken.count(name)}"


def _file(path: str | os.PathLike[str]) -> Path:
    found = as_path(path, OutputError, OptionTypeError)
    if not found.is_file():
        raise OptionError(f"there is no file {str(path)!r} to log; save it first")
    return found
