"""LGD behind the validate page: estimates from earlier defaults against what later ones lost, with no hindsight."""

from dataclasses import dataclass

import pandas as pd

from analytics import concentration, expected_loss
from analytics.generalised_auc import GeneralisedAuc, compute_generalised_auc
from analytics.loss_tests import compute_loss_tests
from analytics.words import MISSING
from pages.common import cached, overview_data, validate_data
from pages.common.cached import remember
from portfolio.selection import Selection

TESTED = 3  # years of defaults, the last that have had their time
FEWEST = 2


@dataclass(frozen=True)
class Losses:
    """Defaults tested, one row each (loan, date, band, exposure, loss, realised, estimated, by_…), and the LGD table
    that estimates them, with the dates of either."""

    facilities: pd.DataFrame
    lgd: pd.DataFrame
    learnt_on: tuple[str, ...]
    tested_on: tuple[str, ...]
    months: int


@remember
def losses(selection: Selection) -> Losses:
    """Return what the LGD is tested on; ValueError says why it cannot be.

    Estimated: Σ losses / Σ exposure by loan-to-value band (all loans where there is none) of defaults whose losses were
    known before the first tested date. Realised: what a later default lost of its exposure at the observation date.
    """
    bare = Selection(selection.workspace, selection.portfolio)
    months = cached.portfolio(bare).schema.horizon_months + overview_data.WORKOUT
    if not overview_data.knows_losses(bare):
        raise ValueError("the portfolio records no losses")
    every = overview_data.lgd_dates(bare)
    later = every[-TESTED:]
    limit = pd.Timestamp(later[0]) - pd.DateOffset(months=months) + pd.offsets.MonthEnd(0) if later else None
    earlier = tuple(key for key in every if limit is not None and pd.Timestamp(key) <= limit)
    lgd = overview_data.lgd_of(bare, earlier) if earlier else None
    if lgd is None:
        years = months // 12 + TESTED
        raise ValueError(f"estimates without hindsight need losses of defaults {years} years back, and there are none")
    facilities = _facilities(selection, later, months)
    if len(facilities) < FEWEST:
        raise ValueError(f"{len(facilities)} defaults have had their {months} months, a test needs {FEWEST}")
    rates = lgd.set_index("band")["lgd"]
    estimated = facilities["band"].map(rates).fillna(rates[expected_loss.ALL])
    realised = facilities["loss"] / facilities["exposure"]
    return Losses(facilities.assign(estimated=estimated, realised=realised), lgd, earlier, later, months)


def _facilities(selection: Selection, keys: tuple[str, ...], months: int) -> pd.DataFrame:
    """Return each default once: a loan that defaulted in two of the windows counts in the first."""
    here = cached.engine(selection)
    tables = overview_data.defaults_and_losses(selection, keys, segments(selection))
    found = here.fetch(expected_loss.sum_losses(*tables, months=months))
    found = found[found["exposure"] > 0].sort_values(["date", "loan"], ignore_index=True)
    return found.drop_duplicates("loan").assign(band=lambda frame: frame["band"].fillna(MISSING))


def segments(selection: Selection) -> tuple[str, ...]:
    """Return the segments by which the shortfall can be told, beside the loan-to-value band."""
    bare = Selection(selection.workspace, selection.portfolio)
    return tuple(name for name in overview_data.fields(bare) if name != overview_data.LTV_BAND)


@remember
def tests(selection: Selection, by: str) -> pd.DataFrame:
    """Return t-test and shortfall by loan-to-value band ("ltv_band") or a segment, all defaults last."""
    frame = losses(selection).facilities
    column = "band" if by == overview_data.LTV_BAND else f"by_{by}"
    table = compute_loss_tests(frame["realised"], frame["estimated"], exposure=frame["exposure"], segment=frame[column])
    if by != overview_data.LTV_BAND:
        return table
    order = {name: place for place, name in enumerate((*concentration.BAND_NAMES, MISSING, expected_loss.ALL))}
    return table.sort_values("segment", key=lambda names: names.map(order), ignore_index=True)


@remember
def ranking(selection: Selection) -> GeneralisedAuc:
    """Return the generalised AUC of the estimates, against initial validation where the policy gives one."""
    frame = losses(selection).facilities
    initial = validate_data.policy(selection).validation.gauc_initial
    return compute_generalised_auc(frame["estimated"], frame["realised"], initial=initial)
