"""Numbers in words: every value with its unit and with no more digits than it can bear."""

import datetime
import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

SIGNS = {"EUR": "€", "GBP": "£", "USD": "$"}
MISSING = "not known"
_STEPS = ((1e9, "bn"), (1e6, "m"), (1e3, "k"))


def format_number(value: float, digits: int | None = None) -> str:
    """Return a plain number with thousands separators; without `digits`, as many as it can bear.

    >>> format_number(12345.678), format_number(3.14159), format_number(0.00321), format_number(0.62, 3)
    ('12,346', '3.1', '0.0032', '0.620')
    """
    if not math.isfinite(value):
        return MISSING
    places = _digits(value) if digits is None else digits
    text = f"{value:,.{places}f}"
    if digits is None and "." in text and float(value).is_integer():
        text = text.partition(".")[0]
    return text.replace("-", "−") if float(text.replace(",", "")) else text.replace("-", "")


def _digits(value: float) -> int:
    """Two significant digits below 1, one decimal below 20, none above."""
    size = abs(value)
    if size >= 20 or size == 0:
        return 0
    return 1 if size >= 1 else min(8, 1 - math.floor(math.log10(size)))


def format_share(value: float, digits: int | None = None) -> str:
    """Return a fraction as a percentage.

    >>> format_share(0.0071), format_share(0.124), format_share(0.96), format_share(0.0071, 1)
    ('0.71 %', '12.4 %', '96 %', '0.7 %')
    """
    if not math.isfinite(value):
        return MISSING
    return f"{format_number(100 * value, _digits(100 * value) if digits is None else digits)} %"


def format_points(change: float, like: float | None = None) -> str:
    """Return a change of a fraction in percentage points, with its sign, in the digits that `like` would have.

    >>> format_points(0.000334), format_points(-0.0124), format_points(0.0), format_points(0.0000027, like=0.000334)
    ('+0.033 pp', '−1.2 pp', '0 pp', '0.000 pp')
    """
    if not math.isfinite(change):
        return MISSING
    text = format_number(100 * change, None if like is None else _digits(100 * like))
    return f"{'+' if change > 0 and any(digit in text for digit in '123456789') else ''}{text} pp"


def format_money(value: float, currency: str = "EUR") -> str:
    """Return an amount with k, m or bn and three significant digits.

    >>> format_money(1234567890), format_money(253_400), format_money(999_999), format_money(-850, "CHF")
    ('€1.23bn', '€253k', '€1.00m', '−CHF 850')
    """
    if not math.isfinite(value):
        return MISSING
    mark = SIGNS.get(currency, f"{currency} ")
    sign, size = ("−" if value < 0 else ""), abs(value)
    for step, name in _STEPS:
        if size >= step * 0.9995:  # what three digits would round up to the next name
            scaled = size / step
            places = 2 if scaled < 9.995 else 1 if scaled < 99.95 else 0
            return f"{sign}{mark}{scaled:,.{places}f}{name}"
    return f"{sign}{mark}{size:,.0f}"


def format_value(value: Any, unit: str = "") -> str:
    """Return a field's value as its unit asks: share, %, a currency's three letters, or a plain word.

    Words and dates come back as they are; None and NaN as "not known".

    >>> format_value(0.96, "share"), format_value(3.5, "%"), format_value(181000, "EUR")
    ('96 %', '3.5 %', '€181k')
    >>> format_value(27, "months"), format_value("fixed"), format_value(None), format_value(1, "years")
    ('27 months', 'fixed', 'not known', '1 year')
    """
    if pd.isna(value) or isinstance(value, (str, datetime.date)):
        return _format_word(value)
    number = float(value)
    if unit == "share":
        return format_share(number)
    if len(unit) == 3 and unit.isupper():
        return format_money(number, unit)
    text = format_number(number)
    if not unit or text == MISSING:
        return text
    return f"{text} {unit.removesuffix('s') if number == 1 and len(unit) > 1 else unit}"


def _format_word(value: Any) -> str:
    if isinstance(value, str):
        return value
    return MISSING if pd.isna(value) else f"{value:%Y-%m-%d}"


def format_interval(low: float, high: float, unit: str = "", digits: int | None = None) -> str:
    """Return an interval in square brackets, both ends with the same digits.

    >>> format_interval(0.601, 0.639), format_interval(0.0062, 0.0081, "share"), format_interval(2.0, 310.4)
    ('[0.60, 0.64]', '[0.62 %, 0.81 %]', '[2, 310]')
    """
    if not (math.isfinite(low) and math.isfinite(high)):
        return "[not known]"
    scale, suffix = (100, " %") if unit == "share" else (1, f" {unit}" if unit else "")
    places = _digits(max(abs(low), abs(high)) * scale) if digits is None else digits
    return f"[{format_number(low * scale, places)}{suffix}, {format_number(high * scale, places)}{suffix}]"


def format_pd_business(rate: float, subject: str = "customers") -> str:
    """Return a PD as people in a crowd.

    >>> format_pd_business(0.0071), format_pd_business(0.31), format_pd_business(0.00042)
    ('7 of 1,000 customers', '31 of 100 customers', '4 of 10,000 customers')
    >>> format_pd_business(0.00001), format_pd_business(0.999)
    ('fewer than 1 of 10,000 customers', 'more than 99 of 100 customers')
    """
    if not math.isfinite(rate):
        return MISSING
    if rate * 10_000 <= 0.5:
        return f"fewer than 1 of 10,000 {subject}"
    if rate >= 0.995:
        return f"more than 99 of 100 {subject}"
    crowd = 100 if rate >= 0.095 else 1_000 if rate >= 0.00095 else 10_000
    return f"{round(rate * crowd):,} of {crowd:,} {subject}"


def format_p_value(p: float) -> str:
    """Return a p-value with an honest number of digits.

    >>> format_p_value(0.0271757), format_p_value(0.00001), format_p_value(0.61)
    ('p = 0.027', 'p < 0.001', 'p = 0.61')
    """
    if not math.isfinite(p):
        return "p not known"
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def format_factor(factor: float) -> str:
    """Return a factor with two significant digits.

    >>> format_factor(1.8221), format_factor(12.34), format_factor(1.04)
    ('1.8', '12', '1.04')
    """
    return f"{factor:.2f}" if factor < 1.1 else f"{factor:.1f}" if factor < 9.95 else f"{factor:,.0f}"


def format_month(date: datetime.date) -> str:
    """Return a date as month and year.

    >>> format_month(datetime.date(2026, 6, 30))
    'June 2026'
    """
    return f"{date:%B %Y}"


def format_list(words: Sequence[str]) -> str:
    """Return words joined as in a sentence.

    >>> format_list(["Lazio", "Campania", "Sicily"]), format_list(["Lazio"]), format_list([])
    ('Lazio, Campania and Sicily', 'Lazio', '')
    """
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"
