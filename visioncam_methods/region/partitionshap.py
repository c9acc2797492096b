"""Partition SHAP: Owen values."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from visioncam_core.evidence import Attribution, Evidence, Regions, hidden_kind, region_spec
from visioncam_core.options import in_range, option
from visioncam_methods.region.game import HIDDEN_HELP, REGIONS_HELP, Game


@attrs.frozen
class PartitionSHAP:
    """Partition SHAP: exact Owen values on a tree of regions; nothing is sampled, and they add up.

    Notes:
        M_leaf = mean over m of v(m ∪ leaf) − v(m)

        m: every set of the leaf's sibling and its ancestors' siblings, all equally likely: each inner node of
        the tree is a game of its two children.  v(z) = S(x_z): x_z is the picture where regions z are kept,
        the hidden picture elsewhere.  M: (N, *space), signed, each region's value on its pixels.
        Σ over regions = v(all) − v(none) exactly.  It takes 2 + Σ over inner nodes 2 · 2^depth scores, 1,804
        for 7×7 cells; a level is read at once.

        Tree: halves of halves.  A grid is cut across its longer side, ties between rows first, the smaller
        half first, as SHAP does.  Other regions are cut at the median of their centroids, across the longer
        extent.  Where the tree does not fit into `max_passes`, the nodes of a level that move the score
        least are not opened; their regions get equal shares, and the account reports it.

    Differences:
        shap's PartitionExplainer continues into single pixels and colour channels, stops at 500 scores by
        default, and breaks ties at random without a seed.  On the same tree the values agree to rounding.

    References:
        Owen, "Values of games with a priori unions", 1977; Lundberg and Lee, arXiv:1705.07874, whose library
        has the recursion.
    """

    regions: str | np.ndarray | dict[str, np.ndarray] = option(
        "grid:7", help=REGIONS_HELP, validator=region_spec
    )
    hidden: str | np.ndarray = option("grey", help=HIDDEN_HELP, validator=hidden_kind("regionmean"))
    max_passes: int = option(
        3000,
        help="maximum number of scores read; a tree that needs more is made coarser",
        validator=in_range(4),
    )
    family: ClassVar[str] = "region"
    on: ClassVar[str] = "input"
    needs: ClassVar[frozenset[str]] = frozenset()

    def __call__(self, evidence: Evidence) -> Attribution:
        """Return the raw map (N, *space), what each region gave, and what it adds up to."""
        return Attribution.joined([self._one(one) for one in evidence.each()])

    def _one(self, one: Evidence) -> Attribution:
        game = Game.of(one, self.regions, self.hidden)
        nothing, everything = game.ends()
        M, closed = owen(game, places(game.regions), self.max_passes, nothing, everything)
        note = f"{closed} regions are resolved only in groups: max_passes={self.max_passes}" if closed else ""
        return game.attribution(M, total=float(M.sum()), expected=everything - nothing, note=note)


@attrs.frozen(eq=False)
class Node:
    """Some regions, as one player.

    Attributes:
        members: their numbers.
        without: (m, R) bool, the sets m that it joins.
        low: (m,) v(m).
        high: (m,) v(m ∪ members).
    """

    members: np.ndarray
    without: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @property
    def value(self) -> float:
        return float((self.high - self.low).mean())


def owen(game: Game, at: np.ndarray, most: int, nothing: float, everything: float) -> tuple[np.ndarray, int]:
    """Return (R,) Owen values, and how many regions are in nodes that the budget left closed.

    Args:
        game: v.
        at: (R, axes) where the regions lie.
        most: scores at most.
        nothing: v(none).
        everything: v(all).
    """
    R = len(at)
    M, closed, left = np.zeros(R), 0, most - 2
    level = [Node(np.arange(R), np.zeros((1, R), bool), np.array([nothing]), np.array([everything]))]
    while level:
        opened = []
        for node in sorted(level, key=lambda node: -abs(node.value)):
            cost = 2 * len(node.without)
            if len(node.members) > 1 and cost <= left:
                opened.append((node, halves(node.members, at)))
                left -= cost
            else:
                M[node.members] = node.value / len(node.members)
                closed += len(node.members) * (len(node.members) > 1)
        level = _children(game, opened)
    return M, closed


def _children(game: Game, opened: list[tuple[Node, tuple[np.ndarray, np.ndarray]]]) -> list[Node]:
    """Return the children of nodes; a level's scores are read together."""
    if not opened:
        return []
    rows = []
    for node, pair in opened:
        for members in pair:
            rows.append(node.without.copy())
            rows[-1][:, members] = True
    scores = np.split(game(np.concatenate(rows)), np.cumsum([len(one) for one in rows])[:-1])
    found = []
    for i, (node, (left, right)) in enumerate(opened):
        (with_left, with_right), (l, r) = rows[2 * i : 2 * i + 2], scores[2 * i : 2 * i + 2]  # noqa: E741
        for members, sibling, alone, other in ((left, with_right, l, r), (right, with_left, r, l)):
            low, high = np.concatenate([node.low, other]), np.concatenate([alone, node.high])
            found.append(Node(members, np.concatenate([node.without, sibling]), low, high))
    return found


def halves(members: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return regions in two halves, cut across their longer extent, ties across the first axis."""
    here = at[members]
    axis = int(np.argmax(np.ptp(here, axis=0)))
    values = np.unique(here[:, axis])
    first = here[:, axis] < values[len(values) // 2]
    if len(values) == 1:  # all in one place
        first = np.arange(len(members)) < len(members) // 2
    return members[first], members[~first]


def places(regions: Regions) -> np.ndarray:
    """Return (R, axes): a grid's cells by their numbers along each axis, other regions' centroids."""
    labels = regions.labels
    if regions.key.startswith("grid:"):
        cells = [min(int(regions.key[5:]), n) for n in labels.shape]
        return np.stack(np.unravel_index(np.arange(regions.count), cells), axis=1)
    inside = labels.ravel() >= 0
    which = labels.ravel()[inside]
    sizes = np.bincount(which, minlength=regions.count)
    axes = [one.ravel()[inside] for one in np.indices(labels.shape)]
    return np.stack([np.bincount(which, one, regions.count) / sizes for one in axes], axis=1)
