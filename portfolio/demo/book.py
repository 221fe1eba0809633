"""The demo's loans as they are when granted: who borrows, how much, against what, on which terms.

`draw_book` draws one chunk. Distributions by country are calibrated to DATA section 3 of the design notes
(Netherlands: loan-to-value about .81 on average and at most 1.06, loan-to-income about 3.8, fixed ten years
and more; Belgium: over a third above 90 % loan-to-value before 2020; Italy: mostly up to 80 %, a third variable).
"""

from dataclasses import dataclass

import numpy as np

from portfolio.demo.arrays import BoolArray, FloatArray, IntArray
from portfolio.demo.borrowers import Borrowers, draw_borrowers
from portfolio.demo.macro import LAST_MONTH, Macro, month_number

CHANNELS = ("branch", "broker", "online")
PROPERTY_TYPES = ("house", "apartment", "other")
ENERGY_LABELS = ("A", "B", "C", "D", "E", "F", "G")
YES_NO = ("no", "yes")
RATE_TYPES = ("fixed", "variable")
OCCUPANCIES = ("owner-occupied", "buy-to-let")
GUARANTEES = ("none", "NHG")
UNKNOWN = -1  # a category that the file leaves empty

# Per country: Netherlands, Belgium, Italy.
VARIABLE_SHARE = (0.08, 0.06, 0.34)
CHANNEL_SHARES = ((0.27, 0.58, 0.15), (0.62, 0.28, 0.10), (0.58, 0.27, 0.15))
HOUSE_SHARES = ((0.68, 0.30, 0.02), (0.70, 0.27, 0.03), (0.30, 0.67, 0.03))
LETTING_SHARE = (0.05, 0.07, 0.06)
TERM_YEARS = ((20, 25, 30), (15, 20, 25), (15, 20, 25, 30))
TERM_SHARES = ((0.10, 0.12, 0.78), (0.20, 0.46, 0.34), (0.15, 0.30, 0.37, 0.18))
FIXED_YEARS = ((5, 10, 20, 30), (10, 20, 30), (30,))  # 30: for the whole term
FIXED_SHARES = ((0.08, 0.52, 0.28, 0.12), (0.08, 0.10, 0.82), (1.0,))
LABEL_SHARES = (0.17, 0.17, 0.24, 0.15, 0.11, 0.09, 0.07)
# A book that has stood for years keeps that share of today's loans; yearly exits and growth by country.
YEARLY_TURNOVER = (0.125, 0.10, 0.078)


@dataclass
class Book:
    """One chunk's loans, one entry a loan; months count from 2000-01, money in euro, ratios and rates as shares."""

    number: IntArray  # position in the whole book, of which the loan id is made
    borrowers: Borrowers
    origination: IntArray
    day: IntArray
    term: IntArray
    original_balance: FloatArray
    property_value: FloatArray
    rate: FloatArray
    margin: FloatArray  # over the market rate (fixed) or the reference rate (variable)
    variable: BoolArray
    fixed_period: IntArray
    channel: IntArray
    occupancy: IntArray
    property_type: IntArray
    energy_label: IntArray
    guarantee: IntArray
    first_time_buyer: IntArray
    fraud: BoolArray
    reported_employment: IntArray  # as the file says it, which may be unknown

    @property
    def size(self) -> int:
        """How many loans the chunk has."""
        return len(self.number)


def annuity(balance: FloatArray, rate: FloatArray, months: FloatArray | IntArray) -> FloatArray:
    """Return the level monthly payment that repays `balance` at yearly `rate` in `months`.

    Formula: payment = balance · i / (1 − (1 + i)^−n) with i = rate / 12, and balance / n at no interest.

    >>> round(float(annuity(np.array([200_000.0]), np.array([0.03]), np.array([240]))[0]), 2)
    1109.2
    """
    monthly = np.maximum(rate, 1e-6) / 12
    payment: FloatArray = balance * monthly / -np.expm1(-np.maximum(months, 1) * np.log1p(monthly))
    return payment


def price(rate: FloatArray) -> FloatArray:
    """Return rates as a bank quotes them: at least 0.4 %, to a thousandth of a per cent."""
    return np.asarray(np.round(np.maximum(rate, 0.004), 5), dtype=np.float64)


def choose(rng: np.random.Generator, country: IntArray, shares: tuple[tuple[float, ...], ...]) -> IntArray:
    """Return one category number a loan, drawn with the shares of the loan's country."""
    width = max(len(row) for row in shares)
    limits = np.array([np.append(np.cumsum(row), [2.0] * (width - len(row))) for row in shares])
    limits[:, -1] = 2.0
    above: BoolArray = rng.random(len(country))[:, None] > limits[country]
    return np.asarray(above.sum(axis=1), dtype=np.int64)


def draw_book(rng: np.random.Generator, macro: Macro, *, first_number: int, loans: int, months: int) -> Book:
    """Draw `loans` loans of a book observed for `months` months up to 2026-06: some seasoned, the others new."""
    borrowers = draw_borrowers(rng, loans)
    country = borrowers.country
    term = 12 * _pick(TERM_YEARS, country, choose(rng, country, TERM_SHARES))
    origination = _draw_origination(rng, country, term, months)
    borrowers.settle(rng, macro, origination)
    variable = rng.random(loans) < np.array(VARIABLE_SHARE)[country]
    first_time = (rng.random(loans) < np.where(borrowers.age < 36, 0.72, 0.22)).astype(np.int64)
    letting = (rng.random(loans) < np.array(LETTING_SHARE)[country] * (first_time == 0) * 1.6).astype(np.int64)
    ltv = _draw_ltv(rng, country, origination, first_time, letting)
    margin = _draw_margin(rng, borrowers, variable, ltv)
    base = np.where(variable, np.maximum(macro.reference_rate[origination], 0), macro.market_rate[origination, country])
    rate = price(base + margin)
    balance = _draw_balance(rng, borrowers, rate, term)
    fixed = np.minimum(12 * _pick(FIXED_YEARS, country, choose(rng, country, FIXED_SHARES)), term)
    value = np.round(balance / ltv, -2)
    cheap = value < 400_000 * borrowers.wage
    label = choose(rng, country, (LABEL_SHARES,) * 3)
    label[rng.random(loans) < np.where(origination < month_number(2015, 1), 0.25, 0.06)] = UNKNOWN
    return Book(
        number=first_number + np.arange(loans),
        borrowers=borrowers,
        origination=origination,
        day=rng.integers(1, 29, loans),
        term=term,
        original_balance=balance,
        property_value=np.maximum(value, np.ceil(balance / 1.06 / 100) * 100),
        rate=rate,
        margin=margin,
        variable=variable,
        fixed_period=np.where(variable, 0, fixed),
        channel=choose(rng, country, CHANNEL_SHARES),
        occupancy=letting,
        property_type=choose(rng, country, HOUSE_SHARES),
        energy_label=label,
        guarantee=((country == 0) & cheap & (letting == 0) & (rng.random(loans) < 0.62)).astype(np.int64),
        first_time_buyer=first_time,
        fraud=np.zeros(loans, dtype=np.bool_),
        reported_employment=borrowers.employment.copy(),
    )


def _pick(values: tuple[tuple[int, ...], ...], country: IntArray, choice: IntArray) -> IntArray:
    width = max(len(row) for row in values)
    table = np.array([[*row, *[row[-1]] * (width - len(row))] for row in values])
    return table[country, choice].astype(np.int64)


def _draw_origination(rng: np.random.Generator, country: IntArray, term: IntArray, months: int) -> IntArray:
    """Return the month in which each loan is granted: in the window (new) or up to 14 years before (seasoned).

    In a book of constant size new loans replace exits, so seasoned loans are 1 / (1 + turnover · years)
    of all; their ages fall off at the rate at which loans leave.
    """
    start = LAST_MONTH - months + 1
    turnover = np.array(YEARLY_TURNOVER)[country]
    seasoned = rng.random(len(country)) < 1 / (1 + turnover * months / 12)
    new = start + rng.integers(0, months, len(country))
    longest = np.minimum(np.minimum(start, 14 * 12), term - 24)
    hazard = (turnover - 0.01) / 12
    drawn = -np.log1p(-rng.random(len(country)) * -np.expm1(-hazard * longest)) / hazard
    old = start - 1 - np.minimum(np.floor(drawn).astype(np.int64), longest - 1)
    return np.where(seasoned, old, new)


def _draw_ltv(
    rng: np.random.Generator, country: IntArray, origination: IntArray, first_time: IntArray, letting: IntArray
) -> FloatArray:
    """Return the loan-to-value ratio at origination by country, first-time buyers higher, never above 1.06."""
    size = len(country)
    high = np.array((0.50, 0.40, 0.09))[country] * np.where(first_time == 1, 1.35, 0.70)
    high = np.where((country == 1) & (origination >= month_number(2020, 1)), high * 0.6, high)
    is_high = (rng.random(size) < high) & (letting == 0)
    top = np.array(((0.90, 1.00), (0.905, 1.00), (0.805, 1.00)))[country]
    upper = top[:, 0] + (top[:, 1] - top[:, 0]) * rng.beta(1.6, 1.0, size)
    saving_energy = (country == 0) & (rng.random(size) < 0.22)
    upper = np.where(saving_energy, 1.0 + 0.06 * rng.random(size), upper)
    shape = np.array(((5.0, 1.9, 0.92), (3.4, 2.0, 0.90), (4.2, 1.4, 0.80)))[country]
    lower = shape[:, 2] * rng.beta(shape[:, 0], shape[:, 1])
    return np.clip(np.where(is_high, upper, lower), 0.08, 1.06)


def _draw_margin(rng: np.random.Generator, borrowers: Borrowers, variable: BoolArray, ltv: FloatArray) -> FloatArray:
    """Return the margin: loan-to-value and what the desk sees of the borrower's frailty are priced in."""
    base = np.where(variable, 0.0145, 0.0)
    priced = 0.0018 * (ltv > 0.80) + 0.0022 * (ltv > 0.90)
    return base + priced + 0.0013 * borrowers.frailty + rng.normal(0, 0.0020, len(ltv))


def _draw_balance(rng: np.random.Generator, borrowers: Borrowers, rate: FloatArray, term: IntArray) -> FloatArray:
    """Return the amount lent: by loan-to-income in the Netherlands, by debt service elsewhere, whole hundreds."""
    size = len(rate)
    by_income = np.clip(rng.normal(3.85, 0.95, size), 0.8, 6.0)
    median, spread = np.array((0.2, 0.33, 0.29))[borrowers.country], np.array((0.3, 0.50, 0.42))[borrowers.country]
    service = np.clip(median * np.exp(spread * rng.standard_normal(size)), 0.08, 0.68)
    lent = service / (12 * annuity(np.ones(size), rate, term))
    return np.round(np.where(borrowers.country == 0, by_income, lent) * borrowers.income, -2)
