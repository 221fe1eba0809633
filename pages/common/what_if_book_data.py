"""The tables behind the portfolio what-if: the snapshot's loans before and after a shock, through every model."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analytics import shocks
from analytics.concentration import BAND_NAMES, BANDS
from analytics.expected_loss import ALL
from analytics.master_scale import MasterScale, assign_grades
from analytics.shocks import Path, Shock
from analytics.words import MISSING
from pages.common import overview_data, validate_data, what_if_data
from pages.common.cached import hold, portfolio, remember
from pages.common.overview_data import LTV_BAND
from portfolio.selection import Selection

Floats = npt.NDArray[np.float64]
WHOLE = "whole book"


@dataclass(frozen=True)
class BookImpact:
    """A shocked book.

    `cells`: model, field, value, n, before, after, change, error and, where there is an exposure, loss_before and
    loss_after; the field WHOLE has all loans as one. `moves`: for each model with a master scale, loans by grade before
    and after. `means`: feature, before, after (means over the loans) of each path. `no_grades` says why a model has
    none. `exposure` is that of the loans shown.
    """

    cells: pd.DataFrame
    moves: dict[str, pd.DataFrame]
    no_grades: dict[str, str]
    paths: tuple[Path, ...]
    left: tuple[tuple[str, str], ...]
    means: dict[str, tuple[float, float]]
    exposure: float | None
    loans: int
    total: int


@hold
def _base(selection: Selection, refs: tuple[str, ...], key: str) -> dict[str, Floats]:
    """Return every model's PDs of the loans as recorded."""
    frame = what_if_data.book(selection, refs, key).frame
    return {ref: what_if_data.pds(selection, ref, frame) for ref in refs}


def scale(selection: Selection, ref: str) -> MasterScale | str:
    """Return a model's master scale as on the validate page, or why there is none."""
    bare = what_if_data.bare(selection)
    keys = validate_data.keys(bare, ref)
    if not keys:
        return "no date that the model has scored has known outcomes, on which a scale is built"
    try:
        return validate_data.scale(validate_data.Asked(bare, ref, keys[-1]))
    except ValueError as error:
        return str(error)


@remember
def impact(selection: Selection, refs: tuple[str, ...], key: str, shock: Shock) -> BookImpact:
    """Return the loans of snapshot `key` before and after `shock`, through every model."""
    sample = what_if_data.book(selection, refs, key)
    frame, schema = sample.frame, portfolio(selection).schema
    names = what_if_data.meanings(selection, refs)
    done = shocks.apply_shock(frame, shock, names=names, units={item.name: item.unit for item in schema.fields})
    before = _base(selection, refs, key)
    after = {ref: what_if_data.pds(selection, ref, done.frame) for ref in refs}
    amount = frame[schema.exposure.name].to_numpy(dtype=float, na_value=np.nan) if schema.exposure else None
    weights = None if amount is None else [amount * _lgd(selection, part) for part in (frame, done.frame)]
    groups = _groups(selection, frame)
    cells = [
        _impact(before[ref], after[ref], group, weights).assign(model=ref, field=field)
        for ref in refs
        for field, group in groups.items()
    ]
    moves, missing = {}, {}
    for ref in refs:
        own = scale(selection, ref)
        if isinstance(own, str):
            missing[ref] = own
        else:
            pair = assign_grades(before[ref], own), assign_grades(after[ref], own)
            moves[ref] = shocks.compute_grade_moves(*pair, len(own.grades))
    means = {
        names[path.meaning]: (float(frame[names[path.meaning]].mean()), float(done.frame[names[path.meaning]].mean()))
        for path in done.paths
    }
    exposure = None if amount is None else float(np.nansum(amount))
    return BookImpact(pd.concat(cells, ignore_index=True), moves, missing, done.paths, done.left, means, exposure,
                      len(frame), sample.total)  # fmt: skip


def _impact(before: Floats, after: Floats, group: pd.Series, weights: list[Floats] | None) -> pd.DataFrame:
    found = shocks.compute_impact(before, after, group=group)
    if weights is None:
        return found
    losses = [
        pd.Series(np.nan_to_num(pds * weight)).groupby(group.to_numpy(), sort=False, observed=True).sum()
        for pds, weight in zip((before, after), weights, strict=True)
    ]
    return found.assign(loss_before=found["value"].map(losses[0]), loss_after=found["value"].map(losses[1]))


def _groups(selection: Selection, frame: pd.DataFrame) -> dict[str, pd.Series]:
    groups = {WHOLE: pd.Series(WHOLE, index=frame.index)}
    for name in overview_data.fields(selection):
        if name == LTV_BAND:
            groups[name] = _bands(selection, frame)
        elif name in frame:
            groups[name] = frame[name].astype("string").fillna(MISSING).astype(str)
    return groups


def _bands(selection: Selection, frame: pd.DataFrame) -> pd.Series:
    """Return each loan's band of loan-to-value; a band holds its upper end, as on the overview."""
    ltv = portfolio(selection).schema.meaning("ltv")
    if ltv is None or ltv.name not in frame:
        return pd.Series(MISSING, index=frame.index)
    values = frame[ltv.name].to_numpy(dtype=float, na_value=np.nan) / (100.0 if ltv.unit == "%" else 1.0)
    places = np.searchsorted(BANDS, values, side="left")
    return pd.Series(np.where(np.isnan(values), MISSING, np.array(BAND_NAMES)[np.minimum(places, len(BAND_NAMES) - 1)]),
                     index=frame.index)  # fmt: skip


def _lgd(selection: Selection, frame: pd.DataFrame) -> Any:
    """Return each loan's loss given default by its band of loan-to-value; 1 where the portfolio has realised none."""
    known = overview_data.lgd(what_if_data.bare(selection))
    if known is None:
        return 1.0
    rates = known.set_index("band")["lgd"]
    return _bands(selection, frame).map(rates).fillna(rates[ALL]).to_numpy(dtype=float)
