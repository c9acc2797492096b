"""How results show themselves in a notebook: a picture, and next to it what it says, as HTML.

Whatever things are called is escaped.  Colours are the notebook's own, so that light and dark serve.
"""

from __future__ import annotations

import base64
import io
import sys
from collections.abc import Iterable, Mapping, Sequence
from html import escape

import numpy as np

from visioncam_core.results.data import ExplanationData
from visioncam_core.results.describe import facts
from visioncam_core.results.diagnostics import Diagnostic

SIDE, WIDE = 640, 1400  # pixels of the longer side: of one map, of a sheet
QUALITY = 85
_LEFT = ' style="text-align: left; vertical-align: top"'


def explanation_html(e: ExplanationData, pixels: np.ndarray) -> str:
    """Return a drawn map, and next to it class, score, layer, method and warnings."""
    rows = "".join(
        f"<tr><th{_LEFT}>{escape(name)}</th><td{_LEFT}>{escape(value)}</td></tr>"
        for name, value in facts(e).items()
        if value
    )
    words = f"<table><tbody>{rows}</tbody></table>{_notes(e.diagnostics)}"
    return (
        '<div style="display: flex; flex-wrap: wrap; gap: 16px; align-items: flex-start">'
        f"{picture(pixels, SIDE, f'{e.method_title}: {e.target.label}')}<div>{words}</div></div>"
    )


def comparison_html(
    maps: Sequence[ExplanationData],
    seconds: Mapping[str, float],
    passes: Mapping[str, int],
    failures: Mapping[str, str],
    sheet: np.ndarray | None,
) -> str:
    """Return the sheet, and below it what each method cost, and what failed."""
    header = ("Method", "Seconds", "More passes", "Account", "Notes")
    notes = {e.method: ", ".join(dict.fromkeys(note.code for note in e.diagnostics)) for e in maps}
    titles = {e.method: e.method_title for e in maps}
    accounts = {e.method: str(e.account or "") for e in maps}
    rows = []
    for name, spent in seconds.items():
        remark = failures.get(name) or notes.get(name, "")
        cost = (f"{spent:.3f}", f"{passes.get(name, 0):,}")
        rows.append((titles.get(name, name), *cost, accounts.get(name, ""), remark))
    return ("" if sheet is None else picture(sheet, WIDE, "Contact sheet")) + table(header, rows)


def show(pixels: np.ndarray) -> None:
    """Show an RGB picture: in a notebook in place, elsewhere in the system's viewer."""
    from PIL import Image

    image = Image.fromarray(pixels)
    if in_notebook():
        from IPython.display import display  # type: ignore[import-not-found,unused-ignore]

        display(image)
    else:
        image.show()


def in_notebook() -> bool:
    """Return whether this runs in a notebook: an IPython with a kernel; a terminal's shows no pictures."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def picture(pixels: np.ndarray, side: int, alt: str) -> str:
    """Return an (H, W, 3) uint8 picture as an `img` element, its longer side no longer than `side` pixels."""
    from PIL import Image

    image = Image.fromarray(pixels)
    image.thumbnail((side, side))
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=QUALITY, method=4)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f'<img alt="{escape(alt)}" src="data:image/webp;base64,{data}">'


def table(header: Sequence[str], rows: Iterable[Sequence[str]], marked: int = -1) -> str:
    """Return a table, all cells escaped, the row of index `marked` in bold."""
    head = "".join(f"<th{_LEFT}>{escape(cell)}</th>" for cell in header)
    lines = []
    for place, row in enumerate(rows):
        open_, close = ("<strong>", "</strong>") if place == marked else ("", "")
        cells = "".join(f"<td{_LEFT}>{open_}{escape(cell)}{close}</td>" for cell in row)
        lines.append(f"<tr>{cells}</tr>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _notes(notes: Sequence[Diagnostic]) -> str:
    items = "".join(
        f"<li><strong>{escape(note.code)}</strong>: {escape(note.message)}</li>" for note in notes
    )
    return f"<ul>{items}</ul>" if items else ""
