"""The tables behind concentration: exposure by vintage, the largest loans, the largest borrowers."""

import ibis
import pandas as pd

from analytics import cells, concentration
from pages.common import cached, model_data, overview_data
from pages.common.cached import remember
from portfolio.selection import Selection, select_rows


@remember
def by_vintage(selection: Selection, key: str) -> pd.DataFrame:
    """Return exposure (loans where there is none) of snapshot `key` by year granted: columns value, amount, loans."""
    here, schema = cached.engine(selection), cached.portfolio(selection).schema
    granted = schema.meaning("origination_date")
    if granted is None or granted.kind != "date":
        return pd.DataFrame(columns=["value", "amount", "loans"])
    table = select_rows(here.snapshots([key]), selection.where)
    one = ibis.literal(1.0)
    amount = table[schema.exposure.name] if schema.exposure else one
    sums = {"amount": amount, "loans": one}
    frame = cells.compute_cells(table, here.fetch, keys={"value": table[granted.name].year()}, sums=sums)
    return frame.sort_values("value", ignore_index=True)


@remember
def largest_loans(selection: Selection, key: str) -> pd.DataFrame:
    """Return the 100 largest loans of snapshot `key`: loan, exposure, and where known ltv, days_past_due, place, pd."""
    here, schema = cached.engine(selection), cached.portfolio(selection).schema
    if schema.exposure is None:
        return pd.DataFrame()
    table = select_rows(here.snapshots([key]), selection.where)
    known = {name: schema.meaning(meaning) for name, meaning in _SHOWN.items()}
    columns = {name: table[item.name] for name, item in known.items() if item is not None}
    top = table.select(loan=table[schema.id.name], exposure=table[schema.exposure.name].cast("float64"), **columns)
    order = [ibis.desc("exposure"), "loan"]
    frame = here.fetch(top.filter(ibis._.exposure.notnull()).order_by(order).limit(concentration.TOPS[-1]))
    model = overview_data.champion(selection)
    if model is None or key not in model_data.scored_keys(selection, model.ref) or frame.empty:
        return frame
    scores = here.scores(model.ref, [key])
    own = scores.filter(scores[schema.id.name].isin(frame["loan"].tolist()))
    return frame.merge(here.fetch(own.select(loan=schema.id.name, pd="pd")), on="loan", how="left")


_SHOWN = {"ltv": "ltv", "days_past_due": "days_past_due", "place": "region"}


@remember
def largest_borrowers(selection: Selection, key: str) -> pd.DataFrame:
    """Return the 100 borrowers with the most exposure in snapshot `key`; empty where no field is the borrower."""
    here, schema = cached.engine(selection), cached.portfolio(selection).schema
    borrower = schema.meaning("borrower")
    if borrower is None or schema.exposure is None:
        return pd.DataFrame()
    table = select_rows(here.snapshots([key]), selection.where)
    return concentration.fetch_largest(table, here.fetch, amount=schema.exposure.name, by=borrower.name)
