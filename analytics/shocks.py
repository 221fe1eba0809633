"""A shock to the economy, applied to loans through the features it touches; the book before and after.

Nothing is estimated: each path is arithmetic on what is recorded of a loan, written out in `Path.formula`. What cannot
be worked out anew from the fields there are stays as it is, and is named. The models were not told of the shock: they
rate the changed loans as they would rate any other.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analytics.odds import Floats
from analytics.what_if import compute_annuity, with_values


@dataclass(frozen=True)
class Shock:
    """A change of the economy: house prices and incomes as fractions (−0.1 = 10 % lower), rates and unemployment in
    points (0.01 = one percentage point more)."""

    house_prices: float = 0.0
    rates: float = 0.0
    income: float = 0.0
    unemployment: float = 0.0

    def __post_init__(self) -> None:
        for name in ("house_prices", "income"):
            if not getattr(self, name) > -1:
                raise ValueError(f"{name} can fall by less than all of it, got {getattr(self, name):+.0%}")


@dataclass(frozen=True)
class Path:
    """One feature that a shock touched: which, how, and for how many loans it moved."""

    shock: str
    meaning: str
    formula: str
    moved: int = 0


@dataclass(frozen=True)
class Shocked:
    """The loans after a shock, the paths it took, and what it could not reach: (shock, why)."""

    frame: pd.DataFrame
    paths: tuple[Path, ...]
    left: tuple[tuple[str, str], ...]


# Which features (by meaning) each shock touches, in words.
FORMULAS: dict[tuple[str, str], str] = {
    ("house_prices", "ltv"): "loan-to-value ÷ (1 + s)",
    ("house_prices", "house_price_growth"): "(1 + growth) · (1 + s) − 1",
    ("rates", "rate"): "variable rates + s (not below 0)",
    ("rates", "rate_incentive"): "the loan's rate less the market's, which rises by s: fixed-rate loans − s",
    ("rates", "debt_service"): "variable rates: times annuity payment at the new rate ÷ at the old",
    ("rates", "payment_change"): "variable rates: (1 + change) · payment ratio − 1",
    ("income", "income"): "income · (1 + s)",
    ("income", "lti"): "loan-to-income ÷ (1 + s)",
    ("income", "debt_service"): "debt service ÷ (1 + s)",
    ("unemployment", "unemployment"): "unemployment + s, within 0 and 100 %",
    ("unemployment", "unemployment_change"): "change of 12 months + what unemployment moved",
}
VARIABLE = "variable"
SIZES = ("house_prices", "rates", "income", "unemployment")


def apply_shock(
    frame: pd.DataFrame, shock: Shock, *, names: Mapping[str, str], units: Mapping[str, str] | None = None
) -> Shocked:
    """Return the loans of `frame` after `shock`. `names` maps meanings to columns, `units` columns to "share" or "%".

    A missing value stays missing. With a rate shock only loans whose rate type is "variable" pay another rate; without
    a rate type nobody is known to. Debt service moves with both the payment and the income.
    """
    known = {meaning: name for meaning, name in names.items() if name in frame}
    new = _move(frame, shock, known, units or {})
    after = with_values(frame, {known[meaning]: values for meaning, values in new.items()})
    paths = []
    for name in SIZES:
        alone = _move(
            frame, Shock(**{name: getattr(shock, name)}), known, units or {}
        )  # what this shock moves by itself
        for meaning, values in alone.items():
            paths.append(Path(name, meaning, FORMULAS[name, meaning], _count_moved(frame[known[meaning]], values)))
    return Shocked(after, tuple(paths), _left(shock, known, new))


def _move(frame: pd.DataFrame, shock: Shock, known: Mapping[str, str], units: Mapping[str, str]) -> dict[str, Floats]:
    """Return the new values of each meaning that `shock` touches."""
    new: dict[str, Floats] = {}
    if shock.house_prices:
        _prices(frame, shock.house_prices, known, new)
    if shock.rates:
        _rates(frame, shock.rates, known, units, new)
    if shock.income:
        _income(frame, shock.income, known, new)
    if shock.unemployment:
        _unemployment(frame, shock.unemployment, known, units, new)
    return new


def _column(frame: pd.DataFrame, known: Mapping[str, str], meaning: str, new: Mapping[str, Floats]) -> Floats:
    if meaning in new:
        return new[meaning]
    return np.asarray(frame[known[meaning]].to_numpy(dtype=float, na_value=np.nan), dtype=float)


def _prices(frame: pd.DataFrame, size: float, known: Mapping[str, str], new: dict[str, Floats]) -> None:
    if "ltv" in known:
        new["ltv"] = _column(frame, known, "ltv", new) / (1 + size)
    if "house_price_growth" in known:
        new["house_price_growth"] = (1 + _column(frame, known, "house_price_growth", new)) * (1 + size) - 1


def _rates(
    frame: pd.DataFrame, size: float, known: Mapping[str, str], units: Mapping[str, str], new: dict[str, Floats]
) -> None:
    if "rate" not in known or "rate_type" not in known:
        return
    variable = (frame[known["rate_type"]].astype("string") == VARIABLE).fillna(False).to_numpy(dtype=bool)
    per = 100.0 if units.get(known["rate"]) == "%" else 1.0
    old = _column(frame, known, "rate", new)
    moved = np.where(variable, np.maximum(old + size * per, 0.0), old)
    if "rate_incentive" in known:
        new["rate_incentive"] = _column(frame, known, "rate_incentive", new) + (moved - old) - size * per
    if "remaining_months" in known:
        term = _column(frame, known, "remaining_months", new)
        one = np.ones(len(frame))
        ratio = compute_annuity(one, moved / per, term) / compute_annuity(one, old / per, term)
        ratio = np.where(variable & np.isfinite(ratio), ratio, 1.0)
        if "debt_service" in known:
            new["debt_service"] = _column(frame, known, "debt_service", new) * ratio
        if "payment_change" in known:
            new["payment_change"] = (1 + _column(frame, known, "payment_change", new)) * ratio - 1
    new["rate"] = moved


def _income(frame: pd.DataFrame, size: float, known: Mapping[str, str], new: dict[str, Floats]) -> None:
    if "income" in known:
        new["income"] = _column(frame, known, "income", new) * (1 + size)
    for meaning in ("lti", "debt_service"):
        if meaning in known:
            new[meaning] = _column(frame, known, meaning, new) / (1 + size)


def _unemployment(
    frame: pd.DataFrame, size: float, known: Mapping[str, str], units: Mapping[str, str], new: dict[str, Floats]
) -> None:
    if "unemployment" not in known:
        return
    per = 100.0 if units.get(known["unemployment"]) == "%" else 1.0
    old = _column(frame, known, "unemployment", new)
    new["unemployment"] = np.clip(old + size * per, 0.0, per)
    if "unemployment_change" in known:
        new["unemployment_change"] = _column(frame, known, "unemployment_change", new) + (new["unemployment"] - old)


def _count_moved(before: pd.Series, after: Floats) -> int:
    old = before.to_numpy(dtype=float, na_value=np.nan)
    return int((np.isfinite(old) & (old != after)).sum())


def _left(shock: Shock, known: Mapping[str, str], new: Mapping[str, Floats]) -> tuple[tuple[str, str], ...]:
    """Return what a shock could not reach: (shock, why)."""
    found = []
    for name in SIZES:
        if not getattr(shock, name):
            continue
        meanings = [meaning for shocked, meaning in FORMULAS if shocked == name]
        if name == "rates" and "rate_type" not in known:
            found.append((name, "no field says whose rate is variable, so nobody's payment is changed"))
        elif not any(meaning in new for meaning in meanings):
            found.append((name, f"no model reads {', '.join(_say(meaning) for meaning in meanings)}"))
        elif missing := [meaning for meaning in meanings if meaning not in new]:
            found.append((name, f"no field is {', '.join(_say(meaning) for meaning in missing)}"))
    return tuple(found)


def _say(meaning: str) -> str:
    return {"ltv": "loan-to-value", "lti": "loan-to-income"}.get(meaning, meaning.replace("_", " "))


def compute_impact(
    before: ArrayLike, after: ArrayLike, *, group: pd.Series, weight: Floats | None = None
) -> pd.DataFrame:
    """Return value, n, before and after (mean PDs, fractions), change and its standard error, by `group`.

    With `weight` (exposure · LGD) the columns loss_before and loss_after hold Σ PD · weight. The standard error is
    that of a mean of n paired differences of a sample: sd(after − before) / √n; NaN for a single loan.
    """
    table = pd.DataFrame({"value": group.to_numpy(), "before": np.asarray(before), "after": np.asarray(after)})
    table["difference"] = table["after"] - table["before"]
    grouped = table.groupby("value", sort=False, observed=True)
    found = grouped.agg(n=("before", "size"), before=("before", "mean"), after=("after", "mean"),
                        change=("difference", "mean"), error=("difference", "sem")).reset_index()  # fmt: skip
    if weight is not None:
        losses = pd.DataFrame({"value": table["value"], "loss_before": table["before"] * weight,
                               "loss_after": table["after"] * weight})  # fmt: skip
        found = found.merge(losses.groupby("value", sort=False, observed=True).sum().reset_index(), on="value")
    return found


def compute_grade_moves(before: ArrayLike, after: ArrayLike, grades: int) -> pd.DataFrame:
    """Return a `grades` × `grades` table of loans: rows the grade before, columns the grade after, 1 the best."""
    counts = np.zeros((grades, grades), dtype=int)
    np.add.at(counts, (np.asarray(before, dtype=int) - 1, np.asarray(after, dtype=int) - 1), 1)
    index = pd.Index(range(1, grades + 1), name="grade before")
    return pd.DataFrame(counts, index=index, columns=pd.Index(range(1, grades + 1), name="grade after"))
