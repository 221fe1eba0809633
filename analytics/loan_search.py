"""Finding one loan among many: a list by PD, parts of an id, a cloud of two models' PDs, loans worth a look."""

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
import pandas as pd

from analytics.book import Fetch
from analytics.odds import CLIP

LOAN = "loan"


def list_loans(
    crowd: ir.Table, fetch: Fetch, by: str, *, ascending: bool = False, contains: str = "", limit: int = 200
) -> pd.DataFrame:
    """Return the first `limit` rows of `crowd` (loan as text and other columns) in the order of column `by`.

    With `contains` only loans whose id holds that text, whatever its case. Ties stand in the order of ids; rows
    without a value come last.
    """
    _check(crowd, by)
    rows = crowd.filter(crowd[LOAN].lower().contains(contains.lower())) if contains else crowd
    order = rows[by].asc(nulls_first=False) if ascending else rows[by].desc(nulls_first=False)
    return fetch(rows.order_by(order, LOAN).limit(limit))


def find_by_part(crowd: ir.Table, fetch: Fetch, part: str, *, limit: int = 12) -> tuple[list[str], int]:
    """Return the first `limit` ids of `crowd` that hold `part`, whatever its case, shortest first, and their number."""
    held = crowd.filter(crowd[LOAN].lower().contains(part.lower()))
    shown = fetch(held.select(LOAN, size=held[LOAN].length()).order_by("size", LOAN).limit(limit))
    return list(shown[LOAN]), int(fetch(held.aggregate(n=held.count()))["n"].iloc[0])


def sample_cloud(
    crowd: ir.Table, fetch: Fetch, x: str, y: str, *, limit: int = 5000, extremes: int = 40
) -> pd.DataFrame:
    """Return loan, x, y (PDs) of at most `limit` loans, in the order of their ids.

    All, or the `extremes` with the highest and lowest x and y and the widest gaps in log-odds either way, filled up
    by the smallest MD5 of the id: the same loans at every visit, and none that stands out is left out.
    """
    _check(crowd, x, y)
    table = crowd.select(LOAN, x=crowd[x].cast("float64"), y=crowd[y].cast("float64"))
    table = table.filter(table.x.notnull() & table.y.notnull())
    odds = {name: table[name].clip(CLIP, 1 - CLIP) for name in "xy"}
    table = table.mutate(gap=(odds["y"] / (1 - odds["y"])).ln() - (odds["x"] / (1 - odds["x"])).ln())
    drawn = fetch(table.order_by(table[LOAN].hexdigest("md5"), LOAN).limit(limit).drop("gap"))
    if len(drawn) < limit:
        return drawn.sort_values(LOAN, ignore_index=True)
    ends = [fetch(table.order_by(order, LOAN).limit(extremes).drop("gap"))
            for name in ("x", "y", "gap") for order in (ibis.desc(name), ibis.asc(name))]  # fmt: skip
    both = pd.concat([*ends, drawn]).drop_duplicates(LOAN).head(limit)
    return both.sort_values(LOAN, ignore_index=True)


def find_examples(crowd: ir.Table, fetch: Fetch, lead: str, models: Sequence[str]) -> dict[str, str]:
    """Return loans worth a look, label → id, by the PDs of the model `lead`; {} where there is no loan.

    Highest, typical (the median by rank) and lowest; with several models the loan on whose log-odds they differ most.
    """
    _check(crowd, lead, *models)
    n = int(fetch(crowd.aggregate(n=crowd.count()))["n"].iloc[0])
    if not n:
        return {}
    ordered = crowd.select(LOAN, lead=crowd[lead]).order_by(ibis.desc("lead"), LOAN)
    places = {"Highest PD": 0, "Typical": n // 2, "Lowest PD": n - 1}
    found = {label: str(fetch(ordered.limit(1, offset=at))[LOAN].iloc[0]) for label, at in places.items()}
    if len(models) > 1:
        odds = [(pd_ / (1 - pd_)).ln() for pd_ in (crowd[name].clip(CLIP, 1 - CLIP) for name in models)]
        apart = crowd.select(LOAN, gap=ibis.greatest(*odds) - ibis.least(*odds))
        found["Models disagree most"] = str(fetch(apart.order_by(ibis.desc("gap"), LOAN).limit(1))[LOAN].iloc[0])
    return found


def _check(crowd: ir.Table, *names: str) -> None:
    missing = [name for name in (LOAN, *names) if name not in crowd.columns]
    if missing:
        raise ValueError(f"the table has no column {', '.join(missing)}; it has {', '.join(crowd.columns)}")
