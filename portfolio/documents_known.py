"""What documents said of a loan at a date: the fields of documents.parquet as they were known then.

Only documents dated on or before the date are seen, so that nothing later, a new valuation say, enters a snapshot.
"""

import calendar
import datetime

import ibis
import ibis.expr.types as ir

from portfolio.documents import DATE, KIND, PLACE
from portfolio.schema import ALWAYS, Field, Schema

LOAN = "document_loan"


TYPES = {"number": "float64", "category": "string", "date": "date"}


def join_documents(table: ir.Table, documents: ir.Table | None, schema: Schema, date: datetime.date | None) -> ir.Table:
    """Return `table` (with the schema's id) and the fields that documents give, as known at `date` (None: ever).

    `documents` is documents.parquet; without it, or where a kind has no documents at all, its fields are missing:
    that is a gap in the delivery, not a count of zero.
    """
    fields = schema.from_documents()
    if not fields:
        return table
    key = schema.id.name
    table = table.drop(*[item.name for item in fields if item.name in table.columns])
    held = [item for item in fields if documents is not None and item.name in documents.columns]
    if documents is not None and held:
        known = known_at(documents, held, key, date)
        table = table.left_join(known, table[key].cast("string") == known[LOAN])
    cells = {item.name: _cell(table, item, item in held) for item in fields}
    return table.select(*[name for name in table.columns if name not in (LOAN, *cells)], **cells)


def _cell(table: ir.Table, item: Field, held: bool) -> ir.Value:
    """Return a field's column; a loan without documents has a count of zero, all else is missing."""
    if not held:
        return ibis.null(TYPES[item.kind])
    return table[item.name].fill_null(0) if counts_documents(item) else table[item.name]


def counts_documents(item: Field) -> bool:
    """Return whether a field counts a loan's documents, so that none are zero."""
    return item.reduction == "count" and not item.document_path.in_list


def known_at(documents: ir.Table, fields: list[Field], key: str, date: datetime.date | None) -> ir.Table:
    """Return one row a loan: `fields` from its documents dated on or before `date`, and from those never dated."""
    rows = documents
    if date is not None:
        always = sorted({item.document_path.kind for item in fields if item.as_of == ALWAYS})
        on_time = rows[DATE] <= ibis.literal(date, "date")
        rows = rows.filter(on_time | rows[KIND].isin(always) if always else on_time)
    return rows.group_by(**{LOAN: rows[key].cast("string")}).aggregate(
        **{item.name: reduce_documents(rows, item, date) for item in fields}
    )


def reduce_documents(rows: ir.Table, item: Field, date: datetime.date | None) -> ir.Value:
    """Return the aggregate that makes one value of what a loan's documents give to a field.

    A field's column has values in the rows of its own kind only.
    """
    value = rows[item.name]
    where = value.notnull()
    if item.window_months and date is not None:
        where = where & (rows[DATE] > ibis.literal(months_before(date, item.window_months), "date"))
    how = "last" if item.document_path.in_list else item.reduction
    if how == "months_since":
        if date is None:
            return ibis.null("float64")
        latest = rows[DATE].max(where=where)
        return ((date.year - latest.year()) * 12 + date.month - latest.month()).cast("float64")
    if how in ("first", "last"):
        return value.argmin(rows[PLACE], where=where) if how == "first" else value.argmax(rows[PLACE], where=where)
    if how in ("count", "sum"):
        return value.sum(where=where)
    if how in ("mean", "share"):
        return value.mean(where=where)
    return value.min(where=where) if how == "min" else value.max(where=where)


def months_before(date: datetime.date, months: int) -> datetime.date:
    """Return the day `months` before `date`; a month end stays a month end.

    >>> str(months_before(datetime.date(2021, 2, 28), 12)), str(months_before(datetime.date(2021, 5, 31), 1))
    ('2020-02-29', '2021-04-30')
    """
    year, month = divmod(date.year * 12 + date.month - 1 - months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    at_end = date.day == calendar.monthrange(date.year, date.month)[1]
    return datetime.date(year, month + 1, last if at_end else min(date.day, last))
