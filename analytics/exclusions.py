"""From all loans M to the loans tested N: what was left out and why, and what stays in but must be told.

ECB, Instructions for reporting the validation results of internal models, February 2019, section 2.5.2: N = M −
outdated ratings (older than 12 months) − transferred ratings − process exclusions, each told as a share of M;
overrides stay in and are told as a share of N, as are technical defaults; several defaults in a year count once.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

# Column of the frame -> what is excluded, in the order of the waterfall.
EXCLUSIONS = {
    "outdated": "Rating older than 12 months",
    "transferred": "Rating transferred from another party",
    "process": "Excluded in the process",
}
# Column of the frame -> what stays in, told as a share of N.
TOLD = {"override": "Overridden ratings (kept)", "technical_default": "Technical defaults"}
DEFAULTS = "defaults"
ABSENT = "not recorded"


def flag_outdated(rated: pd.Series, as_of: pd.Series | pd.Timestamp, *, months: int = 12) -> pd.Series:
    """Return whether each rating was more than `months` old at `as_of`; blank where its date is not known.

    >>> rated = pd.Series(pd.to_datetime(["2023-01-31", "2023-02-01", None]))
    >>> flag_outdated(rated, pd.Timestamp("2024-01-31")).tolist()
    [False, False, <NA>]
    >>> bool(flag_outdated(rated, pd.Timestamp("2024-02-01"))[0])
    True
    """
    late = rated + pd.DateOffset(months=months) < as_of
    return late.astype("boolean").mask(rated.isna())


def flag_included(frame: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which rows are tested: those that no recorded exclusion touches."""
    kept = np.ones(len(frame), dtype=bool)
    for name in EXCLUSIONS:
        if name in frame:
            kept &= ~_read(frame, name).fillna(False).to_numpy(dtype=bool)
    return kept


def compute_exclusions(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the waterfall from M to N and what is told of N, one row a step.

    `frame` has one row per loan (or customer) of the portfolio at the start of the year, with the boolean columns
    outdated, transferred, process, override, technical_default and the count or flag `defaults`, as far as recorded.

    Columns: step (start, exclusion, tested, told), name, label, n (rows to which it applies: of all M for exclusions,
    of N for what is told), removed (those that no exclusion before removed), left (rows after the step), base (M or
    N), share (n / base), reason. A column that the frame lacks is "not recorded", its numbers blank and never 0;
    where it is known for some rows only, `reason` says of how many it is not. Raises ValueError for an empty frame
    and for columns that are not true/false (`defaults`: whole numbers of 0 or more).
    """
    if frame.empty:
        raise ValueError("the waterfall needs at least one loan, got none")
    return pd.DataFrame([*_exclude(frame), *_tell(frame[flag_included(frame)])]).astype({"left": "Int64"})


def _exclude(frame: pd.DataFrame) -> Iterator[dict[str, object]]:
    m = len(frame)
    yield _row("start", "m", "All loans (M)", m, np.nan, m, m)
    kept = np.ones(m, dtype=bool)
    for name, label in EXCLUSIONS.items():
        if name not in frame:
            yield _row("exclusion", name, label, np.nan, np.nan, int(kept.sum()), m, ABSENT)
            continue
        flags = _read(frame, name)
        hit = flags.fillna(False).to_numpy(dtype=bool)
        removed, kept = int((kept & hit).sum()), kept & ~hit
        yield _row("exclusion", name, label, int(hit.sum()), removed, int(kept.sum()), m, _say_gaps(flags))
    n = int(kept.sum())
    absent = [name for name in EXCLUSIONS if name not in frame]
    reason = f"no exclusion for what is {ABSENT}: {', '.join(absent)}" if absent else ""
    yield _row("tested", "n", "Loans tested (N)", n, np.nan, n, m, reason if n else "no loan is left to test")


def _tell(tested: pd.DataFrame) -> Iterator[dict[str, object]]:
    n = len(tested)
    for name, label in TOLD.items():
        if name not in tested:
            yield _row("told", name, label, np.nan, np.nan, n, n, ABSENT)
            continue
        flags = _read(tested, name)
        yield _row("told", name, label, int(flags.fillna(False).sum()), np.nan, n, n, _say_gaps(flags))
    names = ("Loans in default within the year", "Further defaults of these loans in the year (not counted)")
    if DEFAULTS not in tested:
        yield _row("told", DEFAULTS, names[0], np.nan, np.nan, n, n, ABSENT)
        yield _row("told", "repeated", names[1], np.nan, np.nan, n, n, ABSENT)
        return
    counts = _read_counts(tested)
    hit = int((counts > 0).sum())
    yield _row("told", DEFAULTS, names[0], hit, np.nan, n, n, _say_gaps(counts))
    # A flag cannot say that a loan defaulted twice; a count can.
    single = pd.api.types.is_bool_dtype(tested[DEFAULTS].dtype)
    more = np.nan if single else int(counts.sum()) - hit
    yield _row("told", "repeated", names[1], more, np.nan, n, n, ABSENT if single else _say_gaps(counts))


def _row(
    step: str, name: str, label: str, n: float, removed: float, left: int, base: int, reason: str = ""
) -> dict[str, object]:
    share = n / base if base else np.nan
    return {
        "step": step, "name": name, "label": label, "n": float(n), "removed": float(removed),
        "left": left, "base": base, "share": share, "reason": reason,
    }  # fmt: skip


def _read(frame: pd.DataFrame, name: str) -> pd.Series:
    try:
        return frame[name].astype("boolean")
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be true or false, got other values") from error


def _read_counts(frame: pd.DataFrame) -> pd.Series:
    try:
        counts = frame[DEFAULTS].astype("Int64")
    except (TypeError, ValueError) as error:
        raise ValueError(f"{DEFAULTS} must count the defaults of the year, got other values") from error
    if (counts.dropna() < 0).any():
        raise ValueError(f"{DEFAULTS} must be 0 or more, got negative counts")
    return counts


def _say_gaps(values: pd.Series) -> str:
    gaps = int(values.isna().sum())
    return f"{ABSENT} for {gaps:,} of {len(values):,} loans" if gaps else ""
