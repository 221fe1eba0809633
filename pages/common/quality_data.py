"""The tables behind the quality page: read from what was checked when the portfolio was built, small and remembered."""

import ibis
import pandas as pd

from analytics.anomalies import detect_anomalies
from analytics.incidents import merge_anomalies
from analytics.outliers import Outliers, find_outliers
from pages.common import cached
from pages.common.cached import remember
from portfolio.documents import QUARANTINED
from portfolio.duplicates import DUPLICATES
from portfolio.monthly_profile import PROFILE
from portfolio.quality import load_quarantine
from portfolio.quality_rules import RULES
from portfolio.quality_tables import load_quality
from portfolio.schema import RESERVED, Schema
from portfolio.selection import Selection, select_rows

DERIVED = ("snapshots",)  # of a history: made from its other tables
SCORED = 50_000  # loans judged by the isolation forest at most
ECONOMY = "economy"  # the group of fields that are the region's, not the loan's


def _derived(selection: Selection) -> tuple[str, ...]:
    return DERIVED if cached.portfolio(selection).has_history else ()


@remember
def incidents(selection: Selection) -> pd.DataFrame:
    """What looks wrong in the fields by month, one row an incident (see `analytics.incidents`)."""
    here = cached.portfolio(selection)
    profile = load_quality(here, PROFILE)
    judged = profile[~profile["field"].isin(here.schema.names("target"))]  # outcomes are unknown at the end
    derived = _derived(selection)
    return merge_anomalies(detect_anomalies(judged, derived=derived), derived=derived)


@remember
def span(selection: Selection) -> tuple[pd.Timestamp, pd.Timestamp] | None:
    """Return the first and last period of the profile, None for a table without dates."""
    periods = load_quality(cached.portfolio(selection), PROFILE, filters=[("segment", "==", "")], columns=["period"])
    known = pd.to_datetime(periods["period"].dropna())
    return (known.min(), known.max()) if len(known) else None


@remember
def tables(selection: Selection) -> list[str]:
    """Return the tables that were profiled."""
    found = load_quality(cached.portfolio(selection), PROFILE, filters=[("segment", "==", "")], columns=["table"])
    return [name for name in ("loans", "performance", "snapshots") if (found["table"] == name).any()]


@remember
def course(selection: Selection, table: str, field: str, segment: str, value: str) -> pd.DataFrame:
    """Return the profile of one field by period in one segment's value ("" and "" for all rows)."""
    filters = [("table", "==", table), ("segment", "==", segment), ("value", "==", value)]
    if field:
        filters.append(("field", "==", field))
    rows = load_quality(cached.portfolio(selection), PROFILE, filters=filters)
    first = rows[rows["field"] == rows["field"].iloc[0]]  # rows are the same for every field
    ordered: pd.DataFrame = first.sort_values(by="period", ignore_index=True)
    return ordered


@remember
def completeness(selection: Selection, table: str, segment: str, value: str) -> pd.DataFrame:
    """Return table, field, period, n and missing of every field of a table, in one segment's value or in all rows."""
    filters = [("table", "==", table), ("segment", "==", segment), ("value", "==", value)]
    names = ["field", "period", "n", "missing", "segment", "value", "table"]
    return load_quality(cached.portfolio(selection), PROFILE, filters=filters, columns=names)


@remember
def segment_values(selection: Selection, table: str, segment: str) -> list[str]:
    """Return the values of a segment in the profile of a table, most rows first."""
    filters = [("table", "==", table), ("segment", "==", segment)]
    rows = load_quality(
        cached.portfolio(selection), PROFILE, filters=filters, columns=["segment", "table", "value", "n"]
    )
    return [str(name) for name in rows.groupby("value")["n"].sum().sort_values(ascending=False).index]


@remember
def segments(selection: Selection, table: str) -> list[str]:
    """Return the segments by which a table was profiled."""
    rows = load_quality(
        cached.portfolio(selection), PROFILE, filters=[("table", "==", table)], columns=["table", "segment"]
    )
    return [str(name) for name in dict.fromkeys(rows["segment"]) if name]


@remember
def rules(selection: Selection) -> pd.DataFrame:
    """Return the rules with what breaks them, worst first."""
    frame = load_quality(cached.portfolio(selection), RULES)
    order = frame.assign(first=(frame["severity"] != "error") & (frame["broken"] > 0), whole=frame["broken"] == 0)
    ordered = order.sort_values(["whole", "first", "share"], ascending=[True, True, False], kind="stable")
    return ordered.drop(columns=["first", "whole"]).reset_index(drop=True)


@remember
def duplicates(selection: Selection) -> pd.DataFrame:
    """Return pairs of loans that are the same or nearly so (see `portfolio.duplicates`)."""
    return load_quality(cached.portfolio(selection), DUPLICATES)


@remember
def delivered(selection: Selection, name: str) -> pd.DataFrame:
    """Return a table that an adapter may have left in the quality folder; empty if there is none."""
    return load_quality(cached.portfolio(selection), name)


def _quarantine(selection: Selection) -> pd.DataFrame:
    """Return the cells that were refused in files and in documents."""
    found = load_quarantine(cached.portfolio(selection))
    documents = load_quality(cached.portfolio(selection), QUARANTINED)
    parts = [part for part in (found, documents) if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else found


@remember
def refused_documents(selection: Selection) -> int:
    """Return in how many lines of the documents something was refused."""
    found = load_quality(cached.portfolio(selection), QUARANTINED)
    return len(found[["file", "line"]].drop_duplicates()) if len(found) else 0


@remember
def quarantine_rules(selection: Selection) -> pd.DataFrame:
    """Return how many cells each rule quarantined in each file (columns file, rule, cells)."""
    found = _quarantine(selection)
    return found.groupby(["file", "rule"], as_index=False, dropna=False).agg(cells=("rule", "size"))


@remember
def quarantined(selection: Selection, rule: str, file: str, rows: int) -> pd.DataFrame:
    """Return the first `rows` quarantined cells of a rule and file ("" for all)."""
    found = _quarantine(selection)
    for name, wanted in (("rule", rule), ("file", file)):
        found = found[found[name] == wanted] if wanted else found
    return found.head(rows).reset_index(drop=True)


@remember
def loans(selection: Selection, ids: tuple[str, ...]) -> pd.DataFrame:
    """Return the rows of some loans: as granted where there is a loans table, else of the latest snapshot."""
    here, portfolio = cached.engine(selection), cached.portfolio(selection)
    table = here.loans() if portfolio.has_history else here.snapshots(portfolio.snapshot_keys()[-1:])
    key = portfolio.schema.id.name
    return here.fetch(table.filter(table[key].cast("string").isin(ids)).order_by(key).limit(50))


@remember
def observed_loan(selection: Selection, loan: str) -> pd.DataFrame:
    """Return one loan's row of the latest snapshot."""
    here, portfolio = cached.engine(selection), cached.portfolio(selection)
    table = here.snapshots(portfolio.snapshot_keys()[-1:])
    return here.fetch(table.filter(table[portfolio.schema.id.name].cast("string") == loan).limit(1))


@remember
def odd_loans(selection: Selection) -> Outliers:
    """Return the oddest loans of the latest snapshot, judged by an isolation forest on at most `SCORED` of them."""
    here, portfolio = cached.engine(selection), cached.portfolio(selection)
    schema = portfolio.schema
    rows = select_rows(here.snapshots(portfolio.snapshot_keys()[-1:]), selection.where)
    fields = [name for name in odd_fields(schema) if name in rows.columns]
    key = rows[schema.id.name].cast("string")
    chosen = rows.select(key.name(schema.id.name), *(name for name in fields if name != schema.id.name))
    count = int(here.fetch(rows.aggregate(n=rows.count()))["n"].iloc[0])
    if count > SCORED:  # by a hash, so that the same loans are judged each time
        digits = (ibis.literal("0x") + chosen[schema.id.name].hexdigest("md5").substr(0, 8)).cast("int64")
        chosen = chosen.filter(digits % 1_000_000 < int(1_000_000 * SCORED / count))
    frame = here.fetch(chosen).sort_values(schema.id.name, ignore_index=True)
    return find_outliers(frame, key=schema.id.name, fields=fields)


def odd_fields(schema: Schema) -> list[str]:
    """Return the fields by which loans are judged odd: features, less those that say where and when, not what."""
    names = [item.name for item in schema.with_role("feature") if item.group != ECONOMY and item.kind != "date"]
    return [name for name in names if name not in RESERVED]


@remember
def latest_count(selection: Selection) -> int:
    """Return how many loans the latest snapshot has in the selection."""
    here, portfolio = cached.engine(selection), cached.portfolio(selection)
    rows = select_rows(here.snapshots(portfolio.snapshot_keys()[-1:]), selection.where)
    return int(here.fetch(rows.aggregate(n=rows.count()))["n"].iloc[0])
