"""The demo's months: every loan on book lives one month after another until it ends.

Competing risks each month: a loan in order falls behind, is prepaid or goes on; one in arrears falls further
behind, stays or catches up; one in default stays, is cured or written off; the last month is maturity.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from portfolio.demo import hazards
from portfolio.demo.arrays import BoolArray, FloatArray, IntArray
from portfolio.demo.book import Book, annuity, price
from portfolio.demo.borrowers import LEAST_INCOME
from portfolio.demo.hazards import State
from portfolio.demo.macro import LAST_MONTH, Macro

BURN_IN = 18  # months lived before the window, so that its first month already has arrears and defaults
EVENTS = ("", "prepaid", "matured", "cured", "written off")
NONE, PREPAID, MATURED, CURED, WRITTEN_OFF = range(5)
STATUSES = ("performing", "arrears", "default")
DEFAULT_DAYS = 90


@dataclass(frozen=True)
class MonthRows:
    """One month of a chunk's performance, one entry a loan that was on book in it."""

    month: int
    loan: IntArray
    months_on_book: IntArray
    balance: FloatArray
    rate: FloatArray
    payment: FloatArray
    income: FloatArray
    days_past_due: IntArray
    status: IntArray
    event: IntArray
    curtailment: FloatArray
    prepaid_amount: FloatArray
    recovered_share: FloatArray
    loss: FloatArray


class Simulation:
    """One chunk's loans and where they stand; `run` yields the months of the window."""

    def __init__(self, book: Book, macro: Macro, rng: np.random.Generator, months: int) -> None:
        self.book, self.macro, self.rng = book, macro, rng
        self.start = LAST_MONTH - months + 1
        self.score = hazards.static_score(book)
        self.alive = np.ones(book.size, dtype=np.bool_)
        self.days = np.zeros(book.size, dtype=np.int64)
        self.memory = np.zeros(book.size)
        self.in_default = np.zeros(book.size, dtype=np.int64)
        self.income = book.borrowers.income.copy()
        self.rate = book.rate.copy()
        self.balance = book.original_balance.copy()
        self.payment = annuity(self.balance, self.rate, book.term)
        self.past_payment = np.full((12, book.size), np.nan)
        self.origin_price = macro.house_prices[book.origination, book.borrowers.region]
        self._season()

    def _season(self) -> None:
        """Bring loans granted before the window to where their schedule has them when it opens."""
        book, macro, start = self.book, self.macro, self.start
        old = np.flatnonzero(book.origination < start)
        age = start - 1 - book.origination[old]
        country = book.borrowers.country[old]
        wages = macro.wages[start - 1, country] / macro.wages[book.origination[old], country]
        drift = np.exp(0.06 * np.sqrt(age / 12) * self.rng.standard_normal(len(old)))
        self.income[old] = np.round(np.maximum(self.income[old] * wages * drift, LEAST_INCOME))
        growth = book.rate[old] / 12
        paid = np.expm1(age * np.log1p(growth)) / np.expm1(book.term[old] * np.log1p(growth))
        extra = 1 - 0.12 * self.rng.beta(1, 3, len(old)) * np.minimum(age / 60, 1)
        self.balance[old] = np.round(book.original_balance[old] * (1 - paid) * extra, 2)
        period = np.where(book.fixed_period[old] > 0, book.fixed_period[old], 10**6)
        reset = book.origination[old] + age // period * period
        fixed = np.where(age >= period, macro.market_rate[reset, country] + book.margin[old], book.rate[old])
        variable = np.maximum(macro.reference_rate[start - 1], 0) + book.margin[old]
        self.rate[old] = price(np.where(book.variable[old], variable, fixed))
        self.payment[old] = annuity(self.balance[old], self.rate[old], book.term[old] - age)
        self.past_payment[:, old] = np.where(np.arange(1, 13)[:, None] <= age, self.payment[old], np.nan)

    def run(self) -> Iterator[MonthRows]:
        """Live the burn-in silently, then yield each month of the window."""
        for month in range(self.start - BURN_IN, self.start):
            self._burn(month)
        for month in range(self.start, LAST_MONTH + 1):
            yield self.live(month)

    def _burn(self, month: int) -> None:
        """Let arrears and defaults settle at the balances of the window's first month; nothing ends."""
        loan = np.flatnonzero(self.book.origination < month)
        state = self._state(loan, month)
        days, event = self._delinquency(state, month)
        self.days[loan] = np.where(event == WRITTEN_OFF, 0, days)
        self._remember(loan, month)

    def live(self, month: int) -> MonthRows:
        """Live one month of the window and return its rows."""
        book = self.book
        loan = np.flatnonzero(self.alive & (book.origination <= month))
        self._reprice(loan, month)
        state = self._state(loan, month)
        days, event = self._delinquency(state, month)
        before = self.balance[loan]
        balance = self._amortise(state, days)
        cured = event == CURED
        due = (state.remaining <= 0) & (days == 0)
        event[due] = MATURED
        free = (state.days_past_due == 0) & (days == 0) & ~due & (state.months_on_book > 0)
        chance = hazards.prepaying(book, state, self.macro, month)
        prepaid = free & (self.rng.random(len(loan)) < chance)
        event[prepaid] = PREPAID
        curtailment = self._curtail(state, free & ~prepaid, balance)
        balance = balance - curtailment
        ended = (event == MATURED) | (event == PREPAID) | (event == WRITTEN_OFF)
        written = event == WRITTEN_OFF
        share = hazards.recovered_share(self.rng, state.ltv, book.guarantee[loan] == 1)
        rows = MonthRows(
            month=month, loan=loan, months_on_book=state.months_on_book, balance=np.where(ended, 0.0, balance),
            rate=self.rate[loan], payment=self.payment[loan], income=self.income[loan], days_past_due=days,
            status=np.where((days >= DEFAULT_DAYS), 2, np.where(days > 0, 1, 0)), event=event, curtailment=curtailment,
            prepaid_amount=np.where(prepaid, balance, curtailment),
            recovered_share=np.where(written, np.round(share, 4), np.nan),
            loss=np.where(written, np.round(before * (1 - share), 2), 0.0),
        )  # fmt: skip
        self.balance[loan] = balance
        self.days[loan] = days
        self.alive[loan[ended]] = False
        self._renew_payments(loan[cured | (curtailment > 0)], month)
        self._remember(loan, month)
        return rows

    def _state(self, loan: IntArray, month: int) -> State:
        book, macro = self.book, self.macro
        region = book.borrowers.region[loan]
        price = macro.house_prices[month, region] / self.origin_price[loan]
        unemployment = macro.unemployment[month, region]
        change = self.payment[loan] / self.past_payment[month % 12, loan] - 1
        return State(
            loan=loan,
            months_on_book=month - book.origination[loan],
            remaining=book.origination[loan] + book.term[loan] - month,
            days_past_due=self.days[loan],
            debt_service=12 * self.payment[loan] / self.income[loan],
            ltv=self.balance[loan] / (book.property_value[loan] * price),
            rate=self.rate[loan],
            payment_change=np.nan_to_num(change),
            arrears_memory=self.memory[loan],
            unemployment=unemployment,
            unemployment_change=unemployment - macro.unemployment[month - 12, region],
            months_in_default=self.in_default[loan],
        )

    def _delinquency(self, state: State, month: int) -> tuple[IntArray, IntArray]:
        """Return the days past due after this month, and its event (none, cured or written off)."""
        country = self.book.borrowers.country[state.loan]
        score = self.score[state.loan] + hazards.dynamic_score(self.book, state, month)
        draw, second = self.rng.random(len(state.loan)), self.rng.random(len(state.loan))
        days = state.days_past_due
        worse = (draw < hazards.falling_behind(self.book, state, score)) & (state.months_on_book > 0)
        caught_up = second < hazards.catching_up(state, score, country)
        moved = np.where(worse, days + 30, np.where(caught_up, 0, days))
        cure, write_off = hazards.leaving_default(state)
        defaulted = days >= DEFAULT_DAYS
        cured = defaulted & (draw < cure)
        written = defaulted & ~cured & (draw < cure + write_off)
        moved = np.where(defaulted, np.where(cured, 0, days + 30), moved)
        event = np.where(cured, CURED, np.where(written, WRITTEN_OFF, NONE))
        return moved, event

    def _reprice(self, loan: IntArray, month: int) -> None:
        """Set this month's rates and incomes: variable rates follow the market quarterly, incomes yearly."""
        book, macro = self.book, self.macro
        age = month - book.origination[loan]
        country = book.borrowers.country[loan]
        period = np.where(book.fixed_period[loan] > 0, book.fixed_period[loan], 10**6)
        quarterly = book.variable[loan] & (age > 0) & (age % 3 == 0)
        reset = ~book.variable[loan] & (age > 0) & (age % period == 0)
        base = np.where(quarterly, np.maximum(macro.reference_rate[month], 0), macro.market_rate[month, country])
        rate = price(base + book.margin[loan])
        changed = (quarterly | reset) & (rate != self.rate[loan])
        self.rate[loan[changed]] = rate[changed]
        self._renew_payments(loan[changed], month - 1)  # this month's payment is still to come
        yearly = (age > 0) & (age % 12 == 0)
        at, nation = loan[yearly], country[yearly]
        growth = macro.wages[month, nation] / macro.wages[month - 12, nation]
        own = np.exp(0.06 * self.rng.standard_normal(len(at)) - 0.0018)
        self.income[at] = np.round(np.maximum(self.income[at] * growth * own, LEAST_INCOME))

    def _renew_payments(self, loan: IntArray, paid_until: int) -> None:
        """Spread what is owed over the months left; in the last year a payment may fall but not rise."""
        remaining = self.book.origination[loan] + self.book.term[loan] - paid_until
        spread = annuity(self.balance[loan], self.rate[loan], remaining)
        self.payment[loan] = np.where(remaining >= 12, spread, np.minimum(spread, self.payment[loan]))

    def _amortise(self, state: State, days: IntArray) -> FloatArray:
        """Return the balance after this month's payment; a loan that falls or stays behind in default pays nothing."""
        balance = self.balance[state.loan]
        pays = (days <= state.days_past_due) & (days < DEFAULT_DAYS) & (state.months_on_book > 0)
        principal = self.payment[state.loan] - balance * self.rate[state.loan] / 12
        after = np.where(pays, np.maximum(balance - np.maximum(principal, 0), 0), balance)
        return np.asarray(np.round(after, 2), dtype=np.float64)

    def _curtail(self, state: State, free: BoolArray, balance: FloatArray) -> FloatArray:
        """Return what each loan repays ahead of schedule this month: seldom, up to a tenth of the original balance."""
        country = self.book.borrowers.country[state.loan]
        draw, size = self.rng.random(len(state.loan)), self.rng.random(len(state.loan))
        amount = np.round((0.01 + 0.09 * size) * self.book.original_balance[state.loan], -2)
        return np.where(free & (draw < hazards.CURTAILMENT[country]) & (amount < 0.5 * balance), amount, 0.0)

    def _remember(self, loan: IntArray, month: int) -> None:
        """Keep what later months need: payment a year ago, past arrears, months in default."""
        self.past_payment[month % 12, loan] = self.payment[loan]
        behind = self.days[loan] >= 30
        self.memory[loan] = 0.93 * self.memory[loan] + behind
        self.in_default[loan] = np.where(self.days[loan] >= DEFAULT_DAYS, self.in_default[loan] + 1, 0)
