"""Loans that stand twice: the same in every field but the id, or nearly so.

Comparing every loan with every other is out of reach, so near-duplicates are looked for within blocks: granted in the
same month, in the same place, for an amount in the same band of 5 per cent. A pair that straddles a band's edge is
missed; what is reported was compared field by field.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from portfolio.atomic import replace_file
from portfolio.progress import Report, silent
from portfolio.schema import RESERVED, Schema
from portfolio.scratch import open_scratch

DUPLICATES = "duplicates.parquet"
BAND = 0.05  # of the amount, in logarithms
CLOSE = 0.005  # numbers that differ by less than this share agree
ALIKE = 0.9  # share of fields that must agree
LEAST_FIELDS = 8  # fewer fields are alike by chance
PAIRS = 20_000_000  # compared at most; blocks are made finer until they hold no more
KEPT = 5_000  # pairs written at most
COLUMNS = ("kind", "loan", "other", "alike", "compared", "differs")


def build_duplicates(folder: Path, schema: Schema, *, report: Report = silent, memory_limit: str = "3GB") -> None:
    """Write quality/duplicates.parquet of the portfolio in `folder`: one row a pair, see `find_duplicates`."""
    (folder / "quality").mkdir(parents=True, exist_ok=True)
    with replace_file(folder / "quality" / DUPLICATES) as target:
        find_duplicates(folder, schema, report=report, memory_limit=memory_limit).to_parquet(target, index=False)


def find_duplicates(
    folder: Path, schema: Schema, *, report: Report = silent, memory_limit: str = "3GB"
) -> pd.DataFrame:
    """Return one row a pair of loans, identical ones first, then by likeness; at most `KEPT`.

    Columns: kind ("identical" or "near"), loan and other (ids; of more than two identical loans, the first and each
    other), alike (share of the compared fields that agree), compared (fields), differs (the fields that do not, joined
    by commas). A table with several observation dates is searched at its latest.
    """
    report(0.0, "looking for duplicate loans")
    file = folder / "loans.parquet"
    files = [file] if file.exists() else sorted((folder / "snapshots").glob("*.parquet"))[-1:]
    if not files:
        return pd.DataFrame(columns=list(COLUMNS))
    with open_scratch(folder, memory_limit) as backend:
        table = backend.read_parquet(str(files[0]))
        fields = _compared(table, schema)
        found = [_identical(table, schema.id.name, fields), _near(backend, table, schema, fields)]
    report(1.0, "looked for duplicate loans")
    frame = pd.concat(found, ignore_index=True)[list(COLUMNS)]
    pairs: pd.DataFrame = frame.drop_duplicates(["loan", "other"]).head(KEPT).reset_index(drop=True)
    return pairs


def _compared(table: ir.Table, schema: Schema) -> list[str]:
    """Return the fields that say something of a loan: not its id, nor another number that names something."""
    known = {item.name: item for item in schema.fields}
    names = []
    for name in table.columns:
        item = known.get(name)
        names_things = item is not None and ("id" in item.roles or (item.kind == "category" and not item.categories
                                                                     and "ignore" in item.roles))  # fmt: skip
        if name not in RESERVED and not names_things:
            names.append(name)
    return names


def _identical(table: ir.Table, key: str, fields: Sequence[str]) -> pd.DataFrame:
    same = table.group_by(*fields).agg(found_rows=ibis._.count(), loan=ibis._[key].cast("string").min())
    twice = same.filter(same.found_rows > 1)
    if not fields or not int(twice.count().to_pyarrow().as_py()):
        return pd.DataFrame(columns=list(COLUMNS))
    conditions = [table[name].identical_to(twice[name]) for name in fields]
    pairs = table.inner_join(twice, conditions).select(other=table[key].cast("string"), loan=twice.loan)
    rows = pairs.filter(pairs.other != pairs.loan).order_by("loan", "other").limit(KEPT).to_pyarrow().to_pandas()
    found: pd.DataFrame = rows.assign(kind="identical", alike=1.0, compared=len(fields), differs="")
    return found


def _near(backend: Any, table: ir.Table, schema: Schema, fields: Sequence[str]) -> pd.DataFrame:
    """Return the pairs within blocks that agree in `ALIKE` of the fields or more; none without an amount."""
    blocks, spare = _blocks(table, schema)
    rest = [name for name in fields if name not in blocks]
    key = table[schema.id.name].cast("string")
    values = {f"f{place}": table[name] for place, name in enumerate(rest)}
    while blocks and len(rest) >= LEAST_FIELDS:
        named = {f"b{place}": value for place, value in enumerate(blocks.values())}
        if _count_pairs(table.group_by(**named).agg(size=ibis._.count().cast("float64"))) <= PAIRS:
            rows = backend.create_table("blocked", table.select(loan=key, **named, **values), temp=True)
            return _compare(rows, list(named), rest)
        if not spare:
            break
        finer = spare.pop(0)
        blocks[finer] = table[finer]
    return pd.DataFrame(columns=list(COLUMNS))


def _blocks(table: ir.Table, schema: Schema) -> tuple[dict[str, ir.Value], list[str]]:
    """Return what makes a block (name to expression), and the segments that can make it finer."""
    amount = "original_balance" if "original_balance" in table.columns else schema.exposure and schema.exposure.name
    if not amount or amount not in table.columns:
        return {}, []
    band = (table[amount].cast("float64").nullif(0).abs().ln() / BAND).floor()
    blocks: dict[str, ir.Value] = {f"{amount} in bands": band}
    place, granted = schema.meaning("region"), schema.meaning("origination_date")
    if granted and granted.name in table.columns:
        blocks[f"{granted.name} in months"] = table[granted.name].cast("date").truncate("M")
    if place and place.name in table.columns:
        blocks[place.name] = table[place.name]
    return blocks, [name for name in schema.names("segment") if name in table.columns and name not in blocks]


def _count_pairs(sizes: ir.Table) -> float:
    pairs = sizes.aggregate(pairs=(sizes.size * (sizes.size - 1) / 2).sum().fill_null(0.0))
    return float(pairs.to_pyarrow().to_pandas()["pairs"].iloc[0])


def _compare(rows: ir.Table, keys: Sequence[str], rest: Sequence[str]) -> pd.DataFrame:
    """Return the alike pairs of `rows`, whose columns are loan, the blocks' keys, and the fields as f0, f1, …"""
    second = rows.view()
    names = [f"f{place}" for place in range(len(rest))]
    pairs = rows.join(second, [*(rows[name].identical_to(second[name]) for name in keys), rows.loan < second.loan],
                      lname="", rname="{name}_other")  # fmt: skip
    same = {name: _agree(pairs[name], pairs[f"{name}_other"]).cast("int8") for name in names}
    flagged = pairs.select(loan=pairs.loan, other=pairs.loan_other, **same)
    alike = sum((flagged[name] for name in names[1:]), flagged[names[0]].cast("int64")) / len(names)
    near = flagged.mutate(alike=alike).filter(ibis._.alike >= ALIKE).order_by(ibis.desc("alike"), "loan", "other")
    found = near.limit(KEPT).to_pyarrow().to_pandas()
    differs = [", ".join(field for field, agrees in zip(rest, row, strict=True) if not agrees)
               for row in found[names].to_numpy()]  # fmt: skip
    near_pairs: pd.DataFrame = found[["loan", "other", "alike"]].assign(
        kind="near", compared=len(rest), differs=differs
    )
    return near_pairs


def _agree(one: ir.Value, other: ir.Value) -> ir.BooleanValue:
    """Say whether two values agree: both missing, equal, or numbers within half a per cent of each other."""
    if not one.type().is_numeric():
        return one.identical_to(other)
    a, b = one.cast("float64"), other.cast("float64")
    close = (a - b).abs() <= CLOSE * ibis.greatest(a.abs(), b.abs())
    return (one.isnull() & other.isnull()) | close.fill_null(False)
