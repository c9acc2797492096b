"""The page of `examples/browser`, in a real browser that reaches nothing but its own folder."""

from __future__ import annotations

import functools
import http.server
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import visioncam

CHECKOUT = Path(__file__).resolve().parents[2]
PHOTO = CHECKOUT / "examples" / "chelsea.png"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def page(tmp_path: Path) -> Iterator[str]:
    """Return the address of the page with the embedded model and the runtime beside it."""
    pytest.importorskip("tf2onnx")
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    shutil.copytree(CHECKOUT / "examples" / "browser", tmp_path, dirs_exist_ok=True)
    words = [npm, "install", "onnxruntime-web@1", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        pytest.skip(f"npm cannot install the runtime: {done.stderr[-200:]}")
    visioncam.export(visioncam.demo.load(), tmp_path / "cat.onnx", size="input")
    handler = functools.partial(Quiet, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/index.html"
        server.shutdown()


@pytest.mark.slow
def test_the_page_shows_class_and_map_and_fetches_nothing_from_outside(page: str) -> None:
    sync = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("Debian's chromium is not installed")
    asked: list[str] = []
    with sync.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page()
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(page)
        sync.expect(tab.locator("#answer")).to_have_text("ready", timeout=60_000)
        tab.set_input_files("#photo", PHOTO)
        sync.expect(tab.locator("#answer")).to_contain_text("%", timeout=60_000)
        text = tab.locator("#answer").inner_text()
        heat = np.reshape(json.loads(tab.locator("#picture").get_attribute("data-heat") or ""), (224, 224))
        browser.close()
    assert all(one.startswith((page.removesuffix("index.html"), "blob:", "data:")) for one in asked)
    model = visioncam.demo.load()
    wanted = visioncam.explain(model, PHOTO)
    assert text.startswith(wanted.target.name)
    high, wide = wanted.heatmap.shape
    side = round(min(high, wide) * 0.875)
    top, left = (high - side) // 2, (wide - side) // 2
    there = Image.fromarray(heat.astype(np.float32)).resize((side, side), Image.Resampling.BILINEAR)
    part = wanted.heatmap[top : top + side, left : left + side]
    assert np.corrcoef(np.asarray(there).ravel(), part.ravel())[0, 1] > 0.97
