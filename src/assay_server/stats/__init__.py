"""Pure mathematics, no I/O. numpy and scipy are imported inside the functions that need them."""

from assay_server.stats.estimate import Estimate
from assay_server.stats.means import Range, clopper_pearson, mean, p_below, unanimous, wilson
from assay_server.stats.paired import Paired, mcnemar, paired_difference, sign_flip
from assay_server.stats.planning import holm, items_needed, minimum_detectable

__all__ = [
    "Estimate",
    "Paired",
    "Range",
    "clopper_pearson",
    "holm",
    "items_needed",
    "mcnemar",
    "mean",
    "minimum_detectable",
    "p_below",
    "paired_difference",
    "sign_flip",
    "unanimous",
    "wilson",
]
