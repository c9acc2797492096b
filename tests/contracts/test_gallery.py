"""Each block of the gallery runs by itself and writes its picture; the page is what its tool writes."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from helpers.docs import FENCE, dead_links

import visioncam

CHECKOUT = Path(__file__).resolve().parents[2]
PAGE = CHECKOUT / "docs" / "gallery" / "README.md"
BLOCKS = [block for language, block in FENCE.findall(PAGE.read_text("utf-8")) if language == "python"]

QUICKER = {
    'methods="gradient"': 'methods="gradient", n=4, steps=4',
    'methods="region"': 'methods="region", regions="grid:2"',
    '"partitionshap"': '"partitionshap", regions="grid:2"',
}
"""The same calls with less to compute: what they cost is minutes."""


@pytest.fixture(scope="module", autouse=True)
def checkout_at_hand() -> Iterator[None]:
    """Let blocks import the checkout's tools, and load the embedded model once for all."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [*sys.path, str(CHECKOUT)])  # last: an installed wheel comes first
        patch.setattr(visioncam.demo, "load", cache(visioncam.demo.load))
        yield


@pytest.mark.slow
@pytest.mark.parametrize("block", BLOCKS, ids=[block.splitlines()[-1].split('"')[1] for block in BLOCKS])
def test_each_block_runs_by_itself(block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "examples").symlink_to(CHECKOUT / "examples", target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    for slow, quick in QUICKER.items():
        block = block.replace(slow, quick)
    exec(compile(block, "docs/gallery/README.md", "exec", dont_inherit=True), {"__name__": "readme"})
    written = {path.name for path in tmp_path.iterdir()} - {"examples"}
    assert len(written) == 1
    assert f"]({written.pop()})" in PAGE.read_text("utf-8")


def test_the_page_is_up_to_date() -> None:
    written = runpy.run_path(str(CHECKOUT / "tools" / "gallery.py"))["text"]()
    assert written == PAGE.read_text("utf-8"), "run `python tools/gallery.py --text`"
    assert len(BLOCKS) == sum(path.suffix != ".md" for path in PAGE.parent.iterdir())
    assert dead_links(PAGE, CHECKOUT) == []
