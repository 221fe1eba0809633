"""From surprising series to incidents: one cause moves many series, and is told once, where it is undiluted."""

from collections.abc import Iterator

import pandas as pd

NEIGHBOURS = pd.Timedelta(days=31)  # runs this close are one
DILUTED = 0.7  # of the largest effect: a segment that shows less holds rows that are not concerned
SIBLING = 0.5  # of the winner's effect: another value of the same segment that is hit as well
FAMILY = {"missing": "missing", "rows": "rows"}


def merge_anomalies(found: pd.DataFrame, *, derived: tuple[str, ...] = ()) -> pd.DataFrame:
    """Return incidents, latest first, from the rows of `anomalies.detect_anomalies`.

    Runs of one field that overlap in time are one incident, told of the broadest segment in which the effect is
    undiluted: not distinguishably smaller than the largest (two standard errors, and at least `DILUTED` of it).
    A jump in one region thus explains those of its country and of the total; if a whole country is hit, the country
    is named and not its regions. Fields hit in the same segment and time are one incident as well, led by the most
    surprising field of a delivered table; the others stand in `also`, a tuple of (table, field).
    """
    columns = [*found.columns, "also"]
    if found.empty:
        return pd.DataFrame(columns=columns)
    kept = []
    family = found["kind"].map(FAMILY).fillna("level")
    for _, runs in found.groupby([found["table"], found["field"], family], sort=False):
        for together in _overlapping(runs):
            kept += list(_explain(together))
    rows = pd.DataFrame(kept).assign(computed=lambda frame: frame["table"].isin(derived))
    merged = []
    for _, same in rows.groupby(["segment", "value"], sort=False):
        for together in _overlapping(same):
            ordered = together.assign(most=together["z"].abs()).sort_values(
                ["computed", "most"], ascending=[True, False]
            )
            also = tuple(zip(ordered["table"][1:], ordered["field"][1:], strict=True))
            merged.append(ordered.iloc[0].to_dict() | {"also": also})
    return pd.DataFrame(merged)[columns].sort_values("first", ascending=False, kind="stable", ignore_index=True)


def _overlapping(runs: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Yield the rows in groups that are linked by overlap in time."""
    ordered = runs.sort_values("first", kind="stable")
    begins_anew = ordered["first"] > ordered["last"].cummax().shift() + NEIGHBOURS
    for _, together in ordered.groupby(begins_anew.cumsum()):
        yield together


def _explain(runs: pd.DataFrame) -> Iterator[pd.Series]:
    """Yield the runs that explain the others of one field and time."""
    rest = runs
    while len(rest):
        size = rest["size"].abs()
        surest = (size - 2 * rest["error"]).max()
        whole = rest[(size + 2 * rest["error"] >= surest) & (size >= DILUTED * size.max())]
        winner = whole.loc[whole["n"].idxmax()]
        yield winner
        siblings = (
            (rest["segment"] == winner["segment"]) & (rest["value"] != winner["value"]) & (winner["segment"] != "")
        )
        rest = rest[siblings & (size >= SIBLING * abs(winner["size"]))]
