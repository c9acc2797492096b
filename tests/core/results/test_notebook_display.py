"""What results show of themselves in a notebook: a picture and words, whatever things are called."""

from __future__ import annotations

import attrs
import numpy as np
import pytest
from helpers.report import HOSTILE, Seen
from helpers.viz import comparison, explanation, gaussian, layer

from visioncam_core.engine.layer_table import LayerTable
from visioncam_core.layers.listing import LayerListing
from visioncam_core.results.comparison import Comparisons
from visioncam_core.results.data import Prediction, TargetInfo
from visioncam_core.results.diagnostics import Diagnostic
from visioncam_core.results.explanation import Explanation


def shown(word: str = "tiger cat", size: tuple[int, int] = (60, 90)) -> Explanation:
    base = explanation(np.zeros((*size, 3), np.uint8), gaussian(size, (20, 30), 10))
    return attrs.evolve(
        base,
        target=TargetInfo(1, word, 0.385, word),
        predictions=(Prediction(1, word, 0.385),),
        layer=layer(word),
        method=word,
        method_title=word,
        options={word: word},
        diagnostics=(Diagnostic(word, word, word),),
    )


def harmless(html: str) -> Seen:
    seen = Seen(html)
    allowed = {"div", "img", "table", "thead", "tbody", "tr", "th", "td", "ul", "li", "strong"}
    assert {tag for tag, _ in seen.elements} <= allowed
    for _, attributes in seen.elements:
        assert set(attributes) <= {"style", "alt", "src"}
        assert (attributes.get("src") or "data:image/webp;base64,").startswith("data:image/webp;base64,")
    return seen


@pytest.mark.parametrize("word", HOSTILE)
def test_names_are_only_text(word: str) -> None:
    e = shown(word)
    seen = harmless(e._repr_html_())
    assert seen.text.count(word) >= 6
    assert seen.named("img")[0]["alt"] == f"{word}: {word}"
    c = comparison(e, seconds={word: 0.1, "x": 0.2}, passes={word: 1}, failures={"x": word})
    assert harmless(c._repr_html_()).text.count(word) >= 2
    row = attrs.evolve(e.layer.row, index=0, path=word, kind=word)
    assert harmless(LayerListing(LayerTable((row,), (8, 8)), e.layer)._repr_html_()).text.count(word) >= 2


def test_it_says_what_matters_and_is_no_larger_than_a_screen() -> None:
    html = shown(size=(3000, 2000))._repr_html_()
    seen = harmless(html)
    for words in ("tiger cat, 38.5%", "logit 8.25", "the last layer with positions", "tiger cat 38.5%"):
        assert words in seen.text
    assert len(html) < 60_000


def test_it_prints_as_a_line_and_its_diagnostics() -> None:
    e = shown()
    first, *below = str(e).splitlines()
    for words in (
        "tiger cat",
        "38.5%",
        "logit 8.25",
        f"layer {e.layer.path}",
        "×".join(map(str, e.raw.shape)),
    ):
        assert words in first
    assert below == [f"  {one}" for one in e.diagnostics]
    failed = comparison(e, seconds={}, failures={"scorecam": "out of memory"})
    assert str(failed).splitlines() == [*str(e).splitlines(), "no scorecam: out of memory"]
    assert str(shown("a\x1b[31m\nb")).startswith("a?[31m?b of a?[31m?b: ")


def test_the_layer_that_is_taken_is_marked() -> None:
    rows = tuple(attrs.evolve(layer(name).row, index=i) for i, name in enumerate(("one", "two")))
    choice = attrs.evolve(layer("two"), row=rows[1])
    html = LayerListing(LayerTable(rows, (8, 8)), choice)._repr_html_()
    assert "<strong>two</strong>" in html
    assert "<strong>one</strong>" not in html


def test_what_has_no_map_is_shown_as_well() -> None:
    failed = comparison(seconds={"scorecam": 1.0}, failures={"scorecam": "out of memory"})
    seen = harmless(failed._repr_html_())
    assert "out of memory" in seen.text
    assert not seen.named("img")
    assert Comparisons([])._repr_html_() == "[]"
    e = shown()
    both = Comparisons([comparison(e), comparison(e)], 1)
    assert len(harmless(both._repr_html_()).named("img")) == 1
