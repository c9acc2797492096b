"""Diagnostics: why a map may be blank, coarse or misleading, as data on the result."""

from __future__ import annotations

import attrs

FIXES = {
    "no-positive-evidence": "look at evidence='signed' or 'against', or explain another class",
    "answers-alike": "check the weights, and the range of pixels that the model takes (preprocess=)",
    "zero-gradient": "choose an earlier layer or another target: the score ignores this layer here",
    "faint-gradient": "choose another layer or target: the score hardly depends on this layer",
    "terms-cancel": "choose the output of the normalisation or softmax after this layer, or another method",
    "constant-map": "choose an earlier layer, or another method: this map shows no location",
    "unsteady-map": "choose another layer or method: this map is rounding noise",
    "incomplete": "raise steps= or n=, or choose another baseline",
    "unsteady-sample": "raise n= or max_passes=; until= stops at the standard error that it names",
    "baseline-assumed": "pass the picture itself with preprocess=, or an array as baseline= or hidden=",
    "class-blind": "compare with a class-specific method before drawing conclusions",
    "batch-mixes": "pass batch_size=1, or keep the model's statistics over the batch fixed (training=False)",
    "non-finite": "check the weights and the input range; in half precision explain a float32 copy",
    "saturated-probability": "explain the logit (score='logit', the default)",
    "dead-layer": "choose another layer; this one outputs only zeros for this picture",
    "signed-activations": "choose the layer after the activation function, or read this map with care",
    "trivial-grid": "choose an earlier layer with more than one position",
    "patch-projection": "choose a later layer, or layer='auto': here no patch has information from another",
    "placement-stretched": "treat its positions as approximate, or choose a layer before the branches join",
    "placement-offset": "pass placement='effective', which draws positions where the weights look",
    "score-layer": "choose an earlier layer, or layer='auto': this one is the score itself",
    "pixel-range": "pass the picture itself, or the range the model was trained on (preprocess=)",
    "range-unused": "pass window=(low, high), the values for black and white",
    "class-insensitive": "the map hardly depends on the class here; compare methods or choose a later layer",
    "preprocess-unknown": "pass preprocess= so that the model sees what it was trained on",
    "score-not-logit": "end the model with a softmax or sigmoid, or read the map as explaining the output",
    "probability-assumed": "end the model with the activation it was trained with, or pass score='logit'",
    "output-composed": "nothing to do; score='probability' explains the model's own probability",
    "trace-differs": "do not trust maps of this model; one of its layers behaves differently when it is "
    "traced",
    "stale-trace": "this map is right, but maps made since the change are not; call visioncam.forget(model) "
    "after changing what only a layer's function can see",
    "mostly-unseen": "pass geometry='letterbox' or 'tile', which show the model the whole picture",
    "peak-in-bars": "the model looks at the bars; pass geometry='resize' or 'center_crop', which leave none",
    "picture-note": "nothing to do unless the note surprises you",
    "exact-shape-trace": "nothing to do; the model could not be traced with open axes",
    "autograph-trace": "nothing to do; the branches run in the graph, as tf.function would run them",
    "run-as-it-is": "nothing to do; maps of this model are right, but take longer",
    "answers-vary": "seed the function or turn its noise off: otherwise scores of changed pictures vary by "
    "as much",
    "training-mode": "call model.eval() to explain the model as you use it",
    "gradient-replaced": "use ScoreCAM, which needs no gradient, or load the Keras model with its classes",
    "output-chosen": "pass output= to explain another one",
}
FIRST = ("non-finite", "answers-alike", "no-positive-evidence", "constant-map")
"""What is said before all else: with one of these a map says nothing."""


@attrs.frozen
class Diagnostic:
    """One thing the reader of a map should know.

    Attributes:
        code: a stable short name, one of `FIXES` or a plugin's own.
        message: what was found, with the numbers.
        fix: one line that says what to do.
    """

    code: str
    message: str
    fix: str = attrs.field()

    @fix.default
    def _fix(self) -> str:
        return FIXES.get(self.code, "")

    def __str__(self) -> str:
        """Return one line for a terminal."""
        return f"{self.code}: {self.message}" + (f" (fix: {self.fix})" if self.fix else "")
