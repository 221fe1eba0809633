"""The moves between states put into words: roll and cure rates, transition matrices and the Sankey."""

import pandas as pd

from analytics.proportions import SMALL_N
from analytics.transitions import (
    CURES,
    LIVE,
    ROLLS,
    Cell,
    add_position,
    compute_arrears_flows,
    compute_difference,
    compute_matrix,
    find_cell,
    find_change,
    find_step,
    last_months,
    list_periods,
)
from analytics.words import SIGNS, format_interval, format_month, format_share
from pages.common import vintage_data
from pages.common.shell import View, describe_filters
from pages.common.show import Definition
from pages.common.vintage_words import Shown

SHORT = {"current": "current", "30": "30 days late", "60": "60 days late", "default": "in default",
         "prepaid": "prepaid", "matured": "matured", "written off": "written off"}  # fmt: skip
RATES = {pair: f"{SHORT[pair[0]].capitalize()} → {SHORT[pair[1]]}" for pair in (*ROLLS, *CURES)}
STEPS = {1: ("one-month", "a month later"), 3: ("one-quarter", "a quarter later")}
VALUES = {"Number": "share", "Exposure": "share_exposure"}

STATES = (
    "States at a month end: current (less than 30 days past due), 30 (30–59 days), 60 (60–89), default (90 days or "
    "worse), or how the loan ended in the month. Unknown days past due count as current; the Quality page's rule "
    "“arrears unknown” counts them."
)
METHOD = (
    f"{STATES} A roll rate is the share of the loans in a state at one reporting date that are in the next worse one "
    "at the next, a month later where the book is delivered monthly; a cure rate the share that are current then. A "
    "longer period adds its moves up. By number with "
    "Jeffreys intervals, which take the moves as independent: a loan that stays late is counted again each time, "
    "and shocks hit loans together, so that they are rather too narrow. By exposure, a loan weighs its balance at "
    "the reporting date before, and there is no interval. New loans have no state before and are left out."
)


class FlowWords:
    """What the page says about moves between states in one selection."""

    def __init__(self, view: View) -> None:
        self.view, self.selection = view, view.selection
        self.subjects = f"{view.schema.subject}s"
        self.flows = vintage_data.flows(self.selection)
        self.moved = self.flows[self.flows["state_before"].isin(LIVE)]
        self.step, self.later = STEPS.get(step := find_step(self.flows), (f"{step}-month", f"{step} months later"))

    def is_empty(self) -> bool:
        """Whether no loan is seen at two reporting dates that follow one another."""
        return self.moved.empty

    def rate_map(self, period: str, weight: str) -> Shown:
        """Return roll and cure rates over time, each against its own past."""
        value = VALUES[weight]
        frame = add_position(vintage_data.rates(self.selection, period), value)
        subtitle = (
            f"Roll rates (red) and cure rates (blue) by {period}, each row from its own lowest (light) to its highest "
            f"(dark), by {weight.lower()}; grey: too few moves; {self._over(self.moved)}"
        )
        return Shown(frame, self._yearly_finding(weight), subtitle, self._definition(METHOD))

    def _yearly_finding(self, weight: str) -> str:
        """Return where loans 30 days late go, over the last 12 months."""
        matrix = compute_matrix(last_months(self.flows))
        cured, rolled = find_cell(matrix, "30", "current"), find_cell(matrix, "30", "60")
        if cured.n < SMALL_N:
            return f"Too few {self.subjects} were 30 days late in the last 12 months to say where they go"
        return self.view.word(
            f"Of {self._crowd(100, weight)} that were 30 days late, {_of(cured, weight, 100)} were current "
            f"{self.later} and {_of(rolled, weight, 100)} were 60 days late",
            f"30→60 rolls {self._value(rolled, weight)}, 30→current cures {self._value(cured, weight)}, last 12 months",
        )

    def _crowd(self, size: int, weight: str) -> str:
        """Return a round number of loans or of money."""
        sign = SIGNS.get(self.view.schema.currency, f"{self.view.schema.currency} ")
        return f"{size:,} {self.subjects}" if weight == "Number" else f"{sign}{size:,}"

    def _value(self, cell: Cell, weight: str) -> str:
        """Return a cell's share; by number with its interval, by exposure there is none."""
        if weight != "Number":
            return f"{format_share(cell.share_exposure)} of exposure"
        return f"{format_share(cell.share)} {format_interval(cell.low, cell.high, 'share')}"

    def trend(self, pair: tuple[str, str], period: str, weight: str) -> Shown:
        """Return one rate over time, in the columns rate, rate_low and rate_high (no interval by exposure)."""
        frame = vintage_data.rates(self.selection, period)
        frame = frame[(frame["state_before"] == pair[0]) & (frame["state"] == pair[1])]
        if weight == "Number":
            frame = frame.assign(rate=frame["share"], rate_low=frame["share_low"], rate_high=frame["share_high"])
        else:
            frame = frame.assign(rate=frame["share_exposure"])
        band = "95 % Jeffreys interval" if weight == "Number" else "no interval"
        subtitle = f"{RATES[pair]} {self.later} by {period}, by {weight.lower()}, {band}; {self._over(self.moved)}"
        return Shown(frame, self._trend_title(pair), subtitle, self._definition(METHOD))

    def _trend_title(self, pair: tuple[str, str]) -> str:
        """Return whether the rate of the last 12 months differs from that of the 12 before (by number)."""
        now, past = (compute_matrix(last_months(self.flows, skip=skip)) for skip in (0, 12))
        cell = compute_difference(*(_only(matrix, pair) for matrix in (now, past))).iloc[0]
        value = format_share(cell["share"])
        before = format_share(cell["share_reference"])
        if cell["small"] or not cell["n_reference"]:
            return f"{RATES[pair]}: {value} over the last 12 months, too few to compare with the year before"
        word = "rose" if cell["difference"] > 0 else "fell"
        return (
            f"{RATES[pair]}: {word} to {value} over the last 12 months from {before} the year before"
            if cell["differs"]
            else f"{RATES[pair]}: {value} over the last 12 months, no different from {before} the year before"
        )

    def sankey(self, weight: str) -> Shown:
        """Return the ways in and out of arrears over the last 12 months."""
        moves = last_months(self.flows)
        frame = compute_arrears_flows(moves)
        stuck = find_cell(compute_matrix(moves), "60", "default")
        title = f"Few {self.subjects} are 60 days late: too few to say where they go"
        if stuck.n >= SMALL_N:
            title = self.view.word(
                f"Of {self._crowd(100, weight)} that were 60 days late, {_of(stuck, weight, 100)} were in default "
                f"{self.later}",
                f"60→default rolls {self._value(stuck, weight)}, last 12 months",
            )
        subtitle = (
            f"{self.step.capitalize()} moves of the last 12 months, from the state at one reporting date (left) to the "
            f"next (right); "
            f"{self.subjects} that were current and stayed so or ended are left out, as they would dwarf the rest; "
            f"{int(frame['loans'].sum()):,} moves; {describe_filters(self.view)}"
        )
        return Shown(frame, title, subtitle, self._definition(METHOD))

    def periods(self, period: str) -> list[str]:
        """Return the periods to choose from: the last 12 months, the 12 before, then the last years or quarters."""
        named = list_periods(self.flows, period)[::-1][:9]
        months = self.moved["month"].nunique()
        return [*([vintage_data.LAST] if months else []), *([vintage_data.BEFORE] if months > 12 else []), *named]

    def matrix(self, period: str, name: str, weight: str) -> Shown:
        """Return one period's transition matrix."""
        frame = vintage_data.matrix(self.selection, period, name)
        row = find_cell(frame, "current", "30")
        title = f"Too few {self.subjects} fell 30 days late in {name} to say how often that happens"
        if not row.small:
            title = self.view.word(
                f"Of {self._crowd(10_000, weight)} that were current, {_of(row, weight, 10_000):,} were 30 days late "
                f"{self.later}",
                f"Current → 30 days late {self._value(row, weight)}, {name}",
            )
        moves = vintage_data.flows_of(self.selection, period, name)
        subtitle = (
            f"{self.step.capitalize()} transition matrix, {name}, row shares by {weight.lower()} and number of moves; "
            f"rows: state before; grey: fewer than 5 moves; {self._over(moves[moves['state_before'].isin(LIVE)])}"
        )
        return Shown(frame, title, subtitle, self._definition(METHOD, moves))

    def difference(self, period: str, after: str, before: str, weight: str) -> Shown:
        """Return what differs between two periods' matrices."""
        frame = vintage_data.difference(self.selection, period, after, before)
        change = find_change(frame)
        title = f"No move differs by more than chance between {after} and {before}"
        if change is not None:
            title = (
                f"{SHORT[change.state_before].capitalize()} → {SHORT[change.state]} differs most clearly: "
                f"{format_share(change.share)}, {after}, against {format_share(change.share_reference)}, {before}"
            )
        subtitle = (
            f"{after} less {before}, percentage points by {weight.lower()}; coloured: differs by number at 95 % after "
            f"Bonferroni; {describe_filters(self.view)}"
        )
        text = (
            f"{METHOD} The interval of a difference joins the two Jeffreys intervals (MOVER: Zou and Donner 2008) at "
            "a level adjusted for all cells with 5 moves on either side."
        )
        return Shown(frame, title, subtitle, self._definition(text))

    def _over(self, moves: pd.DataFrame) -> str:
        return f"{int(moves['loans'].sum()):,} {self.view.schema.subject}-months; {describe_filters(self.view)}"

    def _definition(self, text: str, moves: pd.DataFrame | None = None) -> Definition:
        months = (self.moved if moves is None else moves)["month"]
        window = f"{format_month(months.min())} to {format_month(months.max())}" if len(months) else ""
        formula = "rate(a → b) = Σ loans with state a at reporting date t−1 and b at t / Σ loans with state a at t−1"
        return Definition(text, formula, window=window)


def _only(matrix: pd.DataFrame, pair: tuple[str, str]) -> pd.DataFrame:
    return matrix[(matrix["state_before"] == pair[0]) & (matrix["state"] == pair[1])]


def _of(cell: Cell, weight: str, size: int) -> int:
    """Return how many of `size` loans, or of as much money, a cell's share is."""
    return round(size * (cell.share if weight == "Number" else cell.share_exposure))
