"""Rows of text as tables for documents: Markdown, and LaTeX with booktabs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from visioncam_core.text import clean

_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
        **{sign: f"\\{sign}" for sign in "&%$#_{}"},
        "↑": r"$\uparrow$", "↓": r"$\downarrow$", "●": r"$\bullet$", "○": r"$\circ$", "¹": "$^1$",
        "–": "--", "\u2212": "$-$", "×": r"$\times$", "±": r"$\pm$", "…": r"\dots{}",
    }
)  # fmt: skip


def markdown(header: Sequence[Any], rows: Sequence[Sequence[Any]]) -> str:
    """Return a Markdown table."""
    lines = [[clean(cell).replace("|", "\\|") for cell in row] for row in (header, *rows)]
    lines.insert(1, ["---"] * len(header))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def latex(header: Sequence[Any], rows: Sequence[Sequence[Any]]) -> str:
    r"""Return a LaTeX tabular, the first column on the left; it needs `\usepackage{booktabs}`."""
    first, *others = (
        " & ".join(clean(cell).translate(_LATEX) for cell in row) + r" \\" for row in (header, *rows)
    )
    columns = "l" + "r" * (len(header) - 1)
    return "\n".join(
        [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", first, r"\midrule", *others, r"\bottomrule",
         r"\end{tabular}"]
    )  # fmt: skip
