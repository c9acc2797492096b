"""The app in a browser: from the click to the map on the screen."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.rows import Row

MODEL = "EfficientNet-Lite0, embedded"
SHOWN = """before => {
  const maps = [...document.querySelectorAll('#vc-maps img')];
  return maps.length > 1 && maps[1].src !== before && maps.every(one => one.complete && one.naturalWidth > 0);
}"""
LAST = "() => document.querySelectorAll('#vc-maps img')[1]?.src ?? ''"


def measured(rounds: int) -> Iterator[Row]:
    """Measure in headless Chromium; the server and the browser share the machine."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with TemporaryDirectory() as folder, _served() as url, sync_playwright() as playwright:
        photo = _large_photo(Path(folder))
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(url)
        page.wait_for_selector("#vc-examples img")
        time.sleep(2)  # the page has settled

        def example(number: int) -> float:
            return _seconds(page, lambda: page.click(f"#vc-examples img >> nth={number % 3}"))

        yield Row("first click on an example", MODEL, example(0), 1.0, "s")
        times = [example(n) for n in range(1, rounds)]
        yield Row("an example, median", MODEL, median(times), 1.0, "s", note=f"{max(times):.2g} s at most")
        times, others = [], []
        for _ in range(max(3, rounds // 3)):
            page.click("#vc-photo button[aria-label='Clear']")
            page.wait_for_selector(".vc-hint")
            field = page.locator("#vc-photo input[type=file]")
            times.append(_seconds(page, partial(field.set_input_files, str(photo))))
            for title in ("HiResCAM", "Grad-CAM"):
                page.click("#vc-method input")
                option = page.locator(f"li[role=option][aria-label='{title}']")
                others.append(_seconds(page, option.click, settle=0.0))
        yield Row("a photo of 12 megapixels, dropped", MODEL, median(times), 1.0, "s")
        yield Row("another method on it", MODEL, median(others), 1.0, "s")
        browser.close()


def _seconds(page: Any, act: Callable[[], Any], settle: float = 1.0) -> float:
    """Return how long it takes from an act of the visitor until another map is seen."""
    before = page.evaluate(LAST)
    start = time.perf_counter()
    act()
    page.wait_for_function(SHOWN, arg=before)  # looks at every frame
    found = time.perf_counter() - start
    time.sleep(settle)
    return found


def _large_photo(folder: Path) -> Path:
    import numpy as np
    from PIL import Image

    with Image.open(Path(__file__).resolve().parents[1] / "examples" / "chelsea.png") as photo:
        pixels = np.asarray(photo.convert("RGB").resize((4032, 3024)), np.float32)
    noise = np.random.default_rng(0).normal(0, 4, pixels.shape)  # of a sensor
    path = folder / "phone.jpg"
    Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8)).save(path, quality=90)
    return path


@contextmanager
def _served() -> Iterator[str]:
    """Start the app on a free port; yield its address, and end it."""
    command = [sys.executable, "-m", "visioncam", "app", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        said = (re.search(r"http://[^\s,;]+", line) for line in process.stdout or ())
        try:
            yield next(found[0] for found in said if found)
        finally:
            process.terminate()
