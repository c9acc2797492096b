"""A small exported network, files changed by hand, and a pickle that does harm."""

from __future__ import annotations

import json
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
nn = torch.nn


def network() -> Any:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 3),
    ).eval()


def export(folder: Path) -> Path:
    """Write the network as `torch.export` does, its batch axis open."""
    path = folder / "net.pt2"
    dynamic = ({0: torch.export.Dim.DYNAMIC},)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(network(), (torch.zeros(2, 3, 16, 16),), dynamic_shapes=dynamic)
        torch.export.save(program, path)
    return path


class Harm:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def rewritten(
    path: Path, out: Path, change: Callable[[str, bytes], bytes | None], more: dict[str, bytes] | None = None
) -> Path:
    """Write an archive whose members are changed; a member that becomes None is left out."""
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(out, "w") as after:
        root = before.namelist()[0].partition("/")[0]
        for name in before.namelist():
            data = change(name.removeprefix(f"{root}/"), before.read(name))
            if data is not None:
                after.writestr(name, data)
        for name, data in (more or {}).items():
            after.writestr(f"{root}/{name}", data)
    return out


def edited(path: Path, out: Path, member: str, edit: Callable[[Any], None]) -> Path:
    """Write an archive with one JSON member changed."""

    def change(name: str, data: bytes) -> bytes:
        if name != member:
            return data
        tree = json.loads(data)
        edit(tree)
        return json.dumps(tree).encode()

    return rewritten(path, out, change)


def as_it_is(name: str, data: bytes) -> bytes:
    return data
