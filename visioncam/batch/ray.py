"""A run on a Ray cluster; file names, manifest and resume are those of one machine."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Iterable, Iterator
from functools import partial, wraps
from itertools import islice
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from visioncam.batch.compute import Computer
from visioncam.batch.entry import Entry
from visioncam.batch.explain_dataset import BATCH
from visioncam.batch.pipeline import Local, Outcome
from visioncam.batch.request import RunRequest
from visioncam.batch.run import Run
from visioncam.batch.sources import source_of
from visioncam.batch.write import Writing
from visioncam_core.errors import ModelError, OptionError, OptionTypeError, PluginError, is_full
from visioncam_core.pipeline.request import Request
from visioncam_core.plugins.default import registry
from visioncam_core.results.writer import suffixes_of

WAVE = 100_000  # pictures that Ray plans at once, so that the driver's memory does not grow with the run
Block = dict[str, np.ndarray]
Work = Callable[[RunRequest, Computer | Exception, Block], Block]


def _model_first(function: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse calls in the order that `explain` had at first, and name the new one."""

    @wraps(function)
    def call(*args: Any, **keywords: Any) -> Any:
        if (args and "model" in keywords) or (len(args) == 1 and "dataset" not in keywords):
            raise OptionTypeError(
                "the model comes first: distributed.explain(model, dataset, ...), with None for the embedded "
                "model; received the dataset first, as in distributed.explain(dataset, model=...)"
            )
        return function(*args, **keywords)

    return call


@_model_first
def explain(
    model: Any,
    dataset: Any,
    *,
    method: str = "gradcam",
    out: str | os.PathLike[str] | None = None,
    image: str = "image",
    target: Any = None,
    renderer: str = "overlay",
    save_as: str = "npz,png",
    batch_size: int = BATCH,
    actors: tuple[int, int] = (1, 2),
    gpus: float = 0,
    cpus: float = 1,
    address: str | None = None,
    max_errors: int | None = None,
    force: bool = False,
    recursive: bool = False,
    spread: bool = True,
    progress: Callable[[dict[str, Any]], object] | None = None,
    **keywords: Any,
) -> Any:
    """Explain many pictures on a Ray cluster.

    Args:
        model: path of a model file, a name, a model in memory, or None for the embedded one.
        dataset: with `out`, what `visioncam.explain_dataset` takes as a folder, pattern, list or archive;
            without, a `ray.data.Dataset` whose column `image` holds paths, bytes or uint8 arrays; a column
            "class" is the class of each row.
        method: a method's name.
        out: folder for the results, which all workers see; finished pictures are skipped.
        image: the column of pictures.
        target: as in `visioncam.explain`.
        renderer: what draws the pictures.
        save_as: kinds of files.
        batch_size: pictures in a pass.
        actors: how many at least and at most.
        gpus: of each actor.
        cpus: of each actor.
        address: of the cluster, "auto" for the running one; None starts one on this machine.
        max_errors: as in `visioncam.explain_dataset`.
        force: as there.
        recursive: as there.
        spread: as there, but on by default.
        progress: as there.
        **keywords: the other keywords of `visioncam.explain`, and the method's options.

    Returns:
        With `out` a `Summary`; without it a `ray.data.Dataset` with the columns raw, label, score and error.

    Raises:
        OptionError: Ray is not installed, or there is no cluster.
        VisionCamError: as `visioncam.explain_dataset`.
    """
    folder = Path(out) if out is not None else Path()
    drawings: dict[str, dict[str, Any]] = {registry().renderer(renderer).name: {}}
    writing = Writing(folder.absolute(), suffixes_of(save_as), drawings, spread=spread)
    request = RunRequest.of(model, Request.of([method], keywords, target), writing, batch_size)
    data = ray_data(address)
    check_packed(request)
    if out is None:
        if not isinstance(dataset, data.Dataset):
            dataset = data.from_items([{"image": entry.image} for entry in source_of(dataset).entries])
        pool = OnRay(request, address, actors, gpus, cpus)
        return pool.mapped(dataset, partial(add_maps, image=image), 4 * batch_size)
    source = source_of(dataset, recursive=recursive, out=folder)
    run = Run(source, folder, request.facts, batch_size, force, max_errors)
    if progress is not None:
        run.tell = progress
    return run(lambda plan: OnRay(attrs.evolve(request, batch=plan.size), address, actors, gpus, cpus))


def ray_data(address: str | None) -> Any:
    """Return `ray.data`, connected to a cluster: "auto" for the running one, None for one on this machine."""
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise OptionError(
            "Ray is not installed; pip install 'visioncam[ray]', or use --engine local"
        ) from error
    if not ray.is_initialized():
        try:
            ray.init(address=address, log_to_driver=False, configure_logging=False, include_dashboard=False)
        except (ConnectionError, ValueError) as error:
            raise OptionError(f"there is no Ray cluster at address {address!r} ({error})") from error
    ray.data.DataContext.get_current().enable_progress_bars = False
    return ray.data


def check_packed(request: RunRequest) -> None:
    """Raise `ModelError` unless Ray can send the model of a request to its actors."""
    from ray import cloudpickle

    try:
        cloudpickle.dumps(request.packed)
    except Exception as error:  # whatever a part of a model raises
        raise ModelError(
            f"the model cannot be sent to a cluster ({type(error).__name__}: {error}); pass its file, or "
            "its name, such as package.module:function"
        ) from error


@attrs.frozen(eq=False)
class OnRay:
    """Actors of a Ray cluster, each with its own copy of the model."""

    request: RunRequest
    address: str | None = None  # of the cluster
    actors: tuple[int, int] = (1, 2)  # how many at least and at most; the pool grows while there is work
    gpus: float = 0  # of each actor; 0 computes on CPUs
    cpus: float = 1  # of each actor

    def __call__(self, entries: Iterable[Entry], stopped: Callable[[], bool]) -> Iterator[Outcome]:
        """Yield the outcome of each picture, in no particular order; a full disk is raised."""
        data = ray_data(self.address)
        waiting, block = iter(entries), 4 * self.request.batch
        while not stopped() and (wave := list(islice(waiting, WAVE))):
            rows = data.from_items(
                [{"entry": pickle.dumps(entry)} for entry in wave],
                override_num_blocks=min(-(-len(wave) // block), 1000),
            )
            for row in self.mapped(rows, write_files, block, zero_copy_batch=False).iter_rows():
                if stopped():
                    return
                outcome = pickle.loads(row["outcome"])
                if isinstance(outcome, Exception) and is_full(outcome):
                    raise outcome
                yield pickle.loads(row["entry"]), outcome

    def mapped(self, rows: Any, work: Work, block: int, **more: Any) -> Any:
        """Return a `ray.data.Dataset`: `work` done by actors, `block` rows at a time."""
        return rows.map_batches(
            Worker, fn_constructor_args=(self.request, work), batch_size=block, concurrency=self.actors,
            num_gpus=self.gpus, num_cpus=self.cpus, **more,
        )  # fmt: skip


class Worker:
    """What an actor runs: it opens the model once, and never fails a whole block of files."""

    def __init__(self, request: RunRequest, work: Work) -> None:
        self._request, self._work = request, work
        self._computer: Computer | Exception
        try:
            self._computer = Computer(request.explainer(), request.request.target, request.batch)
        except Exception as error:  # it becomes every picture's error
            self._computer = error

    def __call__(self, block: Block) -> Block:
        return self._work(self._request, self._computer, block)


def write_files(request: RunRequest, computer: Computer | Exception, block: Block) -> Block:
    """Write the files of pickled entries; return their lines or errors, pickled.

    Ray may run a block twice.  Both write the same bytes under the same names, each by renaming.
    """
    entries = [pickle.loads(text) for text in block["entry"]]
    found = dict.fromkeys(range(len(entries)), b"")
    numbers = {entry.key: number for number, entry in enumerate(entries)}
    try:
        if isinstance(computer, Exception):
            raise computer
        for entry, outcome in Local(computer, request.writing, 1)(entries, lambda: False):
            found[numbers[entry.key]] = pack(outcome)
    except Exception as error:  # a full disk: the driver stops; what is written is whole
        found = {number: text or pack(error) for number, text in found.items()}
    return {"entry": block["entry"], "outcome": np.array(list(found.values()), dtype=object)}


def add_maps(request: RunRequest, computer: Computer | Exception, block: Block, image: str) -> Block:
    """Return rows with the map of each picture, and an error where there is none; other columns stay."""
    if isinstance(computer, Exception):
        raise computer
    rows: list[Any] = []
    for place, picture in enumerate(block[image]):
        target = block["class"][place] if "class" in block else None
        target = target.item() if isinstance(target, np.generic) else target
        try:
            rows.append(computer.decode(Entry(str(place), picture, "", target, place)))
        except Exception as error:
            rows.append(error)
    ready = [row for row in rows if not isinstance(row, Exception)]
    for shapes in {row.shapes for row in ready}:
        same = [row for row in ready if row.shapes == shapes]
        for row, outcome in zip(same, computer(same), strict=True):
            rows[row.entry.place] = outcome
    raw = np.empty(len(rows), object)
    columns: dict[str, list[Any]] = {"label": [], "score": [], "error": []}
    for place, row in enumerate(rows):
        failed = isinstance(row, Exception)
        raw[place] = np.zeros((0, 0), np.float32) if failed else row.raw
        columns["label"].append("" if failed else row.target.label)
        columns["score"].append(np.nan if failed else row.score)
        columns["error"].append(f"{type(row).__name__}: {row}" if failed else "")
    others = {name: column for name, column in block.items() if name != image}
    return {**others, "raw": raw, **{name: np.array(column) for name, column in columns.items()}}


def pack(outcome: Any) -> bytes:
    """Return a line or an error as bytes; of an error that cannot be pickled, its words."""
    try:
        text = pickle.dumps(outcome)
        pickle.loads(text)
    except Exception:
        return pickle.dumps(PluginError(f"{type(outcome).__name__}: {outcome}"))
    return text
