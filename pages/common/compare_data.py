"""The tables behind Compare's sections: judged rows with what is known of them, ranked and priced."""

import operator
from collections.abc import Callable
from dataclasses import dataclass

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from analytics import concentration, profit, profit_intervals, ranking_curves
from pages.common import cached, model_data, overview_data
from pages.common.cached import hold, remember
from portfolio.policy import load_policy
from portfolio.schema import Field
from portfolio.selection import Selection

ROWS = 200_000  # of a sample whose features are looked at; of more the loans with the smallest hashes
EXPOSURE = "exposure"


@dataclass(frozen=True)
class Price:
    """What a mortgage earns and costs: shares of defaults without and with total loss, return on a good loan."""

    no_loss: float
    total_loss: float
    roi: float

    @property
    def lgd(self) -> float:
        """Mean loss given default: total_loss + (1 − no_loss − total_loss) / 2."""
        return self.total_loss + (1 - self.no_loss - self.total_loss) / 2

    @property
    def cost_ratio(self) -> float:
        """What a default let in costs, in good loans turned away; infinite where these earn nothing."""
        return self.lgd / self.roi if self.roi else np.inf


@hold
def judged_rows(selection: Selection, sample: str) -> pd.DataFrame:
    """Return every judged row: _loan, _date, _y, each model's PD by reference, exposure (NaN unknown) and LTV band."""
    from models.stored import load_judged_rows

    schema = cached.portfolio(selection).schema
    exposure, ltv = schema.exposure, schema.meaning("ltv")
    columns: dict[str, Callable[[ir.Table], ir.Value]] = {}
    if exposure is not None:
        columns[EXPOSURE] = lambda rows: rows[exposure.name].cast("float64")
    if ltv is not None:
        columns[overview_data.LTV_BAND] = lambda rows: concentration.band_ltv(rows[ltv.name], unit=ltv.unit)
    refs = [view.ref for view in model_data.models(selection)]
    return load_judged_rows(cached.engine(selection), refs, sample, selection.where, columns)


@hold
def judged_fields(selection: Selection, sample: str) -> pd.DataFrame:
    """Return _loan, _date and the driving fields of the judged rows: of all, or of about ROWS of them."""
    from models.stored import load_judged_rows

    columns = {item.name: operator.itemgetter(item.name) for item in driving_fields(selection)}
    return load_judged_rows(cached.engine(selection), (), sample, selection.where, columns, limit=ROWS)


def driving_fields(selection: Selection) -> tuple[Field, ...]:
    """Return the fields that may drive a model: features and segments, no dates."""
    columns = set(cached.engine(selection).snapshots().columns)
    return tuple(
        item
        for item in cached.portfolio(selection).schema.fields
        if {"feature", "segment"} & set(item.roles) and item.kind != "date" and item.name in columns
    )


@remember
def ranking(selection: Selection, sample: str) -> pd.DataFrame:
    """The numbers of the curves, one row a model."""
    data = model_data.judged(selection, sample)
    return ranking_curves.compute_ranking_summary(data.y, data.scores)


@remember
def precision_recall(selection: Selection, sample: str) -> pd.DataFrame:
    """Precision-recall curve of every model."""
    data = model_data.judged(selection, sample)
    return ranking_curves.compute_precision_recall(data.y, data.scores)


@remember
def cap(selection: Selection, sample: str) -> pd.DataFrame:
    """Cumulative accuracy profile of every model."""
    data = model_data.judged(selection, sample)
    return ranking_curves.compute_cap(data.y, data.scores)


@remember
def ks_curve(selection: Selection, sample: str) -> pd.DataFrame:
    """Both groups' distribution functions of every model's PDs."""
    data = model_data.judged(selection, sample)
    return ranking_curves.compute_ks_curve(data.y, data.scores)


@remember
def gains(selection: Selection, sample: str) -> pd.DataFrame:
    """Gains and lift by tenth of every model's PDs."""
    data = model_data.judged(selection, sample)
    return ranking_curves.compute_gains(data.y, data.scores, cluster=data.loan, level=model_data.level(selection))


@remember
def partial_gini(selection: Selection, sample: str, high: float) -> pd.DataFrame:
    """Gini of every model among the rows to which it gives a PD of at most `high`."""
    data = model_data.judged(selection, sample)
    return ranking_curves.compute_partial_gini(
        data.y, data.scores, high=high, cluster=data.loan, level=model_data.level(selection)
    )


@remember
def emp(selection: Selection, sample: str, price: Price, champion: str | None) -> pd.DataFrame:
    """Expected maximum profit of every model with interval and difference; `rejected_share` beside it."""
    data = model_data.judged(selection, sample)
    asked = {"no_loss": price.no_loss, "total_loss": price.total_loss, "roi": price.roi}
    shares = profit.compute_emp(data.y, data.scores, **asked)[["model", "rejected_share"]]
    found = profit_intervals.compute_emp_intervals(
        data.y, data.scores, champion=champion, cluster=data.loan, level=model_data.level(selection), **asked
    )
    return found.merge(shares, on="model")


@remember
def h_measure(selection: Selection, sample: str, severity_ratio: float | None, champion: str | None) -> pd.DataFrame:
    """H-measure of every model with interval and difference."""
    data = model_data.judged(selection, sample)
    return profit_intervals.compute_h_intervals(
        data.y,
        data.scores,
        champion=champion,
        severity_ratio=severity_ratio,
        cluster=data.loan,
        level=model_data.level(selection),
    )


@remember
def cost_curve(selection: Selection, sample: str) -> pd.DataFrame:
    """Cost of errors at every ratio of costs."""
    data = model_data.judged(selection, sample)
    return profit.compute_cost_curve(data.y, data.scores)


@remember
def cutoff_costs(selection: Selection, sample: str, cost_ratio: float) -> pd.DataFrame:
    """Cost of errors at every cut-off."""
    data = model_data.judged(selection, sample)
    # What pays is near the left end: thin there, a curve of few points would be a line.
    return profit.compute_cutoff_costs(data.y, data.scores, cost_ratio=cost_ratio, max_points=2000)


@remember
def decision_curve(selection: Selection, sample: str) -> pd.DataFrame:
    """Net benefit of acting on PDs, by threshold."""
    data = model_data.judged(selection, sample)
    return profit.compute_decision_curve(data.y, data.scores)


def price(selection: Selection) -> Price:
    """Return what the portfolio's policy says that a mortgage earns and costs."""
    asked = load_policy(cached.portfolio(selection)).profit
    return Price(asked.share_no_loss, asked.share_full_loss, asked.roi)


def price_source(selection: Selection) -> str:
    """Return where the parameters on offer come from."""
    if load_policy(cached.portfolio(selection)).source == "defaults":
        return (
            "To begin with: the published values for consumer credit (Verbraken et al. 2014). A mortgage book has its "
            "own: put them here, or in the section profit of policy.toml."
        )
    return "To begin with: the values of this portfolio's policy.toml. What is put here stays in the link."
