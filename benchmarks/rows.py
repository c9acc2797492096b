"""What is measured: each function returns rows of (work, measured ratio, limit)."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import numpy as np

from benchmarks.models import Subject
from benchmarks.timing import interleaved

SIX = ("gradcam", "hirescam", "gradcamelementwise", "xgradcam", "respondcam", "gradcamplusplus")


@attrs.frozen
class Row:
    """One measurement.

    Attributes:
        work: what was done.
        model: on which network.
        measured: the ratio, or the number in its unit.
        limit: at most (or, with `least`, at least) this.
        unit: what the number is.
        least: whether the limit is a lower one.
        note: anything the reader should know.
    """

    work: str
    model: str
    measured: float
    limit: float
    unit: str = "F"
    least: bool = False
    note: str = ""

    @property
    def holds(self) -> bool:
        """Whether the limit is kept."""
        return self.measured >= self.limit if self.least else self.measured <= self.limit


def gradcam(s: Subject, rounds: int) -> Iterator[Row]:
    """Measure Grad-CAM as an `Explanation`, one picture and sixteen, `auto` layer, resize included."""
    import tensorflow as tf

    import visioncam

    ask = visioncam.explainer(s.model, "gradcam")
    for count, limit in ((1, 1.15), (16, 1.10)):
        pictures = s.pictures(count)
        x = tf.constant(pictures)
        image = pictures[0] if count == 1 else pictures
        times = interleaved(rounds, F=lambda x=x: s.forward(x), ours=lambda image=image: ask(image))
        yield Row(f"GradCAM, batch {count}", s.name, times.ratio("ours", "F"), limit)


def six(s: Subject, rounds: int) -> Iterator[Row]:
    """Measure the six single-pass gradient methods together."""
    import tensorflow as tf

    import visioncam

    picture = s.pictures(1)
    x = tf.constant(picture)
    times = interleaved(
        rounds, F=lambda: s.forward(x), ours=lambda: visioncam.compare(s.model, picture[0], SIX)
    )
    yield Row("compare, six gradient methods", s.name, times.ratio("ours", "F"), 1.3)


def ablation(s: Subject, rounds: int) -> Iterator[Row]:
    """Measure Ablation-CAM over all channels of the last layer."""
    import tensorflow as tf

    import visioncam

    picture = s.pictures(1)
    x = tf.constant(picture)
    ask = visioncam.explainer(s.model, "ablationcam")
    times = interleaved(rounds, warm=1, F=lambda: s.forward(x), ours=lambda: ask(picture[0]))
    channels = ask(picture[0]).layer.row.layout.channels
    yield Row(f"AblationCAM, {channels} channels", s.name, times.ratio("ours", "F"), 6.0)


def ablation_inside(s: Subject, layer: str, limit: float, rounds: int) -> Iterator[Row]:
    """Measure Ablation-CAM inside a block as a share of K full passes, at the same batch size."""
    import tensorflow as tf

    import visioncam

    picture = s.pictures(1)
    ask = visioncam.explainer(s.model, "ablationcam", layer=layer)
    channels = ask(picture[0]).layer.row.layout.channels
    x = tf.constant(np.repeat(picture, 32, axis=0))
    times = interleaved(rounds, warm=1, F=lambda: s.forward(x), ours=lambda: ask(picture[0]))
    share = times.ratio("ours", "F", channels / 32)
    yield Row(f"AblationCAM at {layer}, K = {channels}", s.name, share, limit, "share of K passes")


def scorecam(s: Subject, layer: str, rounds: int) -> Iterator[Row]:
    """Measure Score-CAM against live channels times F per picture at the best batch size."""
    import tensorflow as tf

    import visioncam
    from visioncam_core.engine.batches import COUNTERS

    picture = s.pictures(1)
    ask = visioncam.explainer(s.model, "scorecam", layer=layer)
    before = COUNTERS.snapshot()["forward"]
    ask(picture[0])
    live = COUNTERS.snapshot()["forward"] - before - 1
    batches = {b: tf.constant(np.repeat(picture, b, axis=0)) for b in (8, 16, 32, 64)}
    sides = {f"F{b}": (lambda x=x: s.forward(x)) for b, x in batches.items()}
    times = interleaved(rounds, warm=1, ours=lambda: ask(picture[0]), **sides)
    best = min(batches, key=lambda b: times.median(f"F{b}") / b)
    ratio = times.ratio("ours", f"F{best}", live / best)
    yield Row(f"ScoreCAM at {layer}, {live} live channels", s.name, ratio, 1.1, f"live · F (batch {best})")


def smooth(s: Subject, rounds: int) -> Iterator[Row]:
    """Measure Smooth Grad-CAM++ against 25 batched forward and tail-backward passes."""
    import visioncam

    picture = s.pictures(1)
    ask = visioncam.explainer(s.model, "smoothgradcamplusplus", n=25)
    base = visioncam.explainer(s.model, "gradcam")
    copies = np.repeat(picture, 25, axis=0)
    times = interleaved(rounds, warm=1, ours=lambda: ask(picture[0]), base=lambda: base(copies))
    yield Row("SmoothGradCAM++, n = 25", s.name, times.ratio("ours", "base"), 1.3, "25 (F + B)")


def dataset(s: Subject, rounds: int) -> Iterator[Row]:
    """Measure Grad-CAM over a `tf.data` set against `model.predict` on the same pipeline."""
    import tensorflow as tf

    import visioncam

    pictures = s.pictures(64)
    data = tf.data.Dataset.from_tensor_slices(pictures).batch(16).prefetch(2)
    ask = visioncam.explainer(s.model, "gradcam", batch_size=16)
    times = interleaved(
        rounds, warm=1, ours=lambda: ask(data), predict=lambda: s.model.predict(data, verbose=0)
    )
    rate = times.ratio("predict", "ours")
    yield Row(
        "GradCAM over tf.data, pictures per second", s.name, rate, 0.85, "of model.predict's", least=True
    )
