"""Files of weights: `.safetensors`, and what `torch.save` wrote, read without running it."""

from __future__ import annotations

import json
import os
import pickletools
import re
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from visioncam_core.errors import ModelError
from visioncam_core.text import brief
from visioncam_engines.archives import listed

_HEADER = 100 << 20  # bytes; safetensors itself takes no more
_LARGEST = 64 << 20  # bytes of a pickle, the numbers of which lie elsewhere
_WEIGHTS = re.compile(
    r"collections\.OrderedDict|torch\._utils\._rebuild_(tensor_v2|parameter|parameter_with_state)"
    r"|torch\.(\w+Storage|Size|device|dtype|bfloat16|float\d+|u?int\d+|bool|strided|Tensor|nn\.parameter\.Parameter)"
    r"|torch\.storage\.(UntypedStorage|TypedStorage)|torch\.serialization\._get_layout"
)
"""What a pickle of weights asks for; `weights_only=True` takes little more."""


@attrs.frozen
class Pickled:
    """What a file of `torch.save` asks for.

    Attributes:
        names: what it would import, beyond what weights need.
        keys: the texts in it, among them the names of its weights.
        script: whether it is TorchScript.
    """

    names: tuple[str, ...]
    keys: tuple[str, ...]
    script: bool


def read_header(path: str | os.PathLike[str], name: str) -> Mapping[str, Any] | None:
    """Return the header of a safetensors file: tensor -> dtype, shape, place; None for another file.

    Raises:
        ModelError: it begins like one and is damaged.
    """
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(size - 8, _HEADER):
            return None
        text = file.read(length)
    if not text.startswith(b"{"):
        return None
    try:
        header = json.loads(text)
        held = {key: value for key, value in header.items() if key != "__metadata__"}
        ends = [(*value["data_offsets"], value["dtype"], value["shape"]) for value in held.values()]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ModelError(f"{name}: is a damaged weights file; download or save it again") from error
    if any(not 0 <= begin <= end <= size - 8 - length for begin, end, _, _ in ends):
        raise ModelError(f"{name}: is a truncated weights file; download or save it again")
    return held


def read_pickled(path: str | os.PathLike[str], name: str) -> Pickled | None:
    """Return what a file of `torch.save` asks for, by reading its pickle without running it; or None."""
    with open(path, "rb") as file:
        start = file.read(4)
    if start.startswith(b"PK"):
        members = {member.filename: member for member in listed(path, name, 16 << 20)}
        inside = next((one for one in members if re.fullmatch(r"[^/]+/data\.pkl", one)), None)
        if inside is None:
            return None
        script = any(re.fullmatch(r"[^/]+/(constants\.pkl|code/.*)", one) for one in members)
        if members[inside].file_size > _LARGEST:
            return Pickled(("a pickle too large to be read",), (), script)
        with zipfile.ZipFile(path) as archive:
            return attrs.evolve(_asked([archive.read(inside)]), script=script)
    if start[:1] == b"\x80":
        with open(path, "rb") as file:
            return _asked([file.read(_LARGEST)])
    return None


def _asked(pickles: list[bytes]) -> Pickled:
    """Return what pickles ask for; only their opcodes are read."""
    names: dict[str, None] = {}
    keys: list[str] = []
    for data in pickles:
        texts: list[str] = []
        try:
            for code, value in _codes(data):
                if code in ("GLOBAL", "INST"):
                    names[str(value).replace(" ", ".")] = None
                elif code == "STACK_GLOBAL":
                    names[".".join(texts[-2:])] = None
                elif (isinstance(value, str) and "UNICODE" in code) or code in ("STRING", "SHORT_BINSTRING"):
                    texts.append(str(value))
        except ValueError:
            names["a pickle that is damaged"] = None
        keys += texts
    return Pickled(tuple(one for one in names if not _WEIGHTS.fullmatch(one)), tuple(keys), False)


def _codes(data: bytes) -> Iterator[tuple[str, Any]]:
    """Yield name and argument of every opcode; a legacy file has five pickles, one after the other."""
    import io

    stream = io.BytesIO(data)
    for _ in range(5):
        try:
            for code, value, _place in pickletools.genops(stream):
                yield code.name, value
        except ValueError:
            if stream.tell() < 4:
                raise
            return
        if stream.read(1) != b"\x80":
            return
        stream.seek(-1, 1)


def told(names: tuple[str, ...]) -> str:
    """Return names of a pickle for a message."""
    some = ", ".join(brief(one, 60).strip("'") for one in names[:3])
    return some + (f" and {len(names) - 3} more" if len(names) > 3 else "")
