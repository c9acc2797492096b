"""Table of contents: the measures VisionCam ships."""

from __future__ import annotations

from visioncam_core.hookspecs import hookimpl
from visioncam_core.specs import MetricSpec


@hookimpl
def visioncam_register_metrics() -> list[MetricSpec]:
    """Return one row for each built-in metric."""
    from visioncam_metrics.axioms.coherency import Coherency
    from visioncam_metrics.axioms.sumresidual import SumResidual
    from visioncam_metrics.complexity.complexity import Complexity, Entropy, Sparseness
    from visioncam_metrics.faithfulness.adcc import ADCC
    from visioncam_metrics.faithfulness.averagedrop import AverageDrop, AverageGain, Increase
    from visioncam_metrics.faithfulness.correlation import FaithfulnessCorrelation, Infidelity
    from visioncam_metrics.faithfulness.deletion import Deletion, Insertion
    from visioncam_metrics.faithfulness.road import ROAD, ROADLeast, ROADMost
    from visioncam_metrics.localisation.iou import IoU
    from visioncam_metrics.localisation.maxboxacc import MaxBoxAcc
    from visioncam_metrics.localisation.pointing import EnergyPointingGame, PointingGame
    from visioncam_metrics.randomisation.randomisation import ClassSensitivity, Randomisation
    from visioncam_metrics.robustness.sensitivity import MaxSensitivity, NoiseStability, ShiftStability

    rise, gcpp = "Petsiuk et al. 2018, arXiv:1806.07421", "Chattopadhay et al. 2018, arXiv:1710.11063"
    poppi, road = "Poppi et al. 2021, arXiv:2104.10252", "Rong, Leemann et al. 2022, arXiv:2202.00449"
    yeh, bhatt = "Yeh et al. 2019, arXiv:1901.09392", "Bhatt et al. 2020, arXiv:2005.00631"
    rows = [
        ("deletion", Deletion, "Deletion", "lower", rise, "probability while the strongest pixels go"),
        ("insertion", Insertion, "Insertion", "higher", rise, "probability while the strongest pixels come"),
        ("averagedrop", AverageDrop, "Average drop", "lower", gcpp, "probability lost outside the map"),
        ("increase", Increase, "Increase in confidence", "higher", gcpp, "pictures whose confidence the map "
                                                                         "increases"),
        ("averagegain", AverageGain, "Average gain", "higher", "Zhang et al. 2024, arXiv:2301.07002",
         "confidence gained inside the map"),
        ("coherency", Coherency, "Coherency", "higher", poppi, "whether the masked picture has the same map"),
        ("complexity", Complexity, "Complexity", "lower", poppi, "how much of the picture the map covers"),
        ("adcc", ADCC, "ADCC", "higher", poppi, "drop, coherency and complexity in one number"),
        ("road", ROAD, "ROAD", "higher", road, "weakest against strongest pixels, plausibly filled in"),
        ("roadmost", ROADMost, "ROAD, most relevant first", "lower", road, "without the strongest pixels"),
        ("roadleast", ROADLeast, "ROAD, least relevant first", "higher", road, "without the weakest pixels"),
        ("pointinggame", PointingGame, "Pointing game", "higher", "Zhang et al. 2018, arXiv:1608.00507",
         "whether the strongest pixel is on the object"),
        ("energypointinggame", EnergyPointingGame, "Energy pointing game", "higher",
         "Wang et al. 2020, arXiv:1910.01279", "share of the map on the object"),
        ("iou", IoU, "IoU", "higher", "Zhou et al. 2016, arXiv:1512.04150", "overlap of area and object"),
        ("maxboxacc", MaxBoxAcc, "MaxBoxAcc", "higher", "Choe et al. 2020, arXiv:2001.07437",
         "boxes found at the best threshold"),
        ("maxsensitivity", MaxSensitivity, "Max-sensitivity", "lower", yeh,
         "largest change of the map under a small change"),
        ("noisestability", NoiseStability, "Stability under noise", "higher", "VisionCam's own",
         "similarity of the maps of noisy copies"),
        ("shiftstability", ShiftStability, "Stability under shifts", "higher", "VisionCam's own",
         "similarity of the map of a shifted picture"),
        ("sparseness", Sparseness, "Sparseness", "neither", "Chalasani et al. 2020, ICML",
         "Gini index of the map"),
        ("entropy", Entropy, "Entropy", "neither", bhatt, "entropy of the map"),
        ("faithfulnesscorrelation", FaithfulnessCorrelation, "Faithfulness correlation", "higher", bhatt,
         "whether the score falls as the map says"),
        ("infidelity", Infidelity, "Infidelity", "lower", yeh, "squared error of the map's prediction"),
        ("randomisation", Randomisation, "Cascading randomisation", "lower",
         "Adebayo et al. 2018, arXiv:1810.03292", "similarity to the map of a random model"),
        ("classsensitivity", ClassSensitivity, "Class sensitivity", "lower",
         "Sixt et al. 2020, arXiv:1912.09818", "similarity to the map of another class"),
        ("sumresidual", SumResidual, "Sum to score", "lower", "Zhao et al. 2018, arXiv:1806.00102",
         "how far the map's sum is from the score"),
    ]  # fmt: skip
    aliases = {
        "averagedrop": ("ad",), "increase": ("ic", "averageincrease"), "averagegain": ("ag",),
        "sparseness": ("gini",), "roadmost": ("morf",), "roadleast": ("lerf",),
        "pointinggame": ("pointing",), "energypointinggame": ("energy",), "randomisation": ("cascade",),
    }  # fmt: skip
    return [
        MetricSpec(name, cls, title, better, reference, summary, aliases.get(name, ()))
        for name, cls, title, better, reference, summary in rows
    ]
