"""Expected loss: PD · LGD · EAD, with the loss given default that the book itself has realised."""

from collections.abc import Sequence

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from analytics.book import Fetch
from analytics.odds import Floats
from analytics.words import MISSING

ENOUGH = 30  # defaults below which a band has no LGD of its own
ALL = "all"


def compute_lgd(
    defaults: ir.Table, losses: ir.Table, fetch: Fetch, *, months: int, order: Sequence[str]
) -> pd.DataFrame:
    """Return what was lost of what was owed by loans that defaulted, by band: see `finish_lgd` for the columns.

    Tables as `sum_losses` takes them. An unknown band is "not known".
    """
    per_loan = sum_losses(defaults, losses, months=months)
    per_band = per_loan.group_by(band=per_loan.band.fill_null(MISSING)).aggregate(
        defaults=per_loan.count(), exposure=per_loan.exposure.sum(), loss=per_loan.loss.sum()
    )
    return finish_lgd(fetch(per_band), order)


def sum_losses(defaults: ir.Table, losses: ir.Table, *, months: int) -> ir.Table:
    """Return `defaults` with `loss`, what each lost: an expression of one row a loan and date.

    `defaults` has one row a loan observed and known to have defaulted since (loan, date, exposure, and any other
    columns), `losses` the amounts booked (loan, month, loss). A loss counts if it was booked within `months` after the
    observation.
    """
    booked = losses.select(of="loan", month="month", loss="loss")
    # First by loan and date, so that a loan with several losses keeps one exposure.
    joined = defaults.left_join(booked, defaults.loan == booked["of"])
    age = (joined.month.year() - joined.date.year()) * 12 + joined.month.month() - joined.date.month()
    counted = ((age > 0) & (age <= months)).fill_null(False)
    keys = [name for name in defaults.columns if name != "exposure"]
    per_loan: ir.Table = joined.group_by(*keys).aggregate(
        exposure=joined.exposure.max(), loss=counted.ifelse(joined.loss, 0.0).sum().fill_null(0.0)
    )
    return per_loan


def finish_lgd(sums: pd.DataFrame, order: Sequence[str]) -> pd.DataFrame:
    """Return band, defaults, exposure, loss, lgd and pooled, in `order`, those of no place in it next, "all" last.

    lgd = Σ loss / Σ exposure, undiscounted, cut to [0, 1]. Bands with fewer than 30 defaults are `pooled` with the band
    below them (the lowest with that above); one without a place in the order takes the LGD of all.
    """
    places = {band: place for place, band in enumerate(order)}
    table = sums.assign(place=sums["band"].map(places)).sort_values("place", ignore_index=True)
    group = _pool(table["defaults"].where(table["place"].notna()).to_numpy(dtype=float))
    names = ["defaults", "exposure", "loss"]
    total = table[names].astype(float).sum()
    pools = table[names].astype(float).groupby(group).transform("sum")
    pools.loc[group < 0] = total.to_numpy()
    own = table[["band", *names]].assign(
        lgd=(pools["loss"] / pools["exposure"]).clip(0, 1), pooled=pools["defaults"] > table["defaults"]
    )
    rate = min(1.0, total["loss"] / total["exposure"]) if total["exposure"] > 0 else float("nan")
    whole = pd.DataFrame([{"band": ALL, **total, "lgd": rate, "pooled": False}])
    return pd.concat([own, whole], ignore_index=True).astype({"defaults": "int64"})


def _pool(defaults: Floats) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return each band's pool, counted from the highest band down; -1 where a band has no place (NaN)."""
    group = np.full(len(defaults), -1)
    number, held = 0, 0.0
    for place in reversed(range(len(defaults))):
        if np.isnan(defaults[place]):
            continue
        group[place] = number
        held += defaults[place]
        if held >= ENOUGH:
            number, held = number + 1, 0.0
    if held and number:  # too few are left at the low end: they join the pool above
        group[group == number] = number - 1
    return group


def add_loss(cells: pd.DataFrame, lgd: pd.DataFrame, *, band: str, amount: str, name: str = "loss") -> pd.DataFrame:
    """Return `cells` with `name` = `amount` (Σ PD · EAD) · LGD of the cell's `band`, that of all where it has none."""
    by_band = lgd.set_index("band")["lgd"]
    rates = cells[band].map(by_band).fillna(by_band[ALL]) if band in cells else by_band[ALL]
    return cells.assign(**{name: cells[amount] * rates})
