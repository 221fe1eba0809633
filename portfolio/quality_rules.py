"""The rules that a portfolio's rows must keep: types, ranges, categories and keys from the schema, dates in order.

A rule exists only where its fields do. Rules on rows are counted in one pass over each table; rules on a loan's
months in one more, grouped by loan. Nothing is changed: what is broken is counted, with examples.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import ibis
import ibis.expr.types as ir
import pandas as pd

from portfolio.atomic import replace_file
from portfolio.loan_rules import loan_rules, summarise_loans
from portfolio.progress import Report, silent
from portfolio.schema import OBSERVATION_DATE, RESERVED, Field, Schema
from portfolio.scratch import open_scratch
from portfolio.snapshots import ENDED

RULES = "rules.parquet"
EXAMPLES = 20
COLUMNS = ("rule", "table", "fields", "severity", "description", "checked", "broken", "share", "examples")
Severity = Literal["error", "warning"]
_KINDS: dict[str, Callable[[Any], bool]] = {
    "number": lambda kind: bool(kind.is_numeric() or kind.is_boolean()),
    "category": lambda kind: not kind.is_temporal(),
    "date": lambda kind: bool(kind.is_temporal()),
}


@dataclass(frozen=True)
class Rule:
    """One rule on the rows of a table: what it is called, in words, and which rows break it."""

    rule: str
    fields: str
    severity: Severity
    description: str
    broken: ir.BooleanValue


def build_rules(folder: Path, schema: Schema, *, report: Report = silent, memory_limit: str = "3GB") -> None:
    """Write quality/rules.parquet of the portfolio in `folder`: one row a rule, see `check_rules`."""
    (folder / "quality").mkdir(parents=True, exist_ok=True)
    with replace_file(folder / "quality" / RULES) as target:
        check_rules(folder, schema, report=report, memory_limit=memory_limit).to_parquet(target, index=False)


def check_rules(folder: Path, schema: Schema, *, report: Report = silent, memory_limit: str = "3GB") -> pd.DataFrame:
    """Return one row a rule.

    Columns: rule, table, fields, severity ("error" or "warning"), description, checked and broken (rows, or loans for
    rules on a loan's months), share, examples (up to 20 ids, joined by commas).
    """
    with open_scratch(folder, memory_limit) as backend:
        rows = list(_check(backend, folder, schema, report))
    report(1.0, "checked the rules")
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.assign(share=frame["broken"] / frame["checked"].where(frame["checked"] > 0))


def _check(backend: Any, folder: Path, schema: Schema, report: Report) -> Iterator[dict[str, Any]]:
    delivered: set[str] = set()
    key = schema.id.name
    if list((folder / "performance").glob("year=*/*.parquet")):
        report(0.0, "checking every month against the rules")
        table = backend.read_parquet(str(folder / "performance" / "year=*" / "*.parquet"), hive_partitioning=False)
        rules = _field_rules(table, schema, set())
        rules += _month_rules(table, {(rule.rule, rule.fields) for rule in rules})
        yield from _count(table, "performance", rules, [key, "month"])
        report(0.5, "checking the order of every loan's months")
        loans = backend.read_parquet(str(folder / "loans.parquet"))
        months = backend.create_table("loan_months", summarise_loans(table, key), temp=True)
        joined, of_loans = loan_rules(months, table, loans, schema)
        yield from _count(joined, "performance", [Rule(*rule) for rule in of_loans], [key])
        delivered |= set(table.columns)
    if (folder / "loans.parquet").exists():
        loans = backend.read_parquet(str(folder / "loans.parquet"))
        rules = [*_field_rules(loans, schema, set()), *_date_rules(loans, schema)]
        yield from _count(loans, "loans", rules, [key])
        yield from _check_keys(loans, "loans", [key])
        delivered |= set(loans.columns)
    files = [str(path) for path in sorted((folder / "snapshots").glob("*.parquet"))]
    if files:
        report(0.8, "checking the snapshots")
        table = backend.read_parquet(files, union_by_name=True)
        keys = [key, OBSERVATION_DATE]
        rules = _field_rules(table, schema, delivered)
        rules += [] if delivered else _date_rules(table, schema)
        yield from _count(table, "snapshots", rules, keys if len(files) > 1 else [key])
        if not delivered:  # snapshots of a history are made from the loans, whose keys have been checked
            yield from _check_keys(table, "snapshots", keys)


def _field_rules(table: ir.Table, schema: Schema, elsewhere: set[str]) -> list[Rule]:
    """Return the rules that single fields of a table must keep; those in `elsewhere` are checked there."""
    rules: list[Rule] = []
    for item in schema.fields:
        if item.name in table.columns and item.name not in elsewhere | set(RESERVED):
            rules += _rules_of(table, item)
    return rules


def _rules_of(table: ir.Table, item: Field) -> Iterator[Rule]:
    value, name, label = table[item.name], item.name, item.label
    if not _KINDS[item.kind](value.type()):
        every = value.isnull() | value.notnull()
        yield Rule("type", name, "error", f"{label} must be a {item.kind}, and is {value.type()}", every)
        return
    if "id" in item.roles:
        empty = value.isnull() | (value.cast("string").strip() == "")
        yield Rule("missing key", name, "error", f"{label} must not be empty", empty)
    if item.kind == "number" and "target" in item.roles:
        yield Rule("range", name, "error", f"{label} must be 0 or 1, or unknown", value.cast("float64").notin([0, 1]))
    elif item.kind == "number":
        number = value.cast("float64")  # NaN is missing, and DuckDB takes it for the largest number
        yield from _range_rules(number.isnan().ifelse(ibis.null("float64"), number), item)
    if item.categories and item.kind == "category":
        outside = value.cast("string").notin(item.categories)
        known = f"{len(item.categories)} known values"
        yield Rule("category", name, "error", f"{label} must be one of its {known}", outside)


def _range_rules(value: ir.FloatingValue, item: Field) -> Iterator[Rule]:
    name, label = item.name, item.label
    if item.minimum is not None:
        yield Rule("minimum", name, "error", f"{label} must be at least {item.minimum:g}", value < item.minimum)
    elif "exposure" in item.roles:
        yield Rule("minimum", name, "error", f"{label} must not be negative", value < 0)
    if item.maximum is not None:
        yield Rule("maximum", name, "error", f"{label} must be at most {item.maximum:g}", value > item.maximum)
    per_cent = {"share": 1.0, "%": 100.0}.get(item.unit)
    if item.meaning == "rate" and per_cent:
        odd = (value < -0.02 * per_cent) | (value > 0.3 * per_cent)
        yield Rule("plausible rate", name, "warning", f"{label} should lie between −2 % and 30 %", odd)
    if item.meaning == "income":
        yield Rule("plausible income", name, "warning", f"{label} should be above 0", value <= 0)
    if item.meaning == "age":
        odd = (value < 18) | (value > 110)
        yield Rule("plausible age", name, "warning", f"{label} should lie between 18 and 110", odd)


def _date_rules(table: ir.Table, schema: Schema) -> list[Rule]:
    """Return the rules on a loan's dates."""
    granted, matures = schema.meaning("origination_date"), schema.meaning("maturity_date")
    rules = []
    if granted and granted.name in table.columns:
        empty = table[granted.name].isnull()
        rules.append(Rule("missing date", granted.name, "error", f"{granted.label} must not be empty", empty))
        if matures and matures.name in table.columns:
            early = table[matures.name] <= table[granted.name]
            text = f"{matures.label} must come after {granted.label}"
            rules.append(Rule("maturity before origination", f"{granted.name}, {matures.name}", "error", text, early))
        if OBSERVATION_DATE in table.columns:
            early = table[OBSERVATION_DATE] < table[granted.name]
            text = f"{granted.label} must not come after the observation date"
            rules.append(Rule("observed before origination", granted.name, "error", text, early))
    return rules


def _month_rules(table: ir.Table, known: set[tuple[str, str]]) -> list[Rule]:
    """Return the rules on single rows of the performance table, less those that the schema's ranges have made."""
    days, status, event = table.days_past_due, table.status, table.event.fill_null("")
    late = (status == "performing") & (days >= 30) & (event != "cured")
    lenient = (days >= 90) & (status != "default")
    ended = event.isin(["prepaid", "matured"]) & (table.balance > 0.01)
    unknown = days.isnull() & (status != "default").fill_null(True) & event.notin(ENDED)
    negative = Rule("minimum", "balance", "error", "Balance must not be negative", table.balance < 0)
    tomorrow = table.month.cast("date") + ibis.interval(days=1)
    return [
        *([] if ("minimum", "balance") in known else [negative]),
        Rule("month end", "month", "error", "The month must be the last day of a month", tomorrow.day() != 1),
        Rule("status against arrears", "status, days_past_due", "error",
             "A performing loan must be less than 30 days past due", late),
        Rule("arrears unknown", "days_past_due", "warning",
             "Days past due should be known; the pages count a loan as current while they are not", unknown),
        Rule("default not marked", "status, days_past_due", "error",
             "A loan 90 days past due or more must have the status default", lenient),
        Rule("balance after the end", "event, balance", "warning",
             "A loan that is prepaid or matured should owe nothing", ended),
    ]  # fmt: skip


def _count(table: ir.Table, name: str, rules: Sequence[Rule], keys: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Count all rules in one pass, and yield them with examples of the rows that break them."""
    sums = {f"r{place}": rule.broken.fill_null(False).sum() for place, rule in enumerate(rules)}
    found = table.aggregate(rows=table.count(), **sums).to_pyarrow().to_pandas().iloc[0]
    for place, rule in enumerate(rules):
        broken = int(found[f"r{place}"]) if pd.notna(found[f"r{place}"]) else 0
        examples = _examples(table.filter(rule.broken.fill_null(False)), keys) if broken else ""
        yield _words(rule) | {"table": name, "checked": int(found["rows"]), "broken": broken, "examples": examples}


def _words(rule: Rule) -> dict[str, Any]:
    """Return a rule's words as plain data, without its expression."""
    return {name: getattr(rule, name) for name in ("rule", "fields", "severity", "description")}


def _examples(rows: ir.Table, keys: Sequence[str]) -> str:
    found = rows.select(*keys).limit(EXAMPLES).to_pyarrow().to_pandas()
    return ", ".join(" ".join(str(part).removesuffix(" 00:00:00") for part in row) for row in found.to_numpy())


def _check_keys(table: ir.Table, name: str, keys: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the rule that a key stands once: the rows beyond the first are broken."""
    counted = table.group_by(*keys).agg(rows=ibis._.count())
    twice = counted.filter(counted.rows > 1)
    extra = twice.aggregate(extra=(twice.rows - 1).sum().fill_null(0)).to_pyarrow().to_pandas().iloc[0]["extra"]
    what = "id" if len(keys) == 1 else "id and observation date"
    rule = Rule("unique key", ", ".join(keys), "error", f"A row's {what} must stand once", ibis.literal(False))
    examples = _examples(twice, keys) if extra else ""
    rows = int(table.count().to_pyarrow().as_py())
    yield _words(rule) | {"table": name, "checked": rows, "broken": int(extra), "examples": examples}
