"""What both tables of docs/deploying.md are measured and written with; see `tools/deploying.py`."""

from __future__ import annotations

import platform
import re
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

PAGE = Path(__file__).resolve().parents[1] / "docs" / "deploying.md"
HEAD = "| Network, layer | Format | Plain | With map | Size | Time | Map |\n" + "| --- " * 7 + "|\n"
ROUNDS = 60
Run = Callable[[np.ndarray], Any]


def onnx(path: Path) -> Run:
    """Return what runs an ONNX file on one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda x: session.run(None, {name: x})


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of a folder's files."""
    return sum(one.stat().st_size for one in ([path] if path.is_file() else path.rglob("*")) if one.is_file())


def times(runs: list[Run], x: np.ndarray) -> list[float]:
    """Return the milliseconds below which a quarter of the runs of each are, measured in turns."""
    found: list[list[float]] = [[] for _ in runs]
    for i in range(ROUNDS + 3):
        for run, each in zip(runs, found, strict=True):
            start = time.perf_counter()
            run(x)
            if i >= 3:
                each.append(1000 * (time.perf_counter() - start))
    return [float(np.quantile(one, 0.25)) for one in found]


def row(name: str, form: str, found: Any, size: int, took: list[float]) -> str:
    """Return a line of the table; `took` has one time alone where the plain model does not run."""
    *before, after = took
    cells = ["does not run", "–", "–"]
    if before:
        cells = [f"{size / 1e6:.2f} MB, {before[0]:.1f} ms", f"×{found.size / size:.2f}"]
        cells.append(f"×{after / before[0]:.2f}")
    return (
        f"| {name}, `{found.layer}` | {form} | {cells[0]} | {found.size / 1e6:.2f} MB, "
        f"{after:.1f} ms | {cells[1]} | {cells[2]} | {found.error:.0e} |"
    )


def main(networks: Iterable[str], rows: Callable[[str], Iterable[str]], table: str, versions: str) -> None:
    """Measure, print, and write a table of the page unless a word was given."""
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    lines = []
    for name in [one for one in networks if word in one]:
        for line in rows(name):
            print(line, flush=True)
            lines.append(line)
    if word:
        return
    begin, end = f"<!-- from here: {table} -->\n", f"<!-- to here: {table} -->"
    where = f"{platform.system()} {platform.machine()}, one thread, {versions}."
    text = f"{begin}\n{HEAD}" + "\n".join(lines) + f"\n\nMeasured on {where}\n{end}"
    old = PAGE.read_text("utf-8")
    new = re.sub(re.escape(begin) + ".*?" + re.escape(end), lambda _: text, old, flags=re.DOTALL)
    PAGE.write_text(new, "utf-8")
