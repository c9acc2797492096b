"""What a method is given (public name of `pipeline.evidence`)."""

from visioncam_core.engine.records import Change, Make, Reading
from visioncam_core.images.regions import Regions, region_spec
from visioncam_core.pipeline.attention import Attention
from visioncam_core.pipeline.evidence import Evidence
from visioncam_core.pipeline.hidden import hidden_kind, name_of
from visioncam_core.pipeline.sources import ArraySource, Source, Tell, Which
from visioncam_core.progress import Progress
from visioncam_core.results.accounts import Account, Attribution, Estimate, RegionTable

__all__ = [
    "Account",
    "ArraySource",
    "Attention",
    "Attribution",
    "Change",
    "Estimate",
    "Evidence",
    "Make",
    "Progress",
    "Reading",
    "RegionTable",
    "Regions",
    "Source",
    "Tell",
    "Which",
    "hidden_kind",
    "name_of",
    "region_spec",
]
