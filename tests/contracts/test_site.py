"""The site builds without a warning, has every public name, and a browser asks nobody else for anything."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import visioncam

FETCHED = re.compile(
    r"<(?:link|script|img|iframe|source|object)\b[^>]*?(?:src|href|data)=[\"']?((?:https?:)?//[^\"' >]+)"
    r"|(?:url\(|@import )[\"']?((?:https?:)?//[^\"')]+)"
)


def fetched(folder: Path) -> set[str]:
    """Return what the pages and styles of a folder load from elsewhere."""
    files = (path for path in folder.rglob("*") if path.suffix in (".html", ".css"))
    return {"".join(hit) for path in files for hit in FETCHED.findall(path.read_text("utf-8"))}


@pytest.mark.slow
@pytest.mark.skipif(
    not find_spec("mkdocs") and not os.environ.get("VISIONCAM_TEST_INSTALLED"),
    reason="needs the extra `docs`, which `make test` installs",
)
def test_the_site_builds_and_fetches_nothing(checkout: Path) -> None:
    done = subprocess.run(
        [sys.executable, checkout / "tools" / "site.py"], capture_output=True, text=True, timeout=300
    )
    assert (done.returncode, re.findall(r".*(?:WARN|ERROR).*", done.stdout + done.stderr)) == (0, [])
    site = checkout / "build" / "site"
    assert fetched(site) == set()
    pages = "".join(path.read_text("utf-8") for path in (site / "reference").glob("*.html"))
    private = {name for name in visioncam.__all__ if name.startswith("_")}
    assert [n for n in visioncam.__all__ if f'id="visioncam.{n}"' not in pages and n not in private] == []
    assert 'id="visioncam_core.options.option"' in pages
    assert "Score-CAM" in (site / "search" / "search_index.js").read_text("utf-8")


def test_what_is_fetched_is_found(tmp_path: Path) -> None:
    tmp_path.joinpath("page.html").write_text(
        '<a href="https://a.org/read"></a><link rel="x" href="https://a.org/a"><script src=//b.org/c>'
    )
    tmp_path.joinpath("style.css").write_text("@import 'https://a.org/d'; p { background: url(x.png) }")
    assert fetched(tmp_path) == {"https://a.org/a", "//b.org/c", "https://a.org/d"}


def test_a_page_is_as_python_markdown_reads_it(checkout: Path) -> None:
    page = runpy.run_path(str(checkout / "tools" / "site.py"))["page"]
    text = "<!-- begin x: written\nby y -->\n| `a\\|b` | c\\|d |\n[e](f.ipynb) `a\\|b`"
    assert page(text) == "\n| `a|b` | c\\|d |\n[e](f.md) `a\\|b`"
