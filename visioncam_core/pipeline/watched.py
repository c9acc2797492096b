"""What the doctor looks at: the gradients that a method gets, and what other preprocessings would give."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.engine.interface import View
from visioncam_core.engine.output import Head, head_of
from visioncam_core.errors import VisionCamError
from visioncam_core.images.preprocessing import preprocessing_for
from visioncam_core.images.sample import Sample
from visioncam_core.pipeline.apply import Method
from visioncam_core.pipeline.batch import joined_inputs
from visioncam_core.pipeline.evidence import Evidence
from visioncam_core.pipeline.explainer import Explainer
from visioncam_core.results.agreement import alike

USUAL = {
    "none": "0 to 255", "unit": "0 to 1", "tf": "-1 to 1", "torch": "ImageNet's mean and deviation",
    "caffe": "BGR less ImageNet's mean",
}  # fmt: skip
"""Name -> what the values are."""
CONFIDENT, AHEAD = 0.8, 0.1
"""The probability that tells, and how far the next one must stay behind.  Below, the wrong ones may win."""
LIKELY, UNLIKELY = 0.3, 0.1
"""Where the best one has the first, it is none of those below the second."""


class Watched:
    """A method that notes what gradients it is given; in all else the method itself.

    Attributes:
        flow: what was seen last, in one line.
        deaf: see `is_deaf`.
    """

    def __init__(self, named: Method) -> None:
        where = "those of other pictures" if "gradients-elsewhere" in named.needs else "none"
        self._named, self.flow = named, f"{named.name} needs {where}"
        self.deaf = False

    def __call__(self, evidence: Evidence) -> Any:
        self.deaf = is_deaf(evidence)
        if "gradients" in self._named.needs and evidence.has_gradients:
            sizes = np.abs(ops.to_numpy(evidence.gradients)[0])
            flat = sizes.reshape(-1, sizes.shape[-1]) > 0
            positions, channels = flat.any(axis=1), flat.any(axis=0)
            self.flow = (
                f"reaches {positions.mean():.0%} of {positions.size} positions and {channels.mean():.0%} of "
                f"{channels.size} channels, up to {np.nan_to_num(sizes).max(initial=0.0):.3g}"
            )
        return self._named.method(evidence)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._named.method, name)


def is_deaf(evidence: Evidence) -> bool:
    """Return whether the first picture has the score of its negative and of noise, up to rounding."""
    x = ops.to_numpy(evidence.inputs)[:1]
    low, high = float(x.min()), float(x.max())
    if not np.isfinite([low, high]).all():
        return False
    high += low == high
    noise = np.random.default_rng(evidence.seed).uniform(low, high, x.shape)
    others = np.concatenate([low + high - x, noise]).astype(x.dtype)
    try:
        scores = evidence.score_inputs(lambda indices: others[indices], len(others))
    except VisionCamError:  # of a target without one score, or a picture in windows
        return False
    return alike([np.asarray(evidence.score, np.float64)[:1], *np.asarray(scores, np.float64)[:, None]])


def try_preprocessings(explainer: Explainer, view: View, item: Sample) -> tuple[str, str]:
    """Return the name of the preprocessing that gives the confident answer, and what was found, in words.

    What gives nonsense may be sure of itself, too, of the same class whatever it is shown. So what counts is
    the probability of the best class on the photo and its mirror image, less that which the same class has on
    the photo's pixels in random order and on its mean colour.

    Returns:
        Name and words; the name is "" where the difference is not clear, both are "" where nothing could be
        tried: for model input, other than three channels, or an output without classes.
    """
    head = head_of(view.score, explainer.names, False, view.table.image_shape)
    picture, geometry = item.display, item.geometry
    countable = len(explainer.inputs.inputs) == 1 and not head.dense and head.classes > 1 and not head.varies
    colour = picture.dtype == np.uint8 and picture.ndim in (2, 3) and picture.shape[2:] in ((), (3,))
    if geometry is None or not countable or not colour or not item.whole or explainer.hints.features:
        return "", ""
    fitted = geometry.apply(picture)
    pixels = np.broadcast_to(fitted, (*fitted.shape[:2], 3))
    draw = np.random.default_rng(0).permutation(pixels.reshape(-1, 3)).reshape(pixels.shape)
    mean = np.full(pixels.shape, pixels.mean((0, 1)), np.uint8)
    shown = [np.ascontiguousarray(one) for one in (pixels, pixels[:, ::-1], draw, mean)]
    found: list[tuple[float, str, int, float]] = []
    for name in USUAL:
        how = preprocessing_for(None, name).function
        reader = attrs.evolve(
            explainer.reader, preprocess=how, geometry="resize", whole=None, frame=0, window=None
        )
        try:
            rows = np.concatenate([_answer(explainer, view, head, one) for one in reader.read(shown)[0]])
        except explainer.engine.errors:
            return "", ""
        except VisionCamError:  # of three channels, which the model does not take
            continue
        best = int(rows[0].argmax())
        if np.isfinite(rows).all():
            sure = float(rows[:2, best].min())
            found.append((sure - float(rows[2:, best].max()), name, best, sure))
    found.sort(reverse=True)
    if len(found) < 2 or found[0][0] < CONFIDENT or found[0][0] - found[1][0] < AHEAD:
        out = [repr(name) for score, name, *_ in found if score < UNLIKELY and found[0][0] >= LIKELY]
        unlikely = f"unlikely on this photo: {', '.join(out)}; " if out else ""
        return "", (
            f"of {', '.join(USUAL)} none is clearly the one that the model was trained with; {unlikely}try a "
            "photo that it knows well"
        )
    (_, name, best, sure), (_, second, _, less) = found[:2]
    label = head.name(best) or f"class {best}"
    return name, (
        f"{name!r} ({USUAL[name]}) gives the confident answer, {label} at {sure:.0%}; the next, {second!r}, "
        f"has {less:.0%}"
    )


def _answer(explainer: Explainer, view: View, head: Head, sample: Sample) -> np.ndarray:
    """Return the (1, classes) probabilities of one sample."""
    engine, model = explainer.engine, explainer.model
    with engine.running(model):
        answers = engine.call(model, explainer.inputs, engine.tensors(joined_inputs([sample])))
    answer = ops.to_numpy(answers[list(view.outputs).index(view.score.output)]).astype(np.float64)
    answer = answer.reshape(1, -1)
    if head.binary:
        one = answer if head.probable else ops.sigmoid(answer)
        return np.concatenate([1 - one, one], 1)
    if not head.probable:
        return np.asarray(ops.softmax(answer))
    return np.exp(answer) if head.log else answer
