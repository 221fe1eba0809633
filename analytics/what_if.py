"""What follows when a loan's field is changed: linked fields, impossible combinations, the change of attributions.

A field is found by its meaning ("income", "ltv"), so all of this works on any table that has such fields. What is
held still when another field moves: the property's value, the market rate, the payment to come but for the annuity
formula, and the economy twelve months ago.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analytics.odds import Floats

Names = Mapping[str, str]  # meaning → column
JUDGED = ("days_past_due", "worst_arrears", "months_in_arrears", "months_on_book", "unemployment",
          "unemployment_change", "guarantee", "country")  # fmt: skip
DEFAULT_DAYS = 90
LATE_DAYS = 30


@dataclass(frozen=True)
class Link:
    """A field (by meaning) that follows others, and how, in words."""

    meaning: str
    follows: tuple[str, ...]
    how: str


LINKS = (
    Link("lti", ("exposure", "income"), "exposure over income"),
    Link("debt_service", ("exposure", "income", "rate", "remaining_months"), "the annuity payment over income"),
    Link("ltv", ("exposure",), "exposure over the property's value, which stays"),
    Link("rate_incentive", ("rate",), "the loan's rate less the market's, which stays"),
    Link("payment_change", ("exposure", "rate", "remaining_months"), "the new annuity payment over the former"),
    Link("unemployment_change", ("unemployment",), "unemployment less that of twelve months ago, which stays"),
)


def compute_annuity(balance: ArrayLike, rate: ArrayLike, months: ArrayLike) -> Floats:
    """Return the monthly payment that repays `balance` at the yearly `rate` (a fraction) in `months` equal payments.

    B · i / (1 − (1 + i)^−n) with i = rate / 12; B / n without interest. Terms below a month count as one.

    >>> [round(float(value), 2) for value in compute_annuity([200_000.0, 1200.0], [0.03, 0.0], [360, 12])]
    [843.21, 100.0]
    """
    owed, monthly = np.asarray(balance, dtype=float), np.asarray(rate, dtype=float) / 12
    n = np.maximum(np.asarray(months, dtype=float), 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        paid = owed * monthly / -np.expm1(-n * np.log1p(monthly))
    return np.asarray(np.where(monthly == 0, owed / n, paid), dtype=float)


def follow(
    before: pd.DataFrame, after: pd.DataFrame, *, fixed: Collection[str], names: Names, rate_unit: str = "share"
) -> pd.DataFrame:
    """Return `after` with the fields of LINKS moved along from `before`: two frames of the same loans, row by row.

    `fixed` are the columns that were set by hand: they stay as set. Ratios move by the ratio of what they are made
    of, differences by the difference, so a field whose inputs are unknown stays as it is. A link without all that the
    annuity needs moves with income and exposure alone.
    """
    out = after.copy()
    grown = {meaning: _ratio(before, after, names, meaning) for meaning in ("exposure", "income")}
    paid = _payment_ratio(before, after, names, rate_unit)
    # Each linked field becomes (old + shift) · factor − shift, plus an amount.
    moves: dict[str, tuple[Floats, float]] = {
        "lti": (grown["exposure"] / grown["income"], 0.0),
        "debt_service": (paid / grown["income"], 0.0),
        "ltv": (grown["exposure"], 0.0),
        "payment_change": (paid, 1.0),
    }
    for meaning, (factor, shift) in moves.items():
        _set(out, names, fixed, meaning, factor, shift, np.zeros(len(out)))
    for meaning, source in (("rate_incentive", "rate"), ("unemployment_change", "unemployment")):
        if source in names:
            moved = np.nan_to_num(_number(after, names[source]) - _number(before, names[source]))
            _set(out, names, fixed, meaning, np.ones(len(out)), 0.0, moved)
    return out


def _set(
    out: pd.DataFrame, names: Names, fixed: Collection[str], meaning: str, factor: Floats, shift: float, amount: Floats
) -> None:
    column = names.get(meaning)
    if column is None or column in fixed:
        return
    old = _number(out, column)
    # What does not move keeps its very bits: a loan that is not changed must keep its PD.
    still = (factor == 1) & (amount == 0)
    out[column] = np.where(still, old, (old + shift) * factor - shift + amount)


def _number(frame: pd.DataFrame, column: str) -> Floats:
    return np.asarray(frame[column].to_numpy(dtype=float, na_value=np.nan), dtype=float)


def _ratio(before: pd.DataFrame, after: pd.DataFrame, names: Names, meaning: str) -> Floats:
    if meaning not in names:
        return np.ones(len(after))
    old, new = _number(before, names[meaning]), _number(after, names[meaning])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = new / old
    return np.where(np.isfinite(ratio) & (ratio > 0), ratio, 1.0)


def _payment_ratio(before: pd.DataFrame, after: pd.DataFrame, names: Names, rate_unit: str) -> Floats:
    """Return the annuity payment after over that before; without rate or term the ratio of the exposures."""
    grown = _ratio(before, after, names, "exposure")
    if not {"rate", "remaining_months"} <= set(names):
        return grown
    per = 100.0 if rate_unit == "%" else 1.0
    one = np.ones(len(after))
    old, new = (
        compute_annuity(one, _number(frame, names["rate"]) / per, _number(frame, names["remaining_months"]))
        for frame in (before, after)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = new / old
    return np.asarray(grown * np.where(np.isfinite(ratio) & (ratio > 0), ratio, 1.0), dtype=float)


def with_values(frame: pd.DataFrame, values: Mapping[str, Any]) -> pd.DataFrame:
    """Return a copy of `frame` with columns set; unlike `assign` it takes a field called "self"."""
    out = frame.copy()
    for name, value in values.items():
        out[name] = value
    return out


def list_links(names: Names) -> list[tuple[str, list[str], str]]:
    """Return (column, the columns it follows, how) of each linked field that a table has with something to follow."""
    found = []
    for link in LINKS:
        sources = [names[meaning] for meaning in link.follows if meaning in names]
        if link.meaning in names and sources:
            found.append((names[link.meaning], sources, link.how))
    return found


def find_conflicts(row: Mapping[str, Any], names: Names, labels: Mapping[str, str]) -> list[str]:
    """Return one sentence for each combination of values that no loan can have; none where the row is possible."""
    known = {meaning: row[name] for meaning, name in names.items() if name in row and not pd.isna(row[name])}
    say = {meaning: labels.get(name, name) for meaning, name in names.items()}
    found = []
    days, worst = known.get("days_past_due"), known.get("worst_arrears")
    late, age = known.get("months_in_arrears"), known.get("months_on_book")
    if days is not None and days >= DEFAULT_DAYS:
        found.append(f"{say['days_past_due']} of {days:g} is a default already: the models rate loans below 90 days.")
    if days is not None and worst is not None and worst < days:
        found.append(
            f"{say['worst_arrears']} of {worst:g} days cannot be less than {say['days_past_due'].lower()} of {days:g}: "
            "today belongs to the twelve months."
        )
    if worst is not None and late is not None and (worst >= LATE_DAYS) != (late > 0):
        found.append(
            f"{say['worst_arrears']} of {worst:g} days does not go with {late:g} months in arrears: a month counts "
            "from 30 days past due."
        )
    if late is not None and age is not None and late > age + 1:
        found.append(f"A loan of {age:g} months on book cannot have been {late:g} months in arrears.")
    now, change = known.get("unemployment"), known.get("unemployment_change")
    if now is not None and change is not None and change > now:
        found.append(f"{say['unemployment_change']} cannot be more than {say['unemployment'].lower()} itself.")
    if known.get("guarantee") == "NHG" and known.get("country", "Netherlands") != "Netherlands":
        found.append(f"{say['guarantee']} NHG is Dutch and does not go with {known['country']}.")
    return found


def flag_possible(frame: pd.DataFrame, names: Names) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return for each row whether `find_conflicts` has nothing to say."""
    judged = {meaning: names[meaning] for meaning in JUDGED if meaning in names}
    if not judged:
        return np.ones(len(frame), dtype=bool)
    columns = [frame[name].tolist() for name in judged.values()]
    rows = (dict(zip(judged.values(), values, strict=True)) for values in zip(*columns, strict=True))
    return np.array([not find_conflicts(row, judged, {}) for row in rows], dtype=bool)


def complete_each(
    before: pd.DataFrame,
    after: pd.DataFrame,
    changed: Sequence[frozenset[str]],
    *,
    names: Names,
    rate_unit: str = "share",
) -> tuple[pd.DataFrame, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Return `after`, completed by `follow` where each row has its own `changed` fields, and which rows are possible.

    `before` is one loan, `after` that loan changed in many ways.
    """
    frame = after.reset_index(drop=True)
    start = pd.concat([before] * len(frame), ignore_index=True)
    kinds = pd.Series(list(changed), dtype=object)
    parts = []
    for places in kinds.groupby(kinds.map(lambda item: ",".join(sorted(item)))).groups.values():
        here = list(places)
        fixed = changed[here[0]]
        parts.append(follow(start.loc[here], frame.loc[here], fixed=fixed, names=names, rate_unit=rate_unit))
    done = pd.concat(parts).sort_index() if parts else frame
    return done, flag_possible(done, names)


def compute_change(before: pd.Series, after: pd.Series) -> pd.DataFrame:
    """Return feature, before, after and change (φ after − φ before, log-odds), the largest change first.

    Both series hold attributions against the same background, so bases are equal and the changes add up to the
    change of the log-odds: Σ (φ′ − φ) = log-odds′ − log-odds. Raises ValueError if the features differ.
    """
    if list(before.index) != list(after.index):
        raise ValueError("two attributions can be compared over the same features only, in the same order")
    frame = pd.DataFrame(
        {"feature": list(before.index), "before": before.to_numpy(float), "after": after.to_numpy(float)}
    )
    frame = frame.assign(change=frame["after"] - frame["before"])
    order = frame["change"].abs().sort_values(ascending=False, kind="stable").index
    return frame.loc[order].reset_index(drop=True)


@dataclass(frozen=True)
class Range:
    """What the training loans have of one field: `low` and `high` enclose all but the rarest, `categories` are all."""

    low: float = -math.inf
    high: float = math.inf
    categories: tuple[str, ...] = ()


def find_outside(row: Mapping[str, Any], ranges: Mapping[str, Range]) -> list[str]:
    """Return the fields whose value lies outside what training loans have; missing values are passed over."""
    found = []
    for name, known in ranges.items():
        value = row.get(name)
        if value is None or pd.isna(value):
            continue
        if known.categories:
            if str(value) not in known.categories:
                found.append(name)
        elif not known.low <= float(value) <= known.high:
            found.append(name)
    return found
