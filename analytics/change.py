"""What changed, in one sentence: the findings that stand above figures."""

import numpy as np
import pandas as pd

from analytics.odds import Floats
from analytics.words import format_month, format_value

_ORDINALS = ("", "", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


def describe_change(
    frame: pd.DataFrame,
    *,
    value: str,
    noun: str,
    unit: str = "share",
    date: str = "month",
    period: str = "month",
    parts: pd.DataFrame | None = None,
    part: str = "region",
) -> str:
    """Return a sentence such as "Arrears rose for the third month to 0.91 %, most in Campania".

    `frame` has one row per `date`; missing values are left out. A change too small to show in the value's
    digits counts as none. With `parts` (the same columns by `part` and date, rows flagged `small` left
    out), the part that moved furthest in the same direction since the date before is named.
    """
    known = frame.dropna(subset=[value]).sort_values(date)
    values = known[value].to_numpy(dtype=float)
    subject = noun[:1].upper() + noun[1:]
    if not values.size:
        return f"{subject}: nothing to show"
    last = format_value(float(values[-1]), unit)
    if values.size == 1:
        return f"{subject} stood at {last}{_when(known[date].iloc[-1])}"
    run = _count_run(values, unit)
    if run == 0:
        return f"{subject} unchanged at {last}"
    word = "rose" if run > 0 else "fell"
    streak = _describe_streak(abs(run), period)
    where = _describe_part(parts, known[date].iloc[-2:], value, part, np.sign(run)) if parts is not None else ""
    return f"{subject} {word}{streak} to {last}{where}"


def _count_run(values: Floats, unit: str) -> int:
    """Return for how many steps, up to the last, the shown value went one way: positive up, negative down."""
    shown = [format_value(float(value), unit) for value in values]
    steps = [0 if shown[i] == shown[i + 1] else int(np.sign(values[i + 1] - values[i])) for i in range(len(shown) - 1)]
    run = 0
    for step in reversed(steps):
        if step == 0 or (run and np.sign(run) != step):
            break
        run += step
    return run


def _describe_streak(length: int, period: str) -> str:
    if length < 2:
        return ""
    ordinal = _ORDINALS[length] if length < len(_ORDINALS) else ""
    return f" for the {ordinal} {period}" if ordinal else f" for {length} {period}s"


def _describe_part(parts: pd.DataFrame, dates: pd.Series, value: str, part: str, sign: float) -> str:
    readable = parts[~parts["small"].astype(bool)] if "small" in parts.columns else parts
    date = dates.name
    before, after = (readable[readable[date] == day].set_index(part)[value] for day in dates)
    moved = ((after - before) * sign).dropna().sort_values(ascending=False, kind="stable")
    return f", most in {moved.index[0]}" if len(moved) and moved.iloc[0] > 0 else ""


def _when(day: object) -> str:
    if pd.isna(day):  # type: ignore[call-overload]
        return ""
    return f" in {format_month(pd.Timestamp(day))}"  # type: ignore[arg-type]
