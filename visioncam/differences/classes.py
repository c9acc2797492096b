"""Which class of one model is which of another: by name where both have names, else by index."""

from __future__ import annotations

from collections import Counter

import attrs

from visioncam_core.engine.output import Head
from visioncam_core.errors import OptionError
from visioncam_core.results.data import Prediction
from visioncam_core.text import listing

FEW = 3  # names in a message
PASS = "pass class_names= and new_class_names="


@attrs.frozen
class Match:
    """Classes of the old model and of another.

    Attributes:
        pairs: index in the old model -> index in the other.
        names: the old model's.
        notes: how they were matched, and which only one of the two has.
    """

    pairs: dict[int, int]
    names: tuple[str, ...] | None
    notes: tuple[str, ...] = ()

    def answer(self, found: Prediction) -> tuple[int | None, str]:
        """Return the old model's index of an answer of the other, None where it has none; and a label."""
        index = next((i for i, j in self.pairs.items() if j == found.index), None)
        if index is None:
            return None, f"{found.short_name}, which the old model lacks"
        return index, label(index, self.names[index] if self.names else found.name)


def label(index: int, name: str | None) -> str:
    """Return how a class reads: `tiger cat (282)`."""
    return f"{name.split(',')[0]} ({index})" if name else f"class {index}"


def match(old: Head, other: Head, which: str) -> Match:
    """Return which classes of the old model and of another, called `which`, are the same.

    A whole name counts first, then its first part ("tench" finds "tench, Tinca tinca"); case does not
    matter.  A name that a model has twice stands for no class of it.

    Raises:
        OptionError: no name is the same, or names are missing and the numbers of classes differ.
    """
    names, others = (head.known if head.names else None for head in (old, other))
    if names is None or others is None:
        if old.classes != other.classes:
            raise OptionError(
                f"the old model has {old.classes} classes and the {which} one {other.classes}, and without "
                f"names they cannot be matched; {PASS}"
            )
        how = f"classes of the old and the {which} model are matched by index, because names are missing"
        return Match({i: i for i in range(old.classes)}, names or others, (how,))
    if names == others:
        return Match({i: i for i in range(len(names))}, names)
    mine, theirs = _places(names), _places(others)
    pairs: dict[int, int] = {}
    for i, name in enumerate(names):
        for key in _keys(name):
            if mine.get(key) == i and key in theirs:
                pairs.setdefault(i, theirs[key])
    if not pairs:
        raise OptionError(
            f"the old and the {which} model share no class: the old one has {listing(names, FEW)}, the "
            f"{which} one {listing(others, FEW)}; {PASS} that say which is which"
        )
    left = {"old": [name for i, name in enumerate(names) if i not in pairs]}
    left[which] = [name for j, name in enumerate(others) if j not in pairs.values()]
    told = [f"only the {model} model has {listing(alone, FEW)}" for model, alone in left.items() if alone]
    for model, known in {"old": names, which: others}.items():
        if twice := [name for name, count in Counter(known).items() if count > 1]:
            told.append(
                f"the {model} model has {listing(twice, FEW)} twice: a repeated name matches no class"
            )
    return Match(pairs, names, tuple(told))


def _keys(name: str) -> list[str]:
    whole = name.strip().casefold()
    return list(dict.fromkeys((whole, whole.split(",")[0].strip())))


def _places(names: tuple[str, ...]) -> dict[str, int]:
    """Return the class of each name, and of each first part, that stands for one class alone."""
    counts = Counter(key for name in names for key in _keys(name))
    return {key: i for i, name in enumerate(names) for key in _keys(name) if counts[key] == 1}
