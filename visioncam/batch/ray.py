"""The engine that spreads a run over a Ray cluster; names, manifest and resume are those of one machine."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import attrs

from visioncam.batch.entry import Entry
from visioncam.batch.request import Recipe
from visioncam_core.errors import OptionError
from visioncam_core.files import is_full

WAVE = 100_000  # pictures that Ray plans at once, so that the driver's memory does not grow with the run


def ray_data(address: str | None) -> Any:
    """Return `ray.data`, connected to a cluster: "auto" for the running one, None for one on this machine.

    Raises:
        OptionError: Ray is not installed, or there is no cluster at this address.
    """
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


@attrs.frozen(eq=False)
class OnRay:
    """Actors of a Ray cluster, each with its own copy of the model.

    Attributes:
        recipe: what is asked.
        address: of the cluster.
        actors: how many at least and at most; the pool grows while there is work.
        gpus: of each actor; 0 computes on CPUs.
        cpus: of each actor.
    """

    recipe: Recipe
    address: str | None = None
    actors: tuple[int, int] = (1, 2)
    gpus: float = 0
    cpus: float = 1

    def __call__(
        self, entries: Iterable[Entry], stopped: Callable[[], bool]
    ) -> Iterator[tuple[Entry, dict[str, Any] | Exception]]:
        """Yield what each picture came to, in no particular order.

        Raises:
            OSError: a disk is full.
        """
        from visioncam.batch.ray_worker import Writer

        data = ray_data(self.address)
        waiting = iter(entries)
        while not stopped() and (wave := list(islice(waiting, WAVE))):
            rows = [{"entry": pickle.dumps(entry)} for entry in wave]
            block = 4 * self.recipe.batch
            blocks = min(-(-len(rows) // block), 1000)
            found = data.from_items(rows, override_num_blocks=blocks).map_batches(
                Writer,
                fn_constructor_args=(self.recipe,),
                batch_size=block,
                concurrency=self.actors,
                num_gpus=self.gpus,
                num_cpus=self.cpus,
                zero_copy_batch=False,
            )
            for row in found.iter_rows():
                if stopped():
                    return
                outcome = pickle.loads(row["outcome"])
                if isinstance(outcome, Exception) and is_full(outcome):
                    raise outcome
                yield pickle.loads(row["entry"]), outcome


def rows_with_maps(
    dataset: Any, recipe: Recipe, image: str, actors: tuple[int, int], gpus: float, cpus: float
) -> Any:
    """Return a Ray dataset with the map of each row's picture."""
    from visioncam.batch.ray_worker import Mapper

    return dataset.map_batches(
        Mapper,
        fn_constructor_args=(recipe, image),
        batch_size=4 * recipe.batch,
        concurrency=actors,
        num_gpus=gpus,
        num_cpus=cpus,
    )
