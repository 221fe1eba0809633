"""The rows that Explore asks about: observations of loans, with a model's PD beside them where one is asked for."""

from collections.abc import Sequence

import ibis.expr.types as ir

from portfolio.engine import Engine
from portfolio.schema import OBSERVATION_DATE
from portfolio.selection import Selection, select_rows

PD = "champion_pd"  # the column's name beside the schema's own


def observed_rows(engine: Engine, selection: Selection, keys: Sequence[str] | None, ref: str = "") -> ir.Table:
    """Return the selected rows of the snapshots `keys` (None: all); with a model `ref`, its PD as `champion_pd`.

    A row that the model has not scored has no PD. Loans are joined by their id and, over several dates, by the date.
    """
    rows = select_rows(engine.snapshots(keys), selection.where)
    if not ref:
        return rows
    name = engine.portfolio.schema.id.name
    scored = {path.stem for path in (engine.portfolio.scores / ref).glob("*.parquet")}
    scores = engine.scores(ref, [key for key in (keys or engine.portfolio.snapshot_keys()) if key in scored])
    own = {"_loan": scores[name], PD: scores["pd"]}
    if len(keys or engine.portfolio.snapshot_keys()) == 1:
        single = scores.select(**own)
        return rows.left_join(single, rows[name] == single["_loan"]).drop("_loan")
    dated = scores.select(**own, _date=scores[OBSERVATION_DATE].cast("date"))
    same = [rows[name] == dated["_loan"], rows[OBSERVATION_DATE].cast("date") == dated["_date"]]
    return rows.left_join(dated, same).drop("_loan", "_date")
