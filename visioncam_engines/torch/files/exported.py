"""Archives of `torch.export.save` (.pt2): what they hold, read without torch, and rewritten for it.

torch unpickles whatever such an archive says is pickled, falls back to unpickling example inputs, and loads
compiled libraries.  So it is never given the file itself, but a copy of the plain tensors and the checked
program in it; there is no pickle in the copy.
"""

from __future__ import annotations

import json
import math
import os
import re
import zipfile
from typing import Any

import attrs

from visioncam_core.errors import ModelError, UnsafeModelError
from visioncam_core.text import brief, error_text
from visioncam_engines.archives import listed, problems_of
from visioncam_engines.torch.files.program import checked_program

LARGEST = 64 << 20  # bytes of a description
DIRECTORY = 16 << 20  # bytes of the list of members: torch writes one a weight
EXPANDED = 1 << 24  # numbers that a weight may have besides those that are stored
_MEMBERS = re.compile(
    r"archive_format|archive_version|byteorder|version|\.data/(version|serialization_id)|models/\w+\.json"
    r"|data/(weights/weight_\d+|constants/tensor_\d+|(weights|constants)/\w+_config\.json)"
    r"|data/sample_inputs/\w+\.pt|extra/.*|data/extra/.*",
    re.DOTALL,
)
_LEGACY = ("serialized_exported_program.json", "serialized_state_dict.pt", "serialized_state_dict.json")
_DTYPES = {
    1: ("uint8", 1), 2: ("int8", 1), 3: ("int16", 2), 4: ("int32", 4), 5: ("int64", 8), 6: ("float16", 2),
    7: ("float32", 4), 8: ("float64", 8), 9: ("complex32", 4), 10: ("complex64", 8), 11: ("complex128", 16),
    12: ("bool", 1), 13: ("bfloat16", 2), 28: ("uint16", 2),
}  # fmt: skip
"""torch's number of a dtype -> its name, and the bytes of one number."""
_WHY = {
    "data/aotinductor/": "compiled code",
    "data/constants/custom_obj_": "a custom object, which is pickled",
    "data/constants/opaque_obj_": "an object, which is pickled",
    "data/executorch/": "a program for another runtime",
}


@attrs.frozen
class Tensor:
    """One weight or constant of an archive."""

    name: str
    shape: tuple[int, ...]
    dtype: str


@attrs.frozen(eq=False)
class Exported:
    """What an archive holds.

    Attributes:
        model: the name of its program.
        tensors: its weights and constants.
        version: of torch, that wrote it.
        problems: what speaks against loading it, in words.
        program: the program without what is not needed.
        configs: member -> description of weights or constants.
    """

    model: str
    tensors: tuple[Tensor, ...]
    version: str
    problems: tuple[str, ...]
    program: dict[str, Any] = attrs.field(repr=False, factory=dict)
    configs: dict[str, Any] = attrs.field(repr=False, factory=dict)


def read_exported(path: str | os.PathLike[str], name: str) -> Exported:
    """Return what an archive holds; torch is not imported.

    Raises:
        UnsafeModelError: its list of members is longer than any model's.
        ModelError: it is damaged.
    """
    try:
        return _exported(path, name)
    except UnsafeModelError:
        raise
    except Exception as error:  # zlib, zipfile, json and whatever a wrong type in it makes of our own steps
        raise ModelError(
            f"{name}: is truncated or damaged ({error_text(error, 80)}); download or save it again"
        ) from error


def _exported(path: str | os.PathLike[str], name: str) -> Exported:
    members = listed(path, name, DIRECTORY)
    if {member.filename.rpartition("/")[2] for member in members} & set(_LEGACY):
        return Exported("", (), "", ("it was written by torch before 2.8, which pickles all weights",))
    root = members[0].filename.partition("/")[0] if members else ""
    problems = []
    for member in members:
        if not member.filename.startswith(f"{root}/"):
            problems.append(f"a member outside its folder ({member.filename[:60]!r})")
        member.filename = member.filename.removeprefix(f"{root}/")
        for start, what in _WHY.items():
            if member.filename.startswith(start):
                problems.append(f"it carries {what} ({member.filename[:80]!r})")
        if re.fullmatch(r"data/(weights|constants)/\w+\.pt", member.filename):
            problems.append(f"its weights are pickled ({member.filename[:80]!r})")
    if problems:
        return Exported("", (), "", tuple(problems))
    problems = problems_of(members, _MEMBERS, "torch.export")
    sizes = {member.filename: member.file_size for member in members}
    programs = [one for one in sizes if one.startswith("models/")]
    if problems or len(programs) != 1:
        several = (
            [f"it holds {len(programs)} programs; only one can be explained"] if len(programs) != 1 else []
        )
        return Exported("", (), "", tuple(problems or several))
    model = programs[0].removeprefix("models/").removesuffix(".json")
    with zipfile.ZipFile(path) as archive:
        program, problems = checked_program(_read(archive, f"{root}/{programs[0]}"))
        found: list[Tensor] = []
        configs: dict[str, Any] = {}
        for kind, prefix in (("weights", "weight_"), ("constants", "tensor_")):
            config = f"data/{kind}/{model}_{kind}_config.json"
            described = json.loads(_read(archive, f"{root}/{config}"))["config"] if config in sizes else {}
            tensors, wrong = _tensors(described, f"data/{kind}/", prefix, sizes)
            found += tensors
            problems += wrong
            configs[config] = {"config": described}
    version = str(program.get("torch_version", ""))[:40]
    return Exported(model, tuple(found), version, tuple(problems), program, configs)


def write_plain(exported: Exported, path: str | os.PathLike[str], copy: str) -> None:
    """Write what was checked to another file, without any pickle; each tensor is read and written once."""
    import torch

    writer = torch._C.PyTorchFileWriter(copy)
    writer.set_min_version(6)

    def put(name: str, data: bytes) -> None:
        writer.write_record(name, data, len(data))

    stored = {
        f"{config.rpartition('/')[0]}/{meta['path_name']}"
        for config, described in exported.configs.items()
        for meta in described["config"].values()
    }
    with zipfile.ZipFile(path) as archive:
        root = archive.namelist()[0].partition("/")[0]
        for name in (*sorted(stored), "archive_format", "archive_version"):
            put(name, archive.read(f"{root}/{name}"))
    for name, described in exported.configs.items():
        put(name, json.dumps(described).encode())
    put(f"models/{exported.model}.json", json.dumps(exported.program).encode())
    put(f"data/sample_inputs/{exported.model}.pt", b"")
    writer.write_end_of_file()


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > LARGEST:
        raise ModelError(f"{name} is larger than {LARGEST:,} bytes")
    return archive.read(name)


def _tensors(
    described: Any, folder: str, prefix: str, sizes: dict[str, int]
) -> tuple[list[Tensor], list[str]]:
    """Return the tensors that a description names, and what is wrong with it."""
    found, problems = [], []
    for name, meta in described.items():
        label = brief(name, 60)
        place = meta["path_name"]
        if meta["use_pickle"] or meta["tensor_meta"] is None:
            problems.append(f"{label} is pickled ({(folder + place)[:80]!r})")
        elif not re.fullmatch(rf"{prefix}\d+", place) or not re.fullmatch(r"[\w.]{1,300}", name):
            problems.append(f"{label} is not a plain tensor ({(folder + place)[:80]!r})")
        else:
            tensor, problem = _tensor(name, meta["tensor_meta"], sizes.get(folder + place))
            found.append(tensor)
            problems += [f"{label} {problem}"] if problem else []
    return found, problems


def _tensor(name: str, meta: Any, stored: int | None) -> tuple[Tensor, str]:
    """Return a tensor, and why it does not lie in the bytes that are stored for it, or ""."""
    numbers = [[int(one["as_int"]) for one in meta[key]] for key in ("sizes", "strides")]
    shape, strides = tuple(numbers[0]), numbers[1]
    offset = int(meta["storage_offset"]["as_int"])
    dtype, size = _DTYPES.get(meta["dtype"], ("", 0))
    tensor = Tensor(name, shape, dtype or f"dtype {meta['dtype']}")
    if not dtype or meta["layout"] != 7:
        return tensor, "is of a kind that is not read"
    if stored is None:
        return tensor, "is not stored in the archive"
    if len(strides) != len(shape) or min((offset, *shape, *strides), default=0) < 0:
        return tensor, f"has a shape that cannot be {shape}"
    count = math.prod(shape)
    last = offset + sum((n - 1) * step for n, step in zip(shape, strides, strict=True)) + 1 if count else 0
    if last * size > stored:
        return tensor, f"of shape {shape} reaches outside the {stored:,} bytes that are stored"
    if count > stored // size + EXPANDED:
        return tensor, f"of shape {shape} needs {count:,} numbers, but {stored // size:,} are stored"
    return tensor, ""
