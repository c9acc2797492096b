"""Check a run's folder: some of its pictures are explained again, and the maps compared.

The request is in `run.json`, so the folder, the pictures and the model suffice.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np

from visioncam.batch.compute import Computer, Ready
from visioncam.batch.entry import Entry, Source
from visioncam.batch.file_names import is_inside
from visioncam.batch.fingerprint import changes, completed, facts_of
from visioncam.batch.manifest import RUN, Manifest
from visioncam_core.errors import OptionError, OutputError, VisionCamError
from visioncam_core.pipeline.apply import Method
from visioncam_core.pipeline.request import Request
from visioncam_core.pipeline.settings import Settings
from visioncam_core.plugins.default import registry
from visioncam_core.results.explanation import Explanation
from visioncam_core.results.load import load_raw

TOLERANCE = 1e-5  # of a map's maximum; between batch sizes maps differ by less


@attrs.frozen
class Check:
    """One picture that was explained again."""

    key: str
    # between the maps, as a share of the maximum; NaN where they could not be compared
    difference: float = math.nan
    problem: str = ""  # why it does not agree, or ""


@attrs.frozen(eq=False)
class SavedRequest:
    """The request of a finished run, read from `run.json`."""

    request: Request
    batch: int  # pictures in a pass
    notes: tuple[str, ...] = ()  # what differs without making the comparison void

    @classmethod
    def of(cls, manifest: Manifest, model: str, class_names: Any = None) -> SavedRequest:
        """Read it, and compare it with the present one.

        Args:
            manifest: of the folder.
            model: mark of the model, see `visioncam_core.results.provenance`.
            class_names: the class names that the run was given, or None.

        Raises:
            OutputError: no folder of a run, or one that cannot be made again: what differs is named.
        """
        about = manifest.run() or {}
        facts = about.get("facts")
        if not isinstance(facts, dict) or not manifest.finished:
            raise OutputError(
                f"{str(manifest.folder)!r} holds no finished run (there is no {RUN} with its manifest); name "
                "the folder that `visioncam batch -o` wrote"
            )
        facts = completed(facts)
        fields = [field.name for field in attrs.fields(Settings) if field.name in facts]
        options = {name[7:]: value for name, value in facts.items() if name.startswith("option ")}
        try:
            named = Method.of(*registry().make_method(str(facts.get("method")), options))
            keywords = {name: facts[name] for name in fields} | {"class_names": class_names}
            request = Request.of([named], keywords, facts.get("target"))
            now = facts_of(model, named.name, named.options, request.target, request.settings, {})
        except (VisionCamError, TypeError, ValueError) as error:
            raise OutputError(f"{RUN} of {str(manifest.folder)!r} cannot be repeated: {error}") from error
        different = changes({name: value for name, value in facts.items() if name in now}, now)
        version = [one for one in different if one.startswith("visioncam:")]
        if different != version:
            others = "; ".join(one for one in different if one not in version)
            raise OutputError(
                f"{str(manifest.folder)!r} was made with other settings: {others}; pass the same --model and "
                "--class-names"
            )
        batch = about.get("batch")
        size = batch if isinstance(batch, int) and 0 < batch <= 65_536 else 1
        return cls(request, size, tuple(version))


def sample_of(manifest: Manifest, share: float, seed: int) -> list[str]:
    """Return the keys of some finished pictures that have raw maps, at least one, drawn with a seed."""
    keys = sorted(key for key, line in manifest.finished.items() if _npz(line))
    if not keys:
        raise OptionError(
            f"{str(manifest.folder)!r} holds no raw maps: run with --save-as npz to compare them"
        )
    return sorted(random.Random(seed).sample(keys, max(1, math.ceil(share * len(keys)))))


def verify_maps(manifest: Manifest, keys: list[str], source: Source, computer: Computer) -> list[Check]:
    """Explain some pictures again, each in its own row of a batch, and compare the maps."""
    wanted = {*keys}
    entries = {
        one.key: attrs.evolve(one, place=place)
        for place, one in enumerate(source.entries)
        if one.key in wanted
    }
    return [_check(manifest, key, entries.get(key), computer) for key in keys]


def _check(manifest: Manifest, key: str, entry: Entry | None, computer: Computer) -> Check:
    line = manifest.finished[key]
    if entry is None:
        return Check(key, problem="the picture no longer exists")
    try:
        ready: Ready = computer.decode(entry)
        if line.get("sha256") and line["sha256"] != ready.entry.digest:
            return Check(key, problem="the picture has changed (its sha256 is different)")
        raw = load_raw(manifest.folder / _npz(line))
        (found,) = computer([ready])
    except (VisionCamError, OSError) as error:
        return Check(key, problem=str(error))
    if not isinstance(found, Explanation):
        return Check(key, problem=f"can no longer be explained: {found}")
    if raw.shape != found.raw.shape:
        return Check(key, problem=f"its map was {raw.shape}, and is {found.raw.shape} now")
    top = float(np.abs(found.raw).max(initial=0.0))
    difference = float(np.abs(raw.astype(np.float64) - found.raw).max(initial=0.0))
    share = difference / top if top else (math.inf if difference else 0.0)
    if not share <= TOLERANCE:
        return Check(key, share, f"its map differs by {share:.1e} of the maximum")
    if line.get("class") != found.target.index:
        return Check(key, share, f"it was class {line.get('class')}, and is {found.target.index} now")
    return Check(key, share)


def _npz(line: Mapping[str, Any]) -> str:
    """Return the name of a picture's raw map below the folder, or ""."""
    files = line.get("files")
    names = files if isinstance(files, dict) else {}
    return next((name for name in names if name.endswith(".npz") and is_inside(name)), "")
