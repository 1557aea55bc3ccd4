"""Pure mathematics, no I/O. numpy and scipy are imported inside the functions that need them."""

from assay_server.stats.attribution import TERMS, Cell, Term, attribute, rounded
from assay_server.stats.estimate import Estimate, t_quantile
from assay_server.stats.forecast import SMALLEST_HISTORY, Forecast, Point, forecast
from assay_server.stats.means import Range, clopper_pearson, mean, p_below, unanimous, wilson
from assay_server.stats.paired import Paired, mcnemar, paired_difference, sign_flip
from assay_server.stats.planning import holm, items_needed, minimum_detectable
from assay_server.stats.ppi import CorrectedRate, Verdict, corrected_rate
from assay_server.stats.ranks import spearman
from assay_server.stats.sequential import (
    SMALLEST_ARM,
    Difference,
    Events,
    Sample,
    Stratum,
    bounds,
    difference,
    e_value,
    rare_event_e_value,
    sample,
)
from assay_server.stats.srm import THRESHOLD as SRM_THRESHOLD
from assay_server.stats.srm import Split, chi_square_p, sequential_p
from assay_server.stats.sums import Sums, distinct_of_minima, mean_of_sums

__all__ = [
    "SMALLEST_ARM",
    "SMALLEST_HISTORY",
    "SRM_THRESHOLD",
    "TERMS",
    "Cell",
    "CorrectedRate",
    "Difference",
    "Estimate",
    "Events",
    "Forecast",
    "Paired",
    "Point",
    "Range",
    "Sample",
    "Split",
    "Stratum",
    "Sums",
    "Term",
    "Verdict",
    "attribute",
    "bounds",
    "chi_square_p",
    "clopper_pearson",
    "corrected_rate",
    "difference",
    "distinct_of_minima",
    "e_value",
    "forecast",
    "holm",
    "items_needed",
    "mcnemar",
    "mean",
    "mean_of_sums",
    "minimum_detectable",
    "p_below",
    "paired_difference",
    "rare_event_e_value",
    "rounded",
    "sample",
    "sequential_p",
    "sign_flip",
    "spearman",
    "t_quantile",
    "unanimous",
    "wilson",
]
