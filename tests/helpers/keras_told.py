"""What an engine says of the models in `keras_zoo.py`, and the maps it makes of them.

`KERAS_BACKEND=tensorflow python tests/helpers/keras_told.py` writes what the engine for TensorFlow says to
`tests/frameworks/data/`; the engines for the other backends must say the same.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

import visioncam
from helpers import keras_zoo as zoo
from visioncam_core.engine.cache import open_trace
from visioncam_core.layers.choose import select_layer
from visioncam_core.plugins.default import registry

DATA = Path(__file__).parents[1] / "frameworks" / "data"
METHODS = (
    *("gradcam", "gradcamplusplus", "hirescam", "gradcamelementwise", "xgradcam", "respondcam"),
    *("smoothgradcamplusplus", "ablationcam", "scorecam"),
)


def rows_of(model: Any) -> tuple[list[dict[str, Any]], str, dict[str, Any]]:
    """Return what an engine says: the rows of the table, the layer that `auto` takes, and the score."""
    engine = registry().engine_of(model)
    inputs = engine.inputs(model)
    flat = engine.tensors(zoo.inputs_of(model))
    view = open_trace(engine, model, inputs, flat).view(inputs, flat, None, "logit")
    rows = []
    for row in view.table.rows:
        where = view.table.placement(row, "effective") if row.layout and not row.refused else None
        layout = row.layout
        rows.append(
            {
                "path": row.path,
                "kind": row.kind,
                "shape": list(row.shape),
                "layout": [layout.kind, list(layout.grid), layout.channels, layout.prefix]
                if layout
                else None,
                "stride": [round(one, 2) for one in row.stride],
                "inputs": list(row.inputs),
                "refused": row.refused,
                "copy_of": row.copy_of,
                "flags": [row.reaches_score, row.is_score, row.projects, row.guessed, row.raw, row.ends],
                "start": [round(one, 2) for one in where.start] if where else None,
                "name": where.name if where else None,
            }
        )
    score = view.score
    told = {
        "kind": score.kind,
        "shape": list(score.shape),
        "activation": score.activation,
        "own": bool(score.own),
        "groups": list(score.groups),
        "complete": score.complete,
        "by_answer": score.by_answer,
        "composed": score.composed,
    }
    return rows, chosen(view), told


def chosen(view: Any) -> str:
    return str(select_layer(view.table, "auto").row.path)


def maps_of(model: Any, layer: str) -> dict[str, np.ndarray]:
    """Return the raw map of each method."""
    found = {}
    given = zoo.inputs_of(model)
    picture = given[0][0] if len(given) == 1 else [one[0] for one in given]
    for method in METHODS:
        found[method] = np.asarray(
            visioncam.explain(model, picture, method, target=1, layer=layer, preprocess="none").raw,
            np.float32,
        )
    return found


def main() -> None:
    told: dict[str, Any] = {}
    maps: dict[str, np.ndarray] = {}
    for name in zoo.ZOO:
        model = zoo.model_of(name)
        rows, layer, score = rows_of(model)
        answer = model(
            zoo.inputs_of(model) if len(zoo.inputs_of(model)) > 1 else zoo.inputs_of(model)[0], training=False
        )
        first = answer[0] if isinstance(answer, list) else answer
        told[name] = {"auto": layer, "score": score, "rows": rows}
        maps[f"{name}/answer"] = keras.ops.convert_to_numpy(first)
        if name in zoo.MAPPED:
            maps |= {f"{name}/{method}": found for method, found in maps_of(model, layer).items()}
        print(name, layer, len(rows), "rows")
    DATA.mkdir(exist_ok=True)
    lines = [f"{json.dumps(name)}: {json.dumps(one)}" for name, one in told.items()]
    (DATA / "keras_models.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
    np.savez_compressed(DATA / "keras_models.npz", **maps)


if __name__ == "__main__":
    main()
