"""How a cell's text becomes a number, a date or a category: SQL expressions over the staged text."""

import datetime
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

MISSING = ("", "NA", "N/A", "#N/A", "NaN", "null", "None", ".")
"""Spellings of a missing value, in any case."""
BLANKS = " \t\r\n\u00a0"
FIRST_DATE, LAST_DATE = datetime.date(1900, 1, 1), datetime.date(2100, 12, 31)
PERIOD_MONTHS = {"month": 1, "quarter": 3, "year": 12}
NUMBER = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"


def quote(text: str) -> str:
    """Return `text` as an SQL string.

    >>> quote("O'Neil")
    "'O''Neil'"
    """
    return "'" + text.replace("'", "''") + "'"


def quote_all(texts: Sequence[str]) -> str:
    """Return texts as an SQL list of strings.

    >>> quote_all(["a", "O'Neil"])
    "['a', 'O''Neil']"
    """
    return f"[{', '.join(map(quote, texts))}]"


def to_number(text: str) -> float | None:
    """Return the number that `text` spells with a decimal point, or None.

    >>> to_number("1.5"), to_number("1_000"), to_number("nan")
    (1.5, None, None)
    """
    value = float(text) if re.fullmatch(NUMBER, text) else math.inf
    return value if math.isfinite(value) else None


@dataclass(frozen=True)
class Spelling:
    """How a file spells missing values and numbers."""

    missing: tuple[str, ...] = MISSING
    decimal: str = "."
    thousands: str = ""

    def text(self, column: str) -> str:
        """Return the SQL for a cell without surrounding blanks, NULL where missing."""
        cell = f"trim({column}, {quote(BLANKS)})"
        # the empty cell is missing whatever the mapping lists: a snapshot knows no empty text
        words = ", ".join(quote(word.lower()) for word in dict.fromkeys(("", *self.missing)))
        return f"CASE WHEN lower({cell}) IN ({words}) THEN NULL ELSE {cell} END"

    def number(self, text: str) -> str:
        """Return the SQL for the finite number that the SQL `text` spells, NULL where it spells none."""
        point = re.escape(self.decimal)
        pattern = NUMBER.replace(r"\.", point)
        plain = text
        if self.thousands:
            mark = re.escape(self.thousands)
            grouped = rf"[+-]?[0-9]{{1,3}}({mark}[0-9]{{3}})+({point}[0-9]*)?"
            pattern = f"({pattern})|({grouped})"
            plain = f"replace({plain}, {quote(self.thousands)}, '')"
        if self.decimal != ".":
            plain = f"replace({plain}, {quote(self.decimal)}, '.')"
        value = f"TRY_CAST({plain} AS DOUBLE)"
        return f"CASE WHEN regexp_full_match({text}, {quote(pattern)}) AND isfinite({value}) THEN {value} END"


def scaled(number: str, scale: float) -> str:
    """Return the SQL for `number` times `scale`; 0.01 divides by 100, which rounds correctly (57 % is 0.57)."""
    inverse = round(1 / scale) if scale else 0
    if scale == 1:
        return number
    if inverse > 1 and math.isclose(1 / scale, inverse, rel_tol=1e-12):
        return f"({number}) / {inverse}.0"
    return f"({number}) * {scale!r}"


def date(text: str, form: str = "") -> str:
    """Return the SQL for the date in `text`: ISO, a time of day after it is dropped; or by `form` (strptime)."""
    if form:
        return f"TRY_CAST(try_strptime({text}, {quote(form)}) AS DATE)"
    return (
        f"CASE WHEN regexp_full_match({text}, '[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}([ T][0-9:.+Zz -]*)?') "
        f"THEN TRY_CAST(left({text}, 10) AS DATE) END"
    )


def period_date(number: str, period: str, start: datetime.date) -> str:
    """Return the SQL for the date of period `number`, where period 1 is `start`; month ends stay month ends."""
    months = PERIOD_MONTHS[period]
    shift = f"CAST(({number} - 1) * {months} AS INTEGER)"
    moved = f"CAST(DATE '{start.replace(day=1)}' + to_months({shift}) AS DATE)"
    at_end = (start + datetime.timedelta(days=1)).day == 1
    moved = f"last_day({moved})" if at_end else f"CAST(DATE '{start}' + to_months({shift}) AS DATE)"
    # 2,400 months either way stays inside DuckDB's dates; the range check refuses the rest
    whole = f"{number} = trunc({number}) AND abs({number}) <= {2400 // months}"
    return f"CASE WHEN {whole} THEN {moved} END"


def rounded_date(expression: str, by: str) -> str:
    """Return the SQL for the last day of the date's month, quarter or year; the date itself for "day"."""
    if by == "day":
        return expression
    months = PERIOD_MONTHS[by]
    return f"last_day(CAST(date_trunc('{by}', {expression}) + to_months({months - 1}) AS DATE))"
