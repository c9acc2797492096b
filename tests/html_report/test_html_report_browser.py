"""The report in a real browser: slider, switches, boxes, themes and sorting work; nothing is fetched."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from helpers.calibration import NOISE, evaluation
from helpers.report import page, two_photos

from visioncam.evaluation.report import sections
from visioncam_viz.drawing.colour import colour_table


@attrs.define(eq=False)
class Watched:
    """A page, and what it did that it should not.

    Attributes:
        page: Playwright's page.
        requests: addresses it asked for, other than `file:` and `data:`; all were refused.
        troubles: what it wrote to the console as a warning or an error, and exceptions in its scripts.
    """

    page: Any
    requests: list[str] = attrs.field(factory=list)
    troubles: list[str] = attrs.field(factory=list)

    def route(self, route: Any) -> None:
        """Let the file itself through, note and refuse the rest."""
        url = route.request.url
        if url.startswith(("file:", "data:")):
            route.continue_()
        else:
            self.requests.append(url)
            route.abort()

    def heard(self, message: Any) -> None:
        """Note what the console says."""
        if message.type in ("warning", "error"):
            self.troubles.append(message.text)


@contextmanager
def chromium() -> Iterator[Any]:
    """Start the browser; a test is skipped where it or Playwright is not installed."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra test)")
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium on this machine; on Debian: apt install chromium")
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"] if root else [])
        try:
            yield browser
        finally:
            browser.close()


def watched(browser: Any, **settings: Any) -> Watched:
    """Return a new page that is watched; nothing but files can be opened in it."""
    context = browser.new_context(offline=True, **settings)
    page = context.new_page()
    page.set_default_timeout(20_000)
    watch = Watched(page)
    page.route("**/*", lambda route: watch.route(route))
    page.on("console", lambda message: watch.heard(message))
    page.on("pageerror", lambda error: watch.troubles.append(str(error)))
    return watch


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_photos(tmp_path_factory.mktemp("report"))


@pytest.fixture
def opened(browser: Any, report: Path) -> Iterator[Watched]:
    watch = watched(browser, viewport={"width": 1100, "height": 900})
    watch.page.goto(report.as_uri())
    settled(watch, 1, "0/left/50")
    yield watch
    assert watch.requests == []
    assert watch.troubles == []
    watch.page.context.close()


def settled(watch: Watched, number: int, shown: str) -> None:
    """Wait until a photo shows view/method/blend."""
    watch.page.wait_for_selector(f'#photo-{number}[data-shown="{shown}"]')


def colour(watch: Watched, number: int, x: float, y: float) -> list[int]:
    """Return the RGBA of a photo's map at a place, in shares."""
    found: list[int] = watch.page.evaluate(
        """([number, x, y]) => {
            const canvas = document.querySelector(`#photo-${number} .over`);
            const pen = canvas.getContext("2d");
            return Array.from(pen.getImageData(x * canvas.width, y * canvas.height, 1, 1).data);
        }""",
        [number, x, y],
    )
    return found


def test_the_slider_blends_from_the_photo_to_the_map(opened: Watched) -> None:
    slider = opened.page.locator("#photo-1 .blend input")
    assert colour(opened, 1, 0.25, 0.5)[3] > 180
    assert colour(opened, 1, 0.95, 0.05)[3] < 10, "low evidence tints the photo"
    slider.focus()
    opened.page.keyboard.press("Home")
    settled(opened, 1, "0/left/0")
    assert colour(opened, 1, 0.25, 0.5)[3] == 0
    opened.page.keyboard.press("End")
    settled(opened, 1, "0/left/100")
    strongest = colour(opened, 1, 0.25, 0.5)
    assert strongest[3] == colour(opened, 1, 0.95, 0.05)[3] == 255
    assert strongest[0] > 230, "the strongest evidence is inferno's last colour"
    assert sum(colour(opened, 1, 0.95, 0.05)[:3]) < 60
    assert slider.get_attribute("aria-valuetext") == "photo with 100 % map"
    assert opened.page.locator("#photo-2").get_attribute("data-shown") == "0/left/50"


def test_the_scale_has_the_colours_of_the_map(opened: Watched) -> None:
    row = """Array.from(document.getElementById("scale").getContext("2d").getImageData(0, 4, 256, 1).data)"""
    found = np.reshape(opened.page.evaluate(row), (256, 4))
    assert np.array_equal(found[:, :3], colour_table("inferno"))
    assert (found[:, 3] == 255).all()


def test_methods_and_classes_are_switched_by_keyboard(opened: Watched) -> None:
    opened.page.locator('#photo-1 input[name="method-1"]').first.focus()
    opened.page.keyboard.press("ArrowRight")
    settled(opened, 1, "0/right/50")
    assert colour(opened, 1, 0.75, 0.5)[3] > 180
    assert colour(opened, 1, 0.25, 0.5)[3] < 40
    opened.page.locator('#photo-1 input[name="view-1"]').first.focus()
    opened.page.keyboard.press("ArrowDown")
    settled(opened, 1, "1/right/50")
    assert colour(opened, 1, 0.75, 0.2)[3] > 180
    assert opened.page.locator("#photo-1 .told").inner_text() == "Right: second"
    assert opened.page.locator("#photo-1 .facts:visible").count() == 1
    assert (
        opened.page.locator("#photo-1 .over").get_attribute("aria-label")
        == "Right: second, map over the photo"
    )


def test_one_switch_serves_all_photos(opened: Watched) -> None:
    opened.page.select_option("#all-methods", "right")
    for number in (1, 2):
        settled(opened, number, "0/right/50")
    opened.page.locator("#all-blend").fill("100")
    for number in (1, 2):
        settled(opened, number, "0/right/100")
        assert colour(opened, number, 0.75, 0.5)[3] == 255


def test_boxes_are_drawn_on_request(opened: Watched) -> None:
    before = opened.page.locator("#photo-1 .over").screenshot()
    opened.page.check("#all-boxes")
    opened.page.wait_for_function("document.querySelector('#all-boxes').checked")
    opened.page.wait_for_timeout(100)
    assert opened.page.locator("#photo-1 .over").screenshot() != before


def test_tables_are_sorted_by_number_and_say_so(opened: Watched) -> None:
    table = opened.page.locator("table.sortable").first
    head = table.locator("th", has_text="Score")
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    first = table.locator("tbody tr").first
    assert "black.png" in first.inner_text()
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert "white.png" in first.inner_text(), "10 comes after 1 as a number, before 2 as text"


def test_themes_follow_the_system_and_the_choice(browser: Any, report: Path) -> None:
    watch = watched(browser, color_scheme="dark")
    watch.page.goto(report.as_uri())
    page_colour = "getComputedStyle(document.body).backgroundColor"
    dark = watch.page.evaluate(page_colour)
    watch.page.select_option("#theme", "light")
    light = watch.page.evaluate(page_colour)
    watch.page.emulate_media(media="print", color_scheme="dark")
    printed = watch.page.evaluate(page_colour)
    assert (dark, light, printed) == ("rgb(20, 23, 26)", "rgb(246, 246, 244)", "rgb(255, 255, 255)")
    assert watch.page.locator(".tools").is_hidden()
    assert watch.page.locator("#photo-1 .over").is_visible()
    assert (watch.requests, watch.troubles) == ([], [])
    watch.page.context.close()


def test_every_control_has_a_name(opened: Watched) -> None:
    unnamed = opened.page.evaluate(
        """() => Array.from(document.querySelectorAll("input, select, button"))
            .filter((one) => !one.getAttribute("aria-label") && !one.textContent.trim())
            .filter((one) => !one.labels?.length)
            .map((one) => one.outerHTML)"""
    )
    assert unnamed == []
    assert opened.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_without_scripts_all_numbers_are_there(browser: Any, report: Path) -> None:
    watch = watched(browser, java_script_enabled=False)
    watch.page.goto(report.as_uri())
    assert watch.page.locator(".facts:visible").count() == 8
    assert watch.page.locator("img.shown:visible").count() == 2
    assert watch.requests == []
    watch.page.context.close()


def test_a_strangers_script_would_not_run_and_nothing_is_fetched(
    browser: Any, report: Path, tmp_path: Path
) -> None:
    evil = tmp_path / "evil.html"
    script = "<script>window.evil = 1</script>"
    image = '<img src="https://example.org/x" onerror="window.evil = 2">'
    evil.write_text(report.read_text("utf-8").replace("</main>", f"{script}{image}</main>"))
    watch = watched(browser)
    watch.page.goto(evil.as_uri())
    assert watch.page.evaluate("window.evil") is None
    assert watch.requests == []
    assert watch.troubles, "the policy must have refused something"
    watch.page.context.close()


def test_an_evaluation_opens_with_verdict_and_table_and_scrolls_to_no_side(
    browser: Any, tmp_path: Path
) -> None:
    metrics = ("deletion", "insertion", "averagedrop", "averagegain", "adcc", "sparseness", "randomisation",
               "pointinggame", "energypointinggame")  # fmt: skip
    found = evaluation(np.random.default_rng(0), 12, NOISE, metrics)
    path = tmp_path / "evaluation.html"
    path.write_text(page([], sections=sections(found)).html(), "utf-8")
    watch = watched(browser, viewport={"width": 1200, "height": 900}, color_scheme="dark")
    watch.page.goto(path.as_uri())
    heads = watch.page.locator("main h2").all_inner_texts()
    assert heads[0].startswith("Use none of the maps")
    assert heads[1] == "Which map can be trusted"
    wide = """document.querySelectorAll("details").forEach((one) => { one.open = true; });
        [document.documentElement, ...document.querySelectorAll(".scroll")].filter(
            (one) => one.scrollWidth > one.clientWidth).length"""
    assert watch.page.evaluate(wide) == 0
    ink = watch.page.evaluate('getComputedStyle(document.querySelector(".ranking text")).fill')
    assert ink == "rgb(165, 173, 181)"  # on a dark card
    assert watch.page.locator("tbody td[title]").first.get_attribute("title").count(" [") == 1
    assert watch.troubles == []
    watch.page.context.close()
