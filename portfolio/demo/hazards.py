"""What makes a demo loan fall behind, recover, be repaid early or be written off: monthly chances.

Falling behind is a logistic model on one risk score. The score has what a scorecard finds (debt service,
loan-to-value, work, income), what only a flexible model finds (a hump in age, kinks, loan-to-value ×
unemployment, debt service × rate type, payment shock × debt service), what no model sees (frailty) and one
thing that changes: from September 2022 variable-rate borrowers fall behind more than their payment explains.
Coefficients are set, not estimated. Intercepts are tuned until the book of the default seed lies inside the
calibrated ranges; other seeds scatter around them (at 50,000 loans by about a tenth of a rate).
"""

from dataclasses import dataclass

import numpy as np

from portfolio.demo.arrays import BoolArray, FloatArray, IntArray
from portfolio.demo.book import Book
from portfolio.demo.macro import Macro, month_number

CONCEPT_SHIFT_FROM = month_number(2022, 9)
CONCEPT_SHIFT = 0.40  # added to the log-odds of falling behind
FRAILTY = 0.50  # standard deviation of what nobody sees
TEMPORARY, SELF_EMPLOYED = 1, 2  # positions in borrowers.EMPLOYMENT
BROKER, ONLINE = 1, 2  # positions in book.CHANNELS
FRAUD_MONTHS = (2, 14)  # loan age within which the fraud-like cluster defaults

# Per country: Netherlands, Belgium, Italy.
ENTRY = np.array((-9.32, -9.67, -8.33))
ROLL_30 = np.array((-1.1, -1.1, -1.1))  # 30 to 60 days past due
ROLL_60 = np.array((0.0, -0.2, -0.2))  # 60 to 90 days past due: default
CENTRE = np.array((3.0, 3.0, 3.0))  # a typical score of loans in arrears; rolling on is measured from it
ACCIDENT = np.array((0.00067, 0.00077, 0.00235))  # chance a month of falling behind whatever the score
PREPAYMENT = np.array((0.0083, 0.0053, 0.0036))
INCENTIVE_EFFECT = np.array((0.33, 0.37, 0.14))
CURTAILMENT = np.array((0.0060, 0.0015, 0.0015))


@dataclass
class State:
    """The loans on book in one month, one entry a loan, just before the month's events."""

    loan: IntArray  # position in the chunk
    months_on_book: IntArray
    remaining: IntArray
    days_past_due: IntArray
    debt_service: FloatArray
    ltv: FloatArray
    rate: FloatArray
    payment_change: FloatArray
    arrears_memory: FloatArray
    unemployment: FloatArray
    unemployment_change: FloatArray
    months_in_default: IntArray


def static_score(book: Book) -> FloatArray:
    """Return the part of the risk score that is known at origination, frailty included."""
    people = book.borrowers
    work = np.array((0.0, -0.10, -0.25, -0.10))[people.employment]
    unverified = 1.60 * ((people.employment == SELF_EMPLOYED) & (book.channel == BROKER))
    stretched = 1.50 * ((people.employment == TEMPORARY) & (book.original_balance > 0.8 * book.property_value))
    label = np.array((-0.10, -0.05, 0.0, 0.0, 0.05, 0.10, 0.20, 0.0))[book.energy_label]
    income = -0.25 * np.clip(people.relative_income, -1.2, 1.2)
    flags = -0.30 * book.guarantee + 0.10 * book.first_time_buyer - 0.10 * (book.channel == ONLINE)
    score: FloatArray = work + unverified + stretched + label + income + flags + FRAILTY * people.frailty
    return score


def dynamic_score(book: Book, state: State, month: int) -> FloatArray:
    """Return the part of the risk score that changes by month: burden, equity, age, economy and past arrears."""
    loan = state.loan
    variable = book.variable[loan]
    service = np.minimum(state.debt_service, 0.9)
    insecure = np.isin(book.borrowers.employment[loan], (TEMPORARY, SELF_EMPLOYED))
    burden = 0.4 * service + 1.2 * np.clip(service - 0.38, 0, 0.2)
    burden += 4.0 * variable * np.clip(service - 0.26, 0, 0.25) + 6.5 * insecure * np.clip(service - 0.28, 0, 0.2)
    shock = 2.5 * np.clip(state.payment_change, 0, 0.5) * np.clip(service - 0.25, 0, 0.3) / 0.3
    thin = np.clip(state.ltv - 0.50, 0, 0.5)
    equity = 0.1 * state.ltv + 1.3 * np.tanh(40 * np.clip(state.unemployment - 0.03, 0, 0.2) * thin / 1.3)
    economy = 2.0 * state.unemployment + 20 * insecure * np.clip(state.unemployment_change, -0.02, 0.03)
    letting = 1.9 * book.occupancy[loan] * (state.ltv > 0.65)
    years = state.months_on_book / 60
    hump = 1.8 * (years * np.exp(1 - years)) ** 2  # highest in the fifth year
    shifted = CONCEPT_SHIFT * variable * (month >= CONCEPT_SHIFT_FROM)
    past = 0.45 * np.minimum(state.arrears_memory, 2.0)
    return burden + shock + equity + economy + letting + hump + shifted + past


def chance(log_odds: FloatArray) -> FloatArray:
    """Return 1 / (1 + exp(-log_odds)).

    >>> float(chance(np.array([0.0]))[0])
    0.5
    """
    return np.asarray(1 / (1 + np.exp(-log_odds)), dtype=np.float64)


def falling_behind(book: Book, state: State, score: FloatArray) -> FloatArray:
    """Return each loan's chance of missing (one more) payment this month: 0 to 30, 30 to 60, 60 to 90 days."""
    country = book.borrowers.country[state.loan]
    excess = np.clip(0.25 * (score - CENTRE[country]), -1.0, 1.0)
    stage = np.minimum(state.days_past_due // 30, 2)
    odds = np.choose(stage, (ENTRY[country] + score, ROLL_30[country] + excess, ROLL_60[country] + excess))
    young = (state.months_on_book >= FRAUD_MONTHS[0]) & (state.months_on_book < FRAUD_MONTHS[1])
    planted = book.fraud[state.loan] & young
    usual = chance(odds) + ACCIDENT[country] * (stage == 0)
    return np.where(planted, np.where(stage == 0, 0.16, 0.85), usual)


def catching_up(state: State, score: FloatArray, country: IntArray) -> FloatArray:
    """Return the chance that a loan in arrears, not falling further behind, pays all it owes this month."""
    return chance(0.60 - 0.30 * (score - CENTRE[country]) - 0.5 * (state.days_past_due >= 60))


def leaving_default(state: State) -> tuple[FloatArray, FloatArray]:
    """Return the chances this month that a default is cured, and that it is written off.

    With equity left a default is cured (often by sale) rather than written off; on average a default
    lasts seven to eight months.
    """
    thin = np.clip(state.ltv - 0.4, 0, 0.6)
    cure = 0.095 - 0.08 * thin
    write_off = np.where(state.months_in_default >= 3, 0.055 + 0.09 * thin, 0.0)
    write_off = np.where(state.months_in_default >= 18, 0.4, write_off)
    return cure, write_off


def prepaying(book: Book, state: State, macro: Macro, month: int) -> FloatArray:
    """Return the chance of full prepayment this month: the rate incentive, loan age and income move it."""
    loan = state.loan
    country = book.borrowers.country[loan]
    incentive = np.tanh((state.rate - macro.market_rate[month, country]) / 0.012)
    ramp = np.minimum(1.0, 0.35 + 0.65 * state.months_on_book / 24)
    income = 0.25 * np.clip(book.borrowers.relative_income[loan], -1, 1)
    chance_now: FloatArray = PREPAYMENT[country] * ramp * np.exp(INCENTIVE_EFFECT[country] * incentive + income)
    return chance_now


def recovered_share(rng: np.random.Generator, ltv: FloatArray, guaranteed: BoolArray) -> FloatArray:
    """Return the share of the balance recovered at write-off: about .73 up to 60 % loan-to-value, falling above.

    The level follows the losses by loan-to-value of DATA section 3 (27, 31, 34 %); a guarantee adds .15.
    """
    mean = 0.73 - 0.35 * np.clip(ltv - 0.55, 0, 0.7) + 0.15 * guaranteed
    return np.asarray(np.clip(rng.normal(mean, 0.15), 0.05, 1.0), dtype=np.float64)
