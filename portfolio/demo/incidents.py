"""What is planted in the demo for tests to find, and the answers that say where.

Pages and models never read `answers.json`; a test that looks for drift, bad data or fraud does.
"""

import datetime
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from portfolio.atomic import write_text
from portfolio.demo.arrays import BoolArray, FloatArray, IntArray
from portfolio.demo.book import UNKNOWN, Book
from portfolio.demo.geography import ITALY, REGION_NAMES
from portfolio.demo.hazards import CONCEPT_SHIFT, CONCEPT_SHIFT_FROM
from portfolio.demo.macro import LAST_MONTH, month_end, month_number

THOUSANDS_REGION = "Campania"
THOUSANDS_MONTHS = (month_number(2023, 2), month_number(2023, 3))
LOST_FIELD_MONTHS = (month_number(2021, 9), month_number(2022, 2))
LOST_FIELD_CHANNEL = 2  # online
FRAUD_REGION = "Apulia"
FRAUD_MONTHS = (month_number(2023, 2), month_number(2023, 4))
FRAUD_SHARE = 0.0012
FRAUD_INCOME_FACTOR = 1.9


@dataclass(frozen=True)
class Incident:
    """One planted incident: what, in which field and segment, from when to when, by how much, on which loans."""

    kind: str
    field: str
    segment: dict[str, str]
    first: datetime.date
    last: datetime.date
    factor: float | None
    description: str
    loan_ids: tuple[str, ...] = ()


def plant_fraud(rng: np.random.Generator, book: Book, months: int) -> None:
    """Turn a few Italian loans of the chunk into a cluster: one region's brokers, a few months, inflated incomes."""
    if FRAUD_MONTHS[0] <= LAST_MONTH - months:
        return
    people = book.borrowers
    wanted = round(FRAUD_SHARE * book.size)
    own = people.owner == np.arange(book.size)
    alone = np.bincount(people.owner, minlength=book.size) == 1
    candidates = np.flatnonzero((people.country == 2) & own & alone & (book.origination > LAST_MONTH - months))
    loan = np.sort(rng.permutation(candidates)[:wanted])
    book.fraud[loan] = True
    book.origination[loan] = rng.integers(FRAUD_MONTHS[0], FRAUD_MONTHS[1] + 1, len(loan))
    people.region[loan] = REGION_NAMES.index(FRAUD_REGION)
    people.employment[loan] = book.reported_employment[loan] = 2
    people.income[loan] = np.round(people.income[loan] * FRAUD_INCOME_FACTOR)
    book.channel[loan] = 1
    book.variable[loan] = False
    book.fixed_period[loan] = book.term[loan]
    book.rate[loan] = np.round(0.042 + rng.normal(0, 0.001, len(loan)), 5)
    book.original_balance[loan] = np.round(np.minimum(people.income[loan] * 3.6, 260_000), -2)
    book.property_value[loan] = np.ceil(book.original_balance[loan] / rng.uniform(0.77, 0.80, len(loan)) / 100) * 100


def lose_employment(book: Book) -> IntArray:
    """Blank the employment of online loans granted in the lost months; return their positions."""
    lost = (book.channel == LOST_FIELD_CHANNEL) & _within(book.origination, LOST_FIELD_MONTHS)
    book.reported_employment[lost] = UNKNOWN
    return np.flatnonzero(lost)


def reported_income(income: FloatArray, region: IntArray, month: int) -> FloatArray:
    """Return incomes as they arrive: in thousands for one region in two months, in euro otherwise."""
    wrong = (region == REGION_NAMES.index(THOUSANDS_REGION)) & (THOUSANDS_MONTHS[0] <= month <= THOUSANDS_MONTHS[1])
    return np.where(wrong, income / 1000, income)


def _within(month: IntArray, window: tuple[int, int]) -> BoolArray:
    return (month >= window[0]) & (month <= window[1])


def list_incidents(months: int, lost: Sequence[str], fraud: Sequence[str]) -> list[Incident]:
    """Return the incidents that lie within a history of `months` months."""
    start = LAST_MONTH - months + 1
    every = [
        (THOUSANDS_MONTHS[0], Incident(
            "unit_error", "income", {"region": THOUSANDS_REGION}, *_span(THOUSANDS_MONTHS), 0.001,
            "performance.income of the region arrives in thousands of euro")),
        (LOST_FIELD_MONTHS[1], Incident(
            "field_lost", "employment", {"channel": "online"}, *_span(LOST_FIELD_MONTHS), None,
            "employment is missing for loans granted online between these months", tuple(lost))),
        (CONCEPT_SHIFT_FROM, Incident(
            "concept_shift", "rate_type", {"rate_type": "variable"}, *_span((CONCEPT_SHIFT_FROM, LAST_MONTH)),
            round(float(np.exp(CONCEPT_SHIFT)), 4),
            "the odds of falling behind are this many times what the payment explains")),
        (FRAUD_MONTHS[0], Incident(
            "fraud_cluster", "income", {"country": ITALY, "region": FRAUD_REGION, "channel": "broker"},
            *_span(FRAUD_MONTHS), FRAUD_INCOME_FACTOR,
            "loans granted in these months with incomes inflated by the factor; most default within 14 months",
            tuple(fraud))),
    ]  # fmt: skip
    return [incident for first, incident in every if first >= start]


def _span(window: tuple[int, int]) -> tuple[datetime.date, datetime.date]:
    return month_end(window[0]).replace(day=1), month_end(window[1])


def write_answers(
    path: Path, seed: int, incidents: Sequence[Incident], documents: Sequence[dict[str, Any]] = ()
) -> None:
    """Write `answers.json`: the seed, each incident (kind, field, segment, from, to, factor, loan ids), `documents`.

    `documents` says what is planted in them: kind, path, finding, count and documents.
    """
    rows = []
    for incident in incidents:
        row = asdict(incident)
        row["from"], row["to"] = row.pop("first").isoformat(), row.pop("last").isoformat()
        rows.append(row)
    write_text(path, json.dumps({"seed": seed, "incidents": rows, "documents": list(documents)}, indent=1))
