"""Build the site: `python tools/site.py`, or `make docs`; `--serve` shows it while you write.

Its pages are the repository's own Markdown in its own folders, so that every link leads where it leads in a
checkout; the notebooks, and a reference made from the docstrings.  mkdocs.yml has the rest.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "build" / "pages"
COPIED = (
    "*.md", "LICENSE", "CITATION.cff", "docs/**/*.*", "examples/**/*.md", "examples/*.*g",
    "plugins_example/*.md", "tools/gallery_models.py", "visioncam/app/guard.py",
)  # fmt: skip
REFERENCE = {
    "explaining": ("Explaining", "explain compare report layers explainer load forget quiet Explainer"),
    "results": ("Results", "Explanation Comparison Diagnostic VisionCamError"),
    "models": ("Models", "doctor load_model blackbox set_model_card ModelCard demo"),
    "asking": ("Targets and geometry", "targets geometry"),
    "trust": ("Evaluation", "evaluate Evaluation recommend Recommendation audit Audit diff Diff"),
    "scale": ("Many pictures, training, export", "explain_dataset distributed callbacks export Exported"),
    "methods": (
        "Methods and plugins",
        "methods renderers metrics plugins load_plugin registry GradCAM GradCAMPlusPlus GradCAMElementWise "
        "HiResCAM RespondCAM ScoreCAM SmoothGradCAMPlusPlus XGradCAM AblationCAM",
    ),
    "authors": (
        "For authors of plugins",
        "hookspecs specs options ops evidence layers metrics cases testing errors engine.interface "
        "engine.records engine.defaults engine.default_passes",
    ),
}
"""File -> its title, and the names on it; those of the last are modules of `visioncam_core`."""
TABLE_ROW = re.compile(r"^\|.*$", re.MULTILINE)
COMMENT = re.compile(r"^<!--.*?-->$", re.MULTILINE | re.DOTALL)


def page(text: str) -> str:
    """Return a page of the repository as Python-Markdown reads it."""
    text = COMMENT.sub("", text).replace(".ipynb)", ".md)")
    in_code = re.compile(r"`[^`]*`")
    text = re.sub("([●○]) ", "\\1\N{NO-BREAK SPACE}", text)
    return TABLE_ROW.sub(lambda row: in_code.sub(lambda c: c[0].replace(r"\|", "|"), row[0]), text)


def notebook(path: Path) -> str:
    """Return a notebook as Markdown, with the output that is text."""
    parts = []
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        source = "".join(cell["source"])
        parts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
    return "\n\n".join(parts) + "\n"


def reference(title: str, names: str, package: str) -> str:
    """Return a page of the reference."""
    return f"# {title}\n\n" + "\n".join(f"::: {package}.{name}\n" for name in names.split())


def stage() -> None:
    """Lay out the pages again."""
    shutil.rmtree(PAGES, ignore_errors=True)
    for pattern in COPIED:
        for source in ROOT.glob(pattern):
            target = PAGES / source.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.suffix == ".md":
                target.write_text(page(source.read_text("utf-8")), "utf-8")
            else:
                shutil.copy(source, target)
    for source in ROOT.glob("examples/*.ipynb"):
        (PAGES / "examples" / source.with_suffix(".md").name).write_text(notebook(source), "utf-8")
    (PAGES / "reference").mkdir()
    for file, (title, names) in REFERENCE.items():
        package = "visioncam_core" if file == "authors" else "visioncam"
        (PAGES / "reference" / f"{file}.md").write_text(reference(title, names, package), "utf-8")


def main(arguments: list[str]) -> int:
    """Build or serve the site; return the exit code."""
    stage()
    command = "serve" if "--serve" in arguments else "build"
    quiet = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", command, "--strict"], cwd=ROOT, env=quiet
    ).returncode


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
