"""The loans behind the validate page: one row a loan and year, what is left out, and the grades of the rest."""

from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import pandas as pd

from analytics import exclusions as exclusions_
from analytics.master_scale import MasterScale, assign_grades, build_master_scale
from pages.common import cached, model_data
from pages.common.cached import hold, remember
from portfolio.policy import Policy, load_policy
from portfolio.schema import LABEL_MATURE, OBSERVATION_DATE, SAMPLE
from portfolio.selection import Selection, select_rows
from portfolio.workspace import UNDATED

# What a schema may say of a rating, by the meaning of a field; what it does not say is "not recorded".
RECORDED = (*exclusions_.EXCLUSIONS, *exclusions_.TOLD)
LEARNT = "development"
NOBODY = "no loan of this selection has both a rating by this model and a known outcome"


@dataclass(frozen=True)
class Asked:
    """What is validated: the model, the observation date ("all" for a table without dates), and the loans."""

    selection: Selection
    ref: str
    key: str


def policy(selection: Selection) -> Policy:
    """Return the portfolio's criteria."""
    return load_policy(cached.portfolio(selection))


@remember
def keys(selection: Selection, ref: str) -> tuple[str, ...]:
    """Return the dates that can be validated: scored by the model, with outcomes that are known."""
    scored = model_data.scored_keys(selection, ref)
    if scored == [UNDATED]:
        return (UNDATED,)
    frame = cached.outcomes_by(selection, (OBSERVATION_DATE,)).dropna(subset=[OBSERVATION_DATE])
    known = {f"{day:%Y-%m-%d}" for day in pd.to_datetime(frame.loc[frame["n"] > 0, OBSERVATION_DATE])}
    return tuple(key for key in scored if key in known)


def step(selection: Selection) -> pd.DateOffset:
    """Return how far apart dates must be for their outcome windows not to overlap."""
    return pd.DateOffset(months=max(12, cached.portfolio(selection).schema.horizon_months))


def go_back(every: Sequence[str], key: str, by: pd.DateOffset) -> tuple[str, ...]:
    """Return `key` and the dates before it that are whole steps apart, oldest first.

    >>> go_back(["2023-06-30", "2024-03-31", "2024-06-30"], "2024-06-30", pd.DateOffset(months=12))
    ('2023-06-30', '2024-06-30')
    """
    if key == UNDATED:
        return (key,)
    months = {item[:7]: item for item in every}
    found, day = [], pd.Timestamp(key)
    while day >= pd.Timestamp(min(every)) - pd.offsets.MonthEnd():
        if f"{day:%Y-%m}" in months:
            found.append(months[f"{day:%Y-%m}"])
        day = day - by
    return tuple(found[::-1])


def years(selection: Selection, ref: str, key: str) -> tuple[str, ...]:
    """Return the validated date and those whole years before it: windows that do not overlap."""
    return go_back(keys(selection, ref), key, step(selection))


def scale_keys(selection: Selection, ref: str, key: str) -> tuple[str, ...]:
    """Return the dates, years apart, whose loans make the master scale: of the development period, known at `key`.

    Where there is none, the validated date itself.
    """
    until = cached.portfolio(selection).schema.splits.development_until
    if key == UNDATED or until is None:
        return (key,)
    last = min(pd.Timestamp(until), pd.Timestamp(key) - step(selection) + pd.offsets.MonthEnd(0))
    old = [item for item in keys(selection, ref) if pd.Timestamp(item) <= last]
    return go_back(old, old[-1], step(selection)) if old else (key,)


def learns_apart(selection: Selection, ref: str, key: str) -> bool:
    """Whether the scale was built on other loans or dates than those validated."""
    return key == UNDATED or key not in scale_keys(selection, ref, key)


def rows(selection: Selection, ref: str, key: str) -> pd.DataFrame:
    """Return a row a loan of a date: pd (NaN: not scored), y (NaN: not known), exposure, sample, recorded flags."""
    return _of_month(selection, ref, key[5:7])[key]


@hold
def _of_month(selection: Selection, ref: str, month: str) -> dict[str, pd.DataFrame]:
    """Return the rows of all scored dates of a calendar month: dates that are compared are whole years apart."""
    chosen = [key for key in model_data.scored_keys(selection, ref) if key[5:7] == month]
    frame = fetch_rows(selection, ref, chosen).drop(columns="loan")
    found = dict(tuple(frame.groupby("key", observed=True)))
    return {key: found.get(key, frame.iloc[:0]).drop(columns="key").reset_index(drop=True) for key in chosen}


def fetch_rows(selection: Selection, ref: str, chosen: Sequence[str]) -> pd.DataFrame:
    """Return the rows of some dates with key and loan beside what `rows` gives."""
    here, schema = cached.engine(selection), cached.portfolio(selection).schema
    table = select_rows(here.snapshots(chosen), selection.where).mutate(_key=_date)
    scores = here.scores(ref, chosen)
    own = scores.select(_id=scores[schema.id.name], _key=_date(scores), _pd=scores["pd"].cast("float64"))
    joined = table.left_join(own, [table[schema.id.name] == own["_id"], table["_key"] == own["_key"]])
    target = joined[schema.target.name]
    known = target.notnull() & joined[LABEL_MATURE].fill_null(False)
    recorded = {name: field.name for name in RECORDED if (field := schema.meaning(name)) is not None}
    found = here.fetch(
        joined.select(
            key=joined["_key"],
            loan=joined[schema.id.name].cast("string"),
            pd=joined["_pd"],
            y=known.ifelse(target.cast("float64"), ibis.null("float64")),
            exposure=joined[schema.exposure.name].cast("float64") if schema.exposure else ibis.null("float64"),
            sample=joined[SAMPLE].cast("string"),
            **{name: joined[column].cast("boolean") for name, column in recorded.items()},
        )
    )
    return found.astype({"key": "category", "sample": "category"})


def _date(table: ir.Table) -> ir.Column:
    return table[OBSERVATION_DATE].cast("date").cast("string").fill_null(UNDATED)


def everyone(asked: Asked) -> pd.DataFrame:
    """Return all loans M: of the date, or of a table without dates those that the model has not learnt from."""
    frame = rows(asked.selection, asked.ref, asked.key)
    return frame[frame["sample"] != LEARNT] if asked.key == UNDATED else frame


def flag(frame: pd.DataFrame) -> pd.DataFrame:
    """Return loans with what `compute_exclusions` reads: not rated, or outcome not known, is out in the process."""
    out = frame["pd"].isna() | frame["y"].isna()
    if "process" in frame:
        out |= frame["process"].fillna(False).astype(bool)
    return frame.assign(process=out, defaults=frame["y"] == 1)


def included(asked: Asked) -> pd.DataFrame:
    """Return the loans that no exclusion touches, if any."""
    frame = flag(everyone(asked))
    return frame[exclusions_.flag_included(frame)] if len(frame) else frame


def tested(asked: Asked) -> pd.DataFrame:
    """Return the loans tested N with their `grade`; ValueError where none is left."""
    kept = included(asked)
    if kept.empty:
        raise ValueError(NOBODY)
    return kept.assign(grade=assign_grades(kept["pd"], scale(asked)))


def scale(asked: Asked) -> MasterScale:
    """Return the master scale, of the whole portfolio whatever the filters."""
    bare = Selection(asked.selection.workspace, asked.selection.portfolio)
    return _scale(bare, asked.ref, asked.key)


@remember
def _scale(selection: Selection, ref: str, key: str) -> MasterScale:
    parts = [_learnt(rows(selection, ref, item), key) for item in scale_keys(selection, ref, key)]
    known = pd.concat(parts).dropna(subset=["pd", "y"])
    criteria = policy(selection).validation
    return build_master_scale(
        known["pd"], known["y"], grades=criteria.grades, bounds=criteria.bounds or None, level=criteria.scale_level
    )


def _learnt(frame: pd.DataFrame, key: str) -> pd.DataFrame:
    learnt = frame[frame["sample"] == LEARNT]
    return learnt if key == UNDATED and len(learnt) else frame


@remember
def exclusions(selection: Selection, ref: str, key: str) -> pd.DataFrame:
    """Return the waterfall from all loans M to the loans tested N."""
    return exclusions_.compute_exclusions(flag(everyone(Asked(selection, ref, key))))


def by_year(selection: Selection, ref: str, chosen: Sequence[str], key: str) -> pd.DataFrame:
    """Return the loans tested at each date on the scale of `key`, with `year` (0 for a table without dates).

    ValueError where there is no loan at all.
    """
    own = scale(Asked(selection, ref, key))
    parts = []
    for item in chosen:
        kept = included(Asked(selection, ref, item))
        parts.append(kept.assign(grade=assign_grades(kept["pd"], own), year=int(item[:4]) if item != UNDATED else 0))
    found = pd.concat(parts, ignore_index=True)
    if found.empty:
        raise ValueError(NOBODY)
    return found
