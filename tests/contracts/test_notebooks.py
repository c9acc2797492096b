"""The notebooks of examples/ run from top to bottom, and what is committed is their result."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    for name in ("nbclient", "ipykernel", "sklearn"):
        pytest.importorskip(name, reason=f"{name} is not installed (extra test)")
    spec = importlib.util.spec_from_file_location("notebooks", EXAMPLES.parent / "tools" / "notebooks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def cells(path: Path) -> list[dict[str, Any]]:
    return [cell for cell in json.loads(path.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]


def printed(outputs: list[Any]) -> list[str]:
    """Return the words that cells printed; numbers differ in their last digits from machine to machine."""
    texts = [one["text"] for one in outputs if one["output_type"] == "stream" and one["name"] == "stdout"]
    joined = "".join(text if isinstance(text, str) else "".join(text) for text in texts)
    return [word for word in joined.split() if word.isalpha()]


def test_there_are_three() -> None:
    assert [path.name[:2] for path in NOTEBOOKS] == ["01", "02", "03"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_is_committed_is_whole_and_small(path: Path) -> None:
    assert path.stat().st_size < 600_000
    outputs = [one for cell in cells(path) for one in cell["outputs"]]
    assert all(cell["execution_count"] for cell in cells(path)), "run `python tools/notebooks.py`"
    assert not [one for one in outputs if one["output_type"] == "error" or one.get("name") == "stderr"]
    kinds = {kind for one in outputs for kind in one.get("data", {})}
    assert {"text/html", "image/jpeg"} <= kinds
    assert "image/png" not in kinds


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_and_says_the_same(path: Path, tool: ModuleType) -> None:
    before = set(EXAMPLES.iterdir())
    ran = tool.run(path)
    tool.slim(ran)
    for old, new in zip(cells(path), [cell for cell in ran.cells if cell.cell_type == "code"], strict=True):
        assert printed(new.outputs) == printed(old["outputs"]), new.source
        assert [set(one.get("data", {})) for one in new.outputs if "data" in one] == [
            set(one["data"]) for one in old["outputs"] if "data" in one
        ]
    assert set(EXAMPLES.iterdir()) == before
