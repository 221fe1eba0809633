"""The rules on a loan's months taken together: in order, without gaps or repetition, within the loan's life."""

from typing import Literal

import ibis
import ibis.expr.types as ir

from portfolio.months import month_index
from portfolio.schema import Schema
from portfolio.snapshots import ENDED

GROWTH = 1.1  # a balance this many times the amount granted is beyond interest and costs added to it

LoanRule = tuple[str, str, Literal["error", "warning"], str, ir.BooleanValue]


def summarise_loans(performance: ir.Table, key: str) -> ir.Table:
    """Return one row a loan: first and last month (as numbers), rows, sums of months and squares, when ended, peak."""
    index = month_index(performance.month).cast("int64") - 24_000  # small numbers: their squares are summed
    ends = performance.event.isin(ENDED)
    return performance.group_by(key).aggregate(
        first=index.min(), last=index.max(), rows=performance.count(), total=index.sum(), squares=(index * index).sum(),
        ended=index.min(where=ends), peak=performance.balance.max(),
    )  # fmt: skip


def loan_rules(
    months: ir.Table, performance: ir.Table, loans: ir.Table, schema: Schema
) -> tuple[ir.Table, list[LoanRule]]:
    """Return the loans' summaries joined to what was granted, and the rules on them (see `quality_rules.Rule`).

    Months that fill first to last exactly once have as many rows as months, and the sum and the sum of squares of
    an unbroken run; only where they differ are a loan's different months counted.
    """
    key = schema.id.name
    granted = schema.meaning("origination_date")
    date = granted.name if granted else "origination_date"
    known = [name for name in (date, "original_balance") if name in loans.columns]
    span = months.last - months.first + 1
    squares = _sum_of_squares(months.last) - _sum_of_squares(months.first - 1)
    whole = (
        (months.rows == span) & (months.total * 2 == span * (months.first + months.last)) & (months.squares == squares)
    )
    odd = months.filter(~whole).select(key)
    counted = performance.semi_join(odd, key).group_by(key).agg(different=month_index(ibis._.month).nunique())
    table = months.mutate(span=span).left_join(counted, key).drop(f"{key}_right")
    table = table.left_join(loans.select(key, *known).mutate(is_known=True), key)
    different = table.different.fill_null(table.rows)
    rules: list[LoanRule] = [
        ("month gaps", "month", "error", "A loan's months must follow each other without a gap",
         different < table.span),
        ("repeated months", "month", "error", "A loan must have one row a month", different < table.rows),
        ("rows after the end", "event, month", "error", "A loan that has ended must have no later months",
         (table.ended < table.last).fill_null(False)),
        ("unknown loan", key, "error", "Every month must belong to a loan of the loans table", table.is_known.isnull()),
    ]  # fmt: skip
    if date in known:
        early = table.first < month_index(table[date].cast("date")).cast("int64") - 24_000
        rules.append(("months before origination", f"month, {date}", "error",
                      "A loan must have no months before it is granted", early))  # fmt: skip
    if "original_balance" in known:
        above = table.peak.cast("float64") > GROWTH * table.original_balance
        rules.append(("balance above the original", "balance, original_balance", "warning",
                      f"A balance should not exceed {GROWTH:g} times the amount granted", above))  # fmt: skip
    return table, rules


def _sum_of_squares(last: ir.IntegerValue) -> ir.IntegerValue:
    """Return 1² + 2² + … + last²; differences of it are right for negative numbers too."""
    return (last * (last + 1) * (2 * last + 1) / 6).round().cast("int64")
