"""Pictures explained in windows: one class for the whole of each, and the windows' maps laid together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import attrs
import numpy as np

from visioncam_core.engine.batch_size import Budget
from visioncam_core.engine.interface import Engine, View
from visioncam_core.engine.layer_table import LayerChoice
from visioncam_core.errors import TargetError
from visioncam_core.images.sample import Item, Windows
from visioncam_core.images.tiling import stitch
from visioncam_core.ops import to_numpy
from visioncam_core.pipeline import diagnose as checks
from visioncam_core.pipeline.apply import together
from visioncam_core.pipeline.batch import Outcome, Row
from visioncam_core.pipeline.build import predictions, target_info
from visioncam_core.results.diagnostics import Diagnostic
from visioncam_core.results.explanation import Explanation
from visioncam_core.results.heat import part_of
from visioncam_core.targets import resolve as p
from visioncam_core.targets.classes import Ranked

OF_A_WINDOW = ("no-positive-evidence", "dead-layer", "zero-gradient")
"""What is normal in a window where nothing is to be seen, and told only where every window has it."""


@attrs.frozen(eq=False)
class Windowed:
    """The pictures of a call, those cut into windows among them.

    Attributes:
        items: the pictures.
        batch: windows in one pass.
        engine: of the model.
    """

    items: Sequence[Item]
    batch: int
    engine: Engine
    _means: dict[int, tuple[np.ndarray, p.Head]] = attrs.field(factory=dict)

    def parts(self) -> Iterator[tuple[int, Item]]:
        """Yield every picture, or every window of it, with the picture's number."""
        for owner, item in enumerate(self.items):
            yield from ((owner, part) for part in item.parts())

    def settled(
        self, asked: list[list[p.Wish]], owners: Iterable[int], seen: View, choice: LayerChoice, head: p.Head
    ) -> list[list[p.Wish]]:
        """Return what is asked, with one class for all windows of a picture where the model is to choose.

        The class is the one with the highest mean of the model's own output over the windows; they
        are run once more for it.

        Args:
            asked: for each question, what is asked of each picture.
            owners: the pictures it is about.
            seen: the traced model.
            choice: any layer.
            head: the explained output.

        Raises:
            TargetError: a picture in windows, and an output with a value for every position.
        """
        cut = {owner for owner in owners if self.items[owner].windows is not None}
        if not cut:
            return asked
        if head.dense:
            for wish in (wishes[owner] for wishes in asked for owner in cut):
                if isinstance(wish, int) or getattr(wish, "where", "all") != "all":
                    raise TargetError(
                        "geometry='tile' explains one score for all windows, and the explained output has a "
                        "value for every position; pass target=targets.Region(class, 'all') or a function"
                    )

        def one(owner: int, wish: p.Wish) -> p.Wish:
            if owner not in cut or not (wish == p.TOP if isinstance(wish, int) else isinstance(wish, Ranked)):
                return wish
            if owner not in self._means:
                self._means[owner] = self._mean(self.items[owner], seen, choice, head)
            mean, known = self._means[owner]
            return p.pick(wish, mean[None], known, self.engine).index

        return [[one(owner, wish) for owner, wish in enumerate(wishes)] for wishes in asked]

    def _mean(self, item: Item, seen: View, choice: LayerChoice, head: p.Head) -> tuple[np.ndarray, p.Head]:
        """Return the mean of the windows' probabilities, else of their values, and the head it fits."""
        windows = item.windows
        assert windows is not None

        def chosen(values: object, answer: object) -> np.ndarray:
            values, answer = to_numpy(values), to_numpy(answer)
            probable = head.probabilities(values, answer)
            found = values if probable is None else probable
            return found.reshape(len(found), -1)

        rows = seen.passes(choice, None, Budget(self.batch)).forward(
            self.engine.tensors(item.flat),
            windows.position,
            lambda indices: np.concatenate([windows.cut(windows.boxes[i]) for i in indices]),
            len(windows.boxes),
            chosen,
        )
        return rows.mean(axis=0), attrs.evolve(head, middle=0.5) if head.probable else head

    def merged(self, rows: Sequence[Row], evidence: str) -> list[Row]:
        """Return one row a picture from one a picture or window."""
        found, start = [], 0
        for item in self.items:
            count = 1 if item.windows is None else len(item.windows.boxes)
            own = rows[start : start + count]
            found.append(own[0] if item.windows is None else _whole(own, item, item.windows, evidence))
            start += count
        return found


def _whole(rows: Sequence[Row], item: Item, windows: Windows, evidence: str) -> Row:
    """Return the answer about a picture from those about its windows, which count alike."""
    first = rows[0]
    values = np.mean([row.values for row in rows], axis=0)
    answers = np.stack([row.answer for row in rows])
    answer = np.log(np.exp(answers).mean(axis=0)) if first.head.log else answers.mean(axis=0)
    row = attrs.evolve(first, values=values, answer=answer)
    outcomes: list[Outcome] = []
    for parts in zip(*(row.outcomes for row in rows), strict=True):
        applied = together([one for one, _ in parts])
        each = [explanation for _, explanation in parts if explanation is not None]
        outcomes.append((applied, None if applied.failure else _laid(each, row, item, windows, evidence)))
    return attrs.evolve(row, outcomes=outcomes)


def _laid(each: Sequence[Explanation], row: Row, item: Item, windows: Windows, evidence: str) -> Explanation:
    """Return the explanation of a picture from those of its windows: one maximum for all, maps stitched."""
    shape = (item.display.shape[0], item.display.shape[1])
    place = None if windows.geometry is None else windows.geometry.project
    raws = [explanation.raw for explanation in each]
    shown = [part_of(raw, evidence) for raw in raws]
    top = max(float(np.abs(part).max(initial=0.0)) for part in shown) or 1.0
    told = _told([explanation.diagnostics for explanation in each])
    return attrs.evolve(
        each[0],
        raw=stitch(raws, windows.boxes, shape, place),
        heatmap=np.clip(stitch([part / top for part in shown], windows.boxes, shape, place), -1.0, 1.0),
        target=target_info(row.pick, row.answer, row.values, row.head),
        score=float(np.mean([explanation.score for explanation in each])),
        predictions=predictions(row.values, row.answer, row.head),
        diagnostics=(*told, *checks.of_map(np.stack(raws), evidence)),
        provenance={**each[0].provenance, "geometry": "tile", "windows": len(each)},
    )


def _told(found: Sequence[Sequence[Diagnostic]]) -> Iterator[Diagnostic]:
    """Yield each code once, with the number of windows that have it where it is not all of them."""
    codes = dict.fromkeys(one.code for some in found for one in some)
    for code in codes:
        having = [one for some in found for one in some if one.code == code]
        windows = sum(any(one.code == code for one in some) for some in found)
        if code == "no-positive-evidence" or (code in OF_A_WINDOW and windows < len(found)):
            continue
        if windows == len(found):
            yield from dict.fromkeys(having)
        else:
            yield attrs.evolve(
                having[0], message=f"{having[0].message} (in {windows} of {len(found)} windows)"
            )
