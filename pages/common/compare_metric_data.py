"""The tables behind Compare's metrics: differences by three methods, each on the same rows."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analytics.bootstrap import compute_bootstrap, compute_bootstrap_differences
from analytics.delong import compute_delong, compute_delong_tests
from analytics.performance import compute_paired_differences
from pages.common import model_data
from pages.common.cached import remember
from portfolio.selection import Selection

PLAIN, CLUSTERED, DRAWN = "Rows independent", "Clustered by loan", "Bootstrap of loans"
METRICS = ("auc", "ks", "brier", "log_loss")
COLUMNS = ["challenger", "metric", "difference", "standard_error", "low", "high", "p_value", "reason"]


@dataclass(frozen=True)
class Drawn:
    """Differences over the resamples with their percentile intervals, and how many loans were drawn each time."""

    differences: pd.DataFrame
    loans: int


@remember
def by_formula(selection: Selection, sample: str, clustered: bool) -> pd.DataFrame:
    """Return each challenger's differences with the rows independent or clustered by loan; AUC by DeLong's test."""
    data, level = model_data.judged(selection, sample), model_data.level(selection)
    champion = _champion(selection)
    cluster = data.loan if clustered else None
    scores = {champion: data.scores[champion], **data.scores}  # DeLong takes the second less the first
    others = [name for name in METRICS if name != "auc"]
    found = compute_paired_differences(data.y, scores, champion, cluster=cluster, level=level, metrics=others)
    tests = compute_delong_tests(compute_delong(data.y, scores, cluster=cluster, level=level), level=level)
    tests = tests[tests["first"] == champion].rename(columns={"second": "challenger"})
    known = np.isfinite(found["standard_error"])
    found = found.assign(reason=np.where(known, "", "a variance needs two loans with the event and two without"))
    return pd.concat([tests.assign(metric="auc")[COLUMNS], found[COLUMNS]], ignore_index=True)


@remember
def by_drawing(
    selection: Selection, sample: str, resamples: int, *, _progress: Callable[[float, str], None] | None = None
) -> Drawn:
    """Return each challenger's differences over resamples of whole loans."""
    data = model_data.judged(selection, sample)
    found = compute_bootstrap(
        data.y, data.scores, cluster=data.loan, metrics=METRICS, resamples=resamples, progress=_progress
    )
    table = compute_bootstrap_differences(found, _champion(selection), level=model_data.level(selection))
    return Drawn(table.assign(reason="")[COLUMNS], found.loans)


def methods(selection: Selection, sample: str, drawn: Drawn | None) -> pd.DataFrame:
    """Return the differences by every method there is, one under the other, with the column `method`."""
    tables = {PLAIN: by_formula(selection, sample, False), CLUSTERED: by_formula(selection, sample, True)}
    if drawn is not None:
        tables[DRAWN] = drawn.differences
    return pd.concat([table.assign(method=name) for name, table in tables.items()], ignore_index=True)


def _champion(selection: Selection) -> str:
    return next(view.ref for view in model_data.models(selection) if view.is_champion)
