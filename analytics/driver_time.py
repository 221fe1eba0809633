"""How a model's drivers move through time: importance and mean effect of every feature by observation date."""

from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import pandas as pd

from analytics.attributions import PHI, list_explained
from analytics.book import Fetch
from analytics.driver_gap import list_groups


def compute_driver_course(
    scored: ir.Table, fetch: Fetch, *, date: str = "observation_date", groups: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Return date, feature, importance (mean |φ|), share (of the date's total), mean (of φ) and n; one query.

    `scored` has the column `date` and phi_<feature> of explained rows only. Features that `groups` gives the same name
    are added up row by row first. The mean effects of two dates differ by as much as the mean log-odds, in all.
    """
    members = list_groups(list_explained(scored), groups)
    columns = {}
    for place, names in enumerate(members.values()):
        phi = [scored[f"{PHI}{name}"] for name in names]
        columns[f"f{place}"] = sum(phi[1:], phi[0])
    slim = scored.select(date=scored[date], **columns)
    wanted = {f"size_{name}": ibis._[name].abs().mean() for name in columns}
    wanted |= {f"mean_{name}": ibis._[name].mean() for name in columns}
    found = fetch(slim.group_by("date").agg(n=ibis._.count(), **wanted)).sort_values("date", ignore_index=True)
    parts = [
        pd.DataFrame(
            {"date": found["date"], "feature": name, "importance": found[f"size_f{place}"],
             "mean": found[f"mean_f{place}"], "n": found["n"]}
        )
        for place, name in enumerate(members)
    ]  # fmt: skip
    frame = pd.concat(parts, ignore_index=True)
    total = frame.groupby("date")["importance"].transform("sum")
    frame.insert(3, "share", frame["importance"] / total.where(total > 0))
    return frame.sort_values(["date", "importance"], ascending=[True, False], kind="stable", ignore_index=True)


@dataclass(frozen=True)
class Move:
    """How far a feature went between the first and the last date, in the measure's unit."""

    feature: str
    first: float
    last: float

    @property
    def change(self) -> float:
        """Last less first."""
        return self.last - self.first


def find_moves(course: pd.DataFrame, measure: str) -> list[Move]:
    """Return every feature's move in a measure of `compute_driver_course`, largest change first, by size."""
    dates = course["date"]
    ends = (course[dates == day].set_index("feature")[measure].astype(float) for day in (dates.min(), dates.max()))
    first, last = ends
    moves = [Move(str(name), float(first[name]), float(last[name])) for name in last.index]
    return sorted(moves, key=lambda move: -abs(move.change))


def select_top(course: pd.DataFrame, measure: str, count: int) -> list[str]:
    """Return the features to draw: half of the `count` by their largest size, the rest by how far they moved."""
    size = course.groupby("feature")[measure].apply(lambda column: column.abs().max())
    ranked = [str(name) for name in size.sort_values(ascending=False, kind="stable").index]
    moved = [move.feature for move in find_moves(course, measure)]
    return list(dict.fromkeys([*ranked[: count - count // 2], *moved, *ranked]))[:count]
