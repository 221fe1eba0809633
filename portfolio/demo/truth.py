"""The demo's true PDs: every loan's chance of default within twelve months, known because the generator is.

The book is generated again with its seed up to the observation date; from there each loan lives the next twelve
months many times over with fresh chances, in the economy that came. What the loan carries unseen (frailty, memory of
arrears) is kept, so no model that sees only the data can reach these PDs: they are the ceiling, not the goal.
"""

import copy
import datetime

import numpy as np
import pandas as pd

from portfolio.demo.generate import CHUNK, draw_chunk, loan_ids
from portfolio.demo.macro import LAST_MONTH, Macro, make_macro, month_number
from portfolio.demo.simulate import DEFAULT_DAYS, Simulation
from portfolio.errors import HypothecError
from portfolio.progress import Report, silent
from portfolio.snapshots import HORIZON


def compute_true_pds(
    *, loans: int, months: int, seed: int, date: datetime.date, repeats: int = 200, report: Report = silent
) -> pd.DataFrame:
    """Return loan_id and true_pd (share of `repeats` lives with a default) of the loans performing at `date`.

    The arguments are those the demo was built with. The share's own standard error is √(p(1 − p)/repeats).
    """
    month = month_number(date.year, date.month)
    if not LAST_MONTH - months + 1 <= month <= LAST_MONTH - HORIZON:
        raise HypothecError(
            f"true PDs need a date within the history with {HORIZON} months after it, got {date} of {months} months"
        )
    macro, parts = make_macro(seed), []
    chunks = -(-loans // CHUNK)
    for number in range(chunks):
        report(number / chunks, f"living {HORIZON} months {repeats} times, loans {number * CHUNK + 1:,} on")
        first, size = number * CHUNK, min(CHUNK, loans - number * CHUNK)
        book, rng = draw_chunk(seed, number, macro, first_number=first, loans=size, months=months)
        simulation = Simulation(book, macro, rng, months)
        for rows in simulation.run():
            if rows.month == month:
                break
        here = rows.loan[(rows.days_past_due < DEFAULT_DAYS) & simulation.alive[rows.loan]]
        share = _relive(simulation, macro, month, repeats, seed + number)
        ids = np.array(loan_ids(book), dtype=object)
        parts.append(pd.DataFrame({"loan_id": ids[here], "true_pd": share[here]}))
    report(1.0, f"lived {HORIZON} months {repeats} times")
    return pd.concat(parts, ignore_index=True)


def _relive(simulation: Simulation, macro: Macro, month: int, repeats: int, seed: int) -> "np.ndarray":
    """Return for each loan of the chunk the share of `repeats` continuations in which it defaults."""
    defaults = np.zeros(simulation.book.size)
    shared = {id(simulation.book): simulation.book, id(macro): macro}  # neither is written to: not copied
    for repeat in range(repeats):
        life = copy.deepcopy(simulation, dict(shared))
        life.rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(9, repeat)))
        bad = np.zeros(life.book.size, dtype=np.bool_)
        for later in range(month + 1, month + HORIZON + 1):
            rows = life.live(later)
            bad[rows.loan[rows.days_past_due >= DEFAULT_DAYS]] = True
        defaults += bad
    return defaults / repeats
