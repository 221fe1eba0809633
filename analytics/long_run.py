"""The long-run average default rate: the mean of one-year default rates, and how far their windows overlap.

The arithmetic mean, not weighted by the number of loans, over a representative period (EBA/GL/2017/16, Guidelines on
PD estimation, LGD estimation and the treatment of defaulted exposures). Two windows overlap where they begin less than
a year apart: their rates then share defaults and are not independent, so that their number says nothing of the mean's
precision.
"""

from dataclasses import dataclass

import pandas as pd

from analytics.flags import check_numbers
from analytics.words import format_month, format_share

_YEAR = pd.DateOffset(years=1)


@dataclass(frozen=True)
class LongRun:
    """The mean of one-year default rates (fractions), of how many windows, between which, and how they overlap.

    `separate` is the mean over windows that do not overlap (the last one, and each before that ends where the next
    begins or earlier), of `separate_windows`. `low` and `high` are the lowest and highest one-year rates, `skipped`
    windows had no loans.
    """

    rate: float
    windows: int
    first: pd.Timestamp
    last: pd.Timestamp
    low: float
    high: float
    overlapping: bool
    separate: float
    separate_windows: int
    skipped: int
    sentence: str


def compute_long_run(windows: pd.DataFrame, *, date: str = "date", n: str = "n", defaults: str = "defaults") -> LongRun:
    """Return the long-run average default rate of one-year windows.

    `windows` has one row per window: the `date` at which it begins, loans `n` not in default at that date, `defaults`
    of these within the year after. Windows without loans are skipped and counted. Raises ValueError for missing
    or repeated dates, impossible counts, or no window with loans.

    >>> rates = pd.DataFrame({"date": ["2020-01-01", "2021-01-01"], "n": [100, 300], "defaults": [1, 9]})
    >>> compute_long_run(rates).rate
    0.02
    """
    table = pd.DataFrame(
        {
            "date": pd.to_datetime(windows[date]),
            "n": check_numbers(windows[n], "loans of a window", low=0),
            "defaults": check_numbers(windows[defaults], "defaults of a window", low=0),
        }
    ).sort_values("date", ignore_index=True)
    if table["date"].isna().any() or table["date"].duplicated().any():
        raise ValueError("every one-year window needs a date of its own")
    if (table["defaults"] > table["n"]).any():
        raise ValueError("a window cannot have more defaults than loans")
    known = table[table["n"] > 0].reset_index(drop=True)
    if known.empty:
        raise ValueError("a long-run average needs at least one window with loans")
    return _average(known, len(table) - len(known))


def _average(known: pd.DataFrame, skipped: int) -> LongRun:
    rates = known["defaults"] / known["n"]
    dates = known["date"]
    apart = _choose_separate(dates)
    overlapping = len(apart) < len(known)
    rate, separate = float(rates.mean()), float(rates[apart].mean())
    sentence = f"{format_share(rate)}, the mean of {len(known)} one-year rates"
    sentence += f" from {format_month(dates.iloc[0])} to {format_month(dates.iloc[-1])}" if len(known) > 1 else ""
    if overlapping:
        sentence += (
            f"; windows overlap, those of {len(apart)} that do not give {format_share(separate)}"
            if len(apart) > 1
            else "; all windows overlap"
        )
    return LongRun(
        rate, len(known), dates.iloc[0], dates.iloc[-1], float(rates.min()), float(rates.max()), overlapping,
        separate, len(apart), skipped, sentence,
    )  # fmt: skip


def _choose_separate(dates: pd.Series) -> list[int]:
    """Return the places of windows that do not overlap, counted back from the last, oldest first."""
    places: list[int] = []
    for place in reversed(range(len(dates))):
        if not places or dates.iloc[place] + _YEAR <= dates.iloc[places[-1]]:
            places.append(place)
    return places[::-1]
