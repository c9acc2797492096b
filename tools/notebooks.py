"""Run the notebooks of examples/ and keep their results small: `python tools/notebooks.py [NAME...]`.

Needs the extras `demo` and `test`.  What the kernel wrote to standard error is left out, and so are PNG
copies of what is there as HTML; other PNG pictures become JPEG.
"""

from __future__ import annotations

import base64
import io
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
LARGEST = 600_000  # bytes of one notebook


def run(path: Path) -> nbformat.NotebookNode:
    """Return a notebook with the results of running it in its own folder."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}
    )
    client.execute()
    return notebook


def slim(notebook: nbformat.NotebookNode) -> None:
    """Leave out, in place, what differs from machine to machine or is there twice."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
        cell.metadata = {}
        if cell.cell_type == "code":
            kept = [one for one in cell.outputs if one.get("name") != "stderr"]
            for one in kept:
                if "text/html" in one.get("data", {}):
                    one.data.pop("image/png", None)
                    one.data["text/plain"] = one.data["text/plain"].partition("(")[0]
                if "image/png" in one.get("data", {}):
                    one.data["image/jpeg"] = jpeg(one.data.pop("image/png"))
            cell.outputs = kept


def jpeg(png: str) -> str:
    """Return a PNG picture as JPEG, both in base64."""
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(base64.b64decode(png))) as image:
        image.convert("RGB").save(buffer, "JPEG", quality=85)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def main(names: list[str]) -> int:
    """Run the notebooks named, or all, and return the exit code."""
    code = 0
    for path in sorted(EXAMPLES.glob("*.ipynb")):
        if names and path.stem not in names and path.name not in names:
            continue
        notebook = run(path)
        slim(notebook)
        nbformat.write(notebook, path)
        size = path.stat().st_size
        print(f"{size / 1000:6.0f} kB  {path.name}")
        code |= size > LARGEST
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
