"""Months as numbers: a month's place in time, so that differences are counts of months, not of rows."""

import calendar
import datetime

import ibis.expr.types as ir


def month_index(date: ir.DateValue) -> ir.IntegerValue:
    """Return a date's month as one number that grows by one a month."""
    return date.year() * 12 + date.month() - 1


def month_count(date: datetime.date) -> int:
    """Return a date's month as the number that `month_index` gives in a query.

    >>> month_count(datetime.date(2024, 3, 31)) - month_count(datetime.date(2023, 12, 31))
    3
    """
    return date.year * 12 + date.month - 1


def month_end(count: int) -> datetime.date:
    """Return the last day of the month with that number.

    >>> str(month_end(month_count(datetime.date(2024, 2, 1))))
    '2024-02-29'
    """
    year, month = divmod(count, 12)
    return datetime.date(year, month + 1, calendar.monthrange(year, month + 1)[1])
