"""The overview's tables beyond the book by month: cells by date and field, losses given default, the largest loans."""

import datetime
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import pandas as pd

from analytics import cells as cells_
from analytics import concentration, expected_loss, rate_change
from analytics.book import ENDS, LATE
from pages.common import cached, model_data
from pages.common.cached import remember
from portfolio.schema import LABEL_MATURE, OBSERVATION_DATE, Field, Schema
from portfolio.selection import Selection, select_rows
from portfolio.workspace import UNDATED

LTV_BAND = "ltv_band"
ALL = "all"  # the field whose only value is every row
FIELDS, VALUES = 8, 100  # of a table with more segments the first, and no field with more values
WORKOUT = 24  # months that a default is given to be cured or written off before it counts for the LGD
SUMS = ("rows", "exposure", "n", "events", "scored", "scored_exposure", "pd", "pd_exposure", "judged",
        "judged_events", "judged_pd", "judged_exposure", "judged_event_exposure", "judged_pd_exposure")  # fmt: skip


@dataclass(frozen=True)
class Dates:
    """Which snapshots are compared: the latest with the one before, and the last mature one with a year before."""

    latest: str
    before: str = ""
    mature: str = ""
    mature_before: str = ""


@remember
def dates(selection: Selection) -> Dates:
    """Return the dates that the selection has loans at; "" where there is none, "all" for a table without dates."""
    schema = cached.portfolio(selection).schema
    if not schema.splits.development_until and schema.kind != "history":
        return Dates(UNDATED)
    frame = cached.outcomes_by(selection, (OBSERVATION_DATE,)).dropna(subset=[OBSERVATION_DATE])
    every = list(pd.to_datetime(frame[OBSERVATION_DATE]))
    mature = list(pd.to_datetime(frame.loc[frame["n"] > 0, OBSERVATION_DATE]))
    if not every:
        return Dates("")
    # A year before: the same season, and for outcomes within 12 months the first date whose window does not overlap.
    year = mature[-1] - pd.DateOffset(months=max(12, schema.horizon_months)) if mature else None
    earlier = [day for day in mature if year is not None and day <= year + pd.offsets.MonthEnd(0)]
    return Dates(
        f"{every[-1]:%Y-%m-%d}",
        f"{every[-2]:%Y-%m-%d}" if len(every) > 1 else "",
        f"{mature[-1]:%Y-%m-%d}" if mature else "",
        f"{earlier[-1]:%Y-%m-%d}" if earlier else "",
    )


@remember
def champion(selection: Selection) -> model_data.ModelView | None:
    """Return the model in production, or None where none has scored the portfolio."""
    if not cached.portfolio(selection).schema.with_role("target"):
        return None
    return next((view for view in model_data.models(selection) if view.is_champion), None)


@remember
def fields(selection: Selection) -> tuple[str, ...]:
    """Return what the book is split by: the segments with a readable number of values, and the LTV band."""
    schema, bare = cached.portfolio(selection).schema, Selection(selection.workspace, selection.portfolio)
    names = [item.name for item in schema.with_role("segment")]
    readable = [name for name in names if 1 < len(cached.segment_values(bare, name)) <= VALUES][:FIELDS]
    return (*readable, LTV_BAND) if schema.meaning("ltv") else tuple(readable)


def label(schema: Schema, field: str) -> str:
    """Return what a field of `fields` is called."""
    return "Loan-to-value" if field == LTV_BAND else schema.get(field).label


@remember
def cells(selection: Selection, key: str) -> pd.DataFrame:
    """Return the sums of snapshot `key` by value of each field: columns field, value, SUMS and loss.

    field "all" has the one value "all". rows are loans, n and events those with a known outcome, scored those that the
    champion has scored, judged those with both; pd is Σ PD, *_exposure the same weighted by exposure; loss is
    Σ PD · LGD · exposure, 0 where no LGD is known.
    """
    here, names = cached.engine(selection), fields(selection)
    table = select_rows(_scored(selection, key), selection.where)
    keys = {name: _part(selection, table, name) for name in names}
    joint = cells_.compute_cells(table, here.fetch, keys=keys, sums=_sums(selection, table))
    joint = joint.assign(loss=0.0, **{ALL: ALL})
    known = lgd(Selection(selection.workspace, selection.portfolio))
    if known is not None:
        joint = expected_loss.add_loss(joint, known, band=LTV_BAND, amount="pd_exposure")
    return cells_.sum_by_field(joint, (ALL, *names), (*SUMS, "loss"))


def _scored(selection: Selection, key: str) -> ir.Table:
    """Return the loans of a snapshot with the champion's PD beside them as `_pd`, null where there is none."""
    here, schema, model = cached.engine(selection), cached.portfolio(selection).schema, champion(selection)
    rows = here.snapshots([key])
    if model is None or key not in model_data.scored_keys(selection, model.ref):
        return rows.mutate(_pd=ibis.null("float64"))
    scores = here.scores(model.ref, [key])
    own = scores.select(_id=scores[schema.id.name], _pd=scores["pd"].cast("float64"))
    joined: ir.Table = rows.left_join(own, rows[schema.id.name] == own["_id"]).drop("_id")
    return joined


def _part(selection: Selection, table: ir.Table, name: str) -> ir.Value:
    if name != LTV_BAND:
        return table[name]
    ltv = _ltv(selection)
    return concentration.band_ltv(table[ltv.name], unit=ltv.unit)


def _ltv(selection: Selection) -> Field:
    found = cached.portfolio(selection).schema.meaning("ltv")
    if found is None:
        raise LookupError("asked for loan-to-value bands of a portfolio that has no loan-to-value")
    return found


def _sums(selection: Selection, table: ir.Table) -> dict[str, ir.Value]:
    schema = cached.portfolio(selection).schema
    exposure = table[schema.exposure.name].cast("float64") if schema.exposure else ibis.null("float64")
    known = ibis.literal(False)
    event = known
    if target := next(iter(schema.names("target")), None):
        known = table[target].notnull() & table[LABEL_MATURE].fill_null(False)
        event = known & (table[target] == 1).fill_null(False)
    pd_, one = table["_pd"], ibis.literal(1.0)
    scored, both = pd_.notnull(), known & pd_.notnull()
    return {
        "rows": one,
        "exposure": exposure,
        "n": known.ifelse(one, 0.0),
        "events": event.ifelse(one, 0.0),
        "scored": scored.ifelse(one, 0.0),
        "scored_exposure": scored.ifelse(exposure, 0.0),
        "pd": pd_,
        "pd_exposure": pd_ * exposure,
        "judged": both.ifelse(one, 0.0),
        "judged_events": (event & scored).ifelse(one, 0.0),
        "judged_pd": both.ifelse(pd_, 0.0),
        "judged_exposure": both.ifelse(exposure, 0.0),
        "judged_event_exposure": (event & scored).ifelse(exposure, 0.0),
        "judged_pd_exposure": both.ifelse(pd_ * exposure, 0.0),
    }


@remember
def whole(selection: Selection, key: str) -> pd.Series:
    """Return the sums of all loans of snapshot `key`."""
    frame = cells(selection, key)
    row: pd.Series = frame[frame["field"] == ALL][[*SUMS, "loss"]].sum()
    return row


@remember
def change(selection: Selection, measure: str) -> rate_change.Change | None:
    """Return the change of a measure of MEASURED, or None where it cannot be had."""
    events, n, sampled = MEASURED[measure]
    pair = _arrears_pair(selection) if measure == "arrears" else _pair(selection, mature=sampled)
    if pair is None or any(frame[n].sum() <= 0 for frame in pair) or all(frame[events].sum() <= 0 for frame in pair):
        return None
    split = [frame[frame["field"] != ALL] if (frame["field"] != ALL).any() else frame for frame in pair]
    return rate_change.compute_change(split[0], split[1], events=events, n=n, sampled=sampled)


# measure: numerator, denominator, whether the numerator counts random outcomes
MEASURED = {
    "default_rate": ("events", "n", True),
    "arrears": ("late", "loans", True),
    "pd": ("pd", "scored", False),
    "loss": ("loss", "scored_exposure", False),
}


def _pair(selection: Selection, *, mature: bool) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    when = dates(selection)
    before, after = (when.mature_before, when.mature) if mature else (when.before, when.latest)
    return (cells(selection, before), cells(selection, after)) if before and after else None


@remember
def arrears_months(selection: Selection) -> tuple[datetime.date, datetime.date] | None:
    """Return the last month end and the one a quarter before, or None without months."""
    if not cached.portfolio(selection).has_history:
        return None
    months = cached.by_month(selection)["month"]
    earlier = months[months <= months.max() - pd.DateOffset(months=3) + pd.offsets.MonthEnd(0)]
    return (earlier.max().date(), months.max().date()) if len(earlier) else None


def _arrears_pair(selection: Selection) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    months = arrears_months(selection)
    if months is None:
        return None
    table = select_rows(cached.engine(selection).flows(), selection.where).filter(ibis._.month.isin(months))
    names = [name for name in fields(selection) if name in table.columns]
    on_book = table.state.notin(ENDS)
    joint = cells_.compute_cells(
        table,
        cached.engine(selection).fetch,
        keys={"when": table.month, **{name: table[name] for name in names}},
        sums={
            "loans": on_book.ifelse(table.loans, 0),
            "late": table.state.isin(LATE).ifelse(table.loans, 0),
        },
    ).assign(**{ALL: ALL})
    before, after = (joint[joint["when"].str[:10] == f"{month:%Y-%m-%d}"] for month in months)
    sums = ("loans", "late")
    return cells_.sum_by_field(before, (ALL, *names), sums), cells_.sum_by_field(after, (ALL, *names), sums)


@remember
def lgd(selection: Selection) -> pd.DataFrame | None:
    """Return the LGD by LTV band that the portfolio has realised, or None where it knows no losses.

    Of loans observed on dates a year apart that defaulted within the outcome window and have had WORKOUT months
    since to be cured or written off; losses booked until then count.
    """
    keys = lgd_dates(selection)
    return lgd_of(selection, keys) if keys and knows_losses(selection) else None


def knows_losses(selection: Selection) -> bool:
    """Whether the portfolio books losses and has an exposure to measure them against."""
    here = cached.portfolio(selection)
    if not here.has_history or here.schema.exposure is None:
        return False
    return "loss" in cached.engine(selection).performance().columns


def lgd_of(selection: Selection, keys: tuple[str, ...]) -> pd.DataFrame | None:
    """Return the LGD by LTV band of the defaults observed at `keys`, or None where nothing was lost."""
    months = cached.portfolio(selection).schema.horizon_months + WORKOUT
    found = expected_loss.compute_lgd(
        *defaults_and_losses(selection, keys), cached.engine(selection).fetch, months=months,
        order=concentration.BAND_NAMES,
    )  # fmt: skip
    return found if found["loss"].sum() > 0 else None


def defaults_and_losses(
    selection: Selection, keys: tuple[str, ...], further: tuple[str, ...] = ()
) -> tuple[ir.Table, ir.Table]:
    """Return what `expected_loss.sum_losses` takes: defaults of `keys` with their band and `further` fields, losses."""
    here, schema = cached.engine(selection), cached.portfolio(selection).schema
    rows = select_rows(here.snapshots(list(keys)), selection.where)
    rows = rows.filter((rows[schema.target.name] == 1) & rows[LABEL_MATURE].fill_null(False))
    band = _part(selection, rows, LTV_BAND) if schema.meaning("ltv") else ibis.null("string")
    defaults = rows.select(
        loan=rows[schema.id.name],
        date=rows[OBSERVATION_DATE].cast("date"),
        band=band,
        exposure=rows[schema.names("exposure")[0]].cast("float64"),
        **{f"by_{name}": rows[name].cast("string") for name in further},
    )
    booked = here.performance().filter(ibis._.loss > 0)
    return defaults, booked.select(loan=schema.id.name, month="month", loss=booked.loss.cast("float64"))


@remember
def lgd_dates(selection: Selection) -> tuple[str, ...]:
    """Return the observation dates, a year apart, whose defaults have had their time to be cured or written off."""
    portfolio = cached.portfolio(selection)
    keys = portfolio.snapshot_keys() if portfolio.has_history and portfolio.schema.with_role("target") else []
    if not keys:
        return ()
    last = pd.Timestamp(keys[-1]) - pd.DateOffset(months=portfolio.schema.horizon_months + WORKOUT)
    old = [key for key in keys if pd.Timestamp(key) <= last + pd.offsets.MonthEnd(0)]
    return tuple(key for key in old if key[5:7] == old[-1][5:7])
