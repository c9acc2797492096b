"""The readers of strangers' files by name; here those of a run's folder, lists, models' descriptions."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from helpers.fuzz import Reader, models, pictures, plugin_metadata

NAMES = ("manifest.jsonl", "errors.jsonl", "run.json", ".visioncam.lock")
KEYS = ("a.png", "b.png", "c\udcff.png")
ODD: tuple[Any, ...] = (
    None,
    3,
    -1,
    1e300,
    True,
    "",
    "..",
    "/etc/passwd",
    [],
    {},
    {"a": 1},
    "x" * 300,
    10**400,
)


def remembered() -> dict[str, bytes]:
    """Return what run folders hold: manifest, errors, `run.json` and lock, parted by two zero bytes.

    The first is a good one; in each of the others one value is of another kind.
    """
    line = {"key": KEYS[0], "seen": "1", "files": {"a.npz": 4}, "class": 1, "score": 0.5, "batch": 4}
    error = {"key": KEYS[1], "kind": "ImageError", "message": "bad"}
    about = {"kind": "visioncam batch", "facts": {"method": "m", "seed": 0}, "asked": 4, "batch": 2}
    seeds = {"whole": _folder(line, error, about)}
    for name in line:
        seeds |= {f"line {name} {i}": _folder(line | {name: odd}, error, about) for i, odd in enumerate(ODD)}
    for name in about:
        seeds |= {f"run {name} {i}": _folder(line, error, about | {name: odd}) for i, odd in enumerate(ODD)}
    seeds |= {f"error {i}": _folder(line, error | {"key": odd}, about) for i, odd in enumerate(ODD)}
    deep = b"[" * 100_000
    seeds |= {"deep": b"\0\0".join([deep] * 4), "other host": seeds["whole"] + b'\0\0{"host": 3}'}
    files = [{name: 4} for name in ("../kept", "/etc/hostname", "a\0", ".", "a.npz/x", "x" * 300)]
    return seeds | {f"files {i}": _folder(line | {"files": odd}, error, about) for i, odd in enumerate(files)}


def _folder(line: object, error: object, about: object) -> bytes:
    texts = (json.dumps(line) + "\n", json.dumps(error) + "\n", json.dumps(about))
    return b"\0\0".join(text.encode("ascii") for text in texts)


def manifests(_: Path) -> Reader:
    """Return what a run does with a folder before it loads a model."""
    from visioncam.batch.entry import Entry, Source
    from visioncam.batch.lock import Lock
    from visioncam.batch.manifest import Manifest
    from visioncam.batch.plan import Plan
    from visioncam.batch.summary import Summary
    from visioncam_core.errors import OutputError

    def read(data: bytes, folder: Path) -> None:
        out = folder / "run"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        (folder / "kept").write_bytes(b"1234")
        (out / "a.npz").write_bytes(b"1234")
        for name, text in zip(NAMES, data.split(b"\0\0"), strict=False):
            (out / name).write_bytes(text)
        with Lock(out):
            work(out)
        assert (folder / "kept").read_bytes() == b"1234"

    def work(out: Path) -> None:
        manifest = Manifest.load(out)
        source = Source([Entry(key, None, "1") for key in KEYS], len(KEYS))
        plan = Plan(source, manifest, {"method": "m", "seed": 0}, batch=4)
        plan.prepare()
        summary = Summary(out)
        left = [entry.key for entry in plan.open_entries(summary)]
        assert len(left) + summary.skipped == len(KEYS)
        assert summary.skipped == 0 or KEYS[0] not in left
        assert 1 <= plan.size <= 4
        manifest.close()
        again = Manifest.load(out)
        assert (again.notes, again.finished) == ([], manifest.finished)

    return Reader(remembered(), read, (OutputError,))


def lists(_: Path) -> Reader:
    """Return what reads lists of pictures; the first byte of a seed says which kind."""
    from visioncam.batch.sources import source_of
    from visioncam_core.errors import ImageError

    def read(data: bytes, folder: Path) -> None:
        path = folder / ("list.csv" if data[:1] == b"c" else "list.txt")
        path.write_bytes(data[1:])
        keys = [entry.key for entry in source_of(path).entries]
        assert len({*keys}) == len(keys) > 0

    text = "# pictures\na.png\nb.png\ttabby cat\nsub/é.png\t7\n\na.png\n"
    table = 'id,image,class\n1,a.png,7\n2,"b, c.png",tabby\n3,"d\n.png",\n'
    return Reader(
        {
            "text": b"t" + text.encode(),
            "table": b"c" + table.encode(),
            "marked": b"c\xef\xbb\xbf" + table.encode(),
            "wide": b"c" + table.encode("utf-16"),
            "short": b"cimage,class\na.png\nb.png,1,2,3\n\n,\n",
            "long": b"cimage\n" + b"x" * 200_000 + b"\n",
            "zeros": b"ta\0.png\n\0\nb.png\tc\0\n",
        },
        read,
        (ImageError,),
    )


def descriptions(folder: Path) -> Reader:
    """Return what looks at the description in a model file, one that is whole JSON.

    The bytes of a seed choose which of its values are taken away, doubled or replaced by others.
    """
    import keras

    from visioncam_core.errors import ModelError
    from visioncam_engines.keras.files import inspect_file
    from visioncam_engines.keras.files.load import check_file

    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(2, 3, name="c")(inputs)
    x = keras.layers.Add()([x, keras.layers.BatchNormalization()(x)])
    network = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(x)))
    network.compile("adam", "mse")
    network.save(folder / "whole.keras")
    with zipfile.ZipFile(folder / "whole.keras") as archive:
        whole = {name: json.loads(archive.read(name)) for name in ("config.json", "metadata.json")}

    def read(data: bytes, folder: Path) -> None:
        rng, path = np.random.default_rng([*data]), folder / "model.keras"
        tree = json.loads(json.dumps(whole))
        for _ in range(rng.integers(1, 4)):
            _change_a_value(tree, rng)
        with zipfile.ZipFile(path, "w") as archive:
            for name, value in tree.items():
                archive.writestr(name, json.dumps(value))
            archive.writestr("model.weights.json", "{}")  # arrays elsewhere: no other process reads them
        inspect_file(path, check_file(path), "model")

    return Reader({"values": bytes(range(200))}, read, (ModelError,))


def _change_a_value(tree: dict[str, Any], rng: np.random.Generator) -> None:
    nodes: list[tuple[Any, Any]] = [(tree, name) for name in tree]
    for holder, place in nodes:  # which grows meanwhile
        value = holder[place]
        nodes += [
            (value, i)
            for i in (
                value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
            )
        ]
    holder, place = nodes[rng.integers(len(nodes))]
    other, there = nodes[rng.integers(len(nodes))]
    values = (*ODD, 2**63, float("nan"), [0] * 3, "builtins", json.loads(json.dumps(other[there])))
    what = rng.integers(-1, len(values))
    if what < 0:
        del holder[place]
    else:
        holder[place] = values[what]


READERS: dict[str, Callable[[Path], Reader]] = {
    "pictures": pictures,
    "models": models,
    "plugins": plugin_metadata,
    "manifests": manifests,
    "lists": lists,
    "descriptions": descriptions,
}
