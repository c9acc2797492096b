"""Names of a run's files: each follows from the picture's key alone, never from what ran before."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import PurePosixPath

from visioncam_core.files import safe_stem

DIGITS = 12  # of the mark; 100,000 folders with a 0001.jpg each share one with probability 2e-5


def stem_of(key: str, *, spread: bool = False) -> str:
    """Return the beginning of a picture's file names, below the output folder.

    The mark made from the whole key tells `a/x.png`, `b/x.png`, `a/X.png` and `a/x.jpg` apart, also on
    systems that take upper and lower case for the same.  `spread` puts the files into 256 folders, named
    after the mark's first two digits.
    """
    mark = hashlib.sha256(os.fsencode(key)).hexdigest()[:DIGITS]
    stem, _ = safe_stem(key)
    return f"{mark[:2]}/{stem}-{mark}" if spread else f"{stem}-{mark}"


def file_names(
    key: str, method: str, kinds: dict[str, tuple[str, ...]], *, spread: bool = False
) -> list[str]:
    """Return a picture's file names, with `/` between folders.

    Args:
        key: the picture's key.
        method: the method's name.
        kinds: suffix -> renderers of that kind of file, `("",)` for one that needs no telling apart.
        spread: as in `stem_of`.

    >>> file_names("a/cat.jpg", "gradcam", {".npz": ("",)})
    ['cat-57a4ba20a1f3_gradcam.npz']
    """
    stem = f"{stem_of(key, spread=spread)}_{re.sub(r'[^0-9A-Za-z_]', '-', method)}"
    return [
        f"{stem}{f'_{renderer}' if renderer else ''}{suffix}"
        for suffix, renderers in kinds.items()
        for renderer in renderers
    ]


def is_inside(name: str) -> bool:
    """Return whether a name read from a manifest stays below its folder."""
    path = PurePosixPath(name)
    return bool(name) and not path.is_absolute() and ".." not in path.parts and "\\" not in name
