"""The demo's files: loans, performance by year and the economy, written chunk by chunk in bounded memory."""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from portfolio.demo import book as words
from portfolio.demo.arrays import FloatArray, IntArray
from portfolio.demo.book import Book, draw_book
from portfolio.demo.borrowers import EMPLOYMENT, GENDERS, NATIONALITIES
from portfolio.demo.documents import Chunk, Documents
from portfolio.demo.geography import COUNTRIES, REGION_NAMES
from portfolio.demo.incidents import list_incidents, lose_employment, plant_fraud, reported_income, write_answers
from portfolio.demo.macro import FIRST_YEAR, Macro, macro_table, make_macro, month_end
from portfolio.demo.simulate import EVENTS, STATUSES, MonthRows, Simulation
from portfolio.errors import HypothecError
from portfolio.progress import Report, silent

CHUNK = 10_000
SHORTEST, LONGEST = 42, 240


def generate_history(
    folder: Path, *, loans: int, months: int, seed: int, chunk: int = CHUNK, report: Report = silent
) -> None:
    """Write loans.parquet, performance/, macro.parquet, documents/ and answers.json of a synthetic book into `folder`.

    `loans` is the number of loans ever on book, `months` the length of the history, which ends with
    June 2026. One chunk of loans is in memory at a time; chunk number i draws from its own stream, so the
    bytes depend on `seed`, `loans`, `months` and `chunk` only.
    """
    if loans < 1 or chunk < 1 or not SHORTEST <= months <= LONGEST:
        raise HypothecError(
            f"the demo needs at least 1 loan and {SHORTEST} to {LONGEST} months, got {loans} loans and {months} months"
        )
    macro = make_macro(seed)
    pq.write_table(macro_table(macro), folder / "macro.parquet", compression="zstd")
    lost: list[str] = []
    fraud: list[str] = []
    chunks = -(-loans // chunk)
    with ExitStack() as held:
        documents = held.enter_context(Documents(folder / "documents"))
        writer: pq.ParquetWriter | None = None
        for number in range(chunks):
            report(number / chunks, f"generating loans {number * chunk + 1:,} to {min(loans, (number + 1) * chunk):,}")
            size = min(chunk, loans - number * chunk)
            book, rng = draw_chunk(seed, number, macro, first_number=number * chunk, loans=size, months=months)
            ids = loan_ids(book)
            lost += [ids[index] for index in lose_employment(book)]
            fraud += [ids[index] for index in np.flatnonzero(book.fraud)]
            table = loan_table(book, ids)
            writer = writer or held.enter_context(
                pq.ParquetWriter(folder / "loans.parquet", table.schema, compression="zstd")
            )
            writer.write_table(table)
            letters = Chunk(number, book, ids, macro, np.random.default_rng(np.random.SeedSequence(
                seed, spawn_key=(2, number))))  # fmt: skip
            _write_performance(folder / "performance", Simulation(book, macro, rng, months), letters)
            documents.write(letters)
    write_answers(folder / "answers.json", seed, list_incidents(months, lost, fraud), documents.answers())
    report(1.0, f"generated {loans:,} loans")


def draw_chunk(
    seed: int, number: int, macro: Macro, *, first_number: int, loans: int, months: int
) -> tuple[Book, np.random.Generator]:
    """Return the loans of chunk `number`, the planted fraud among them, and the stream that their months draw from."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1, number)))
    book = draw_book(rng, macro, first_number=first_number, loans=loans, months=months)
    plant_fraud(rng, book, months)
    return book, rng


def loan_ids(book: Book) -> list[str]:
    """Return the loans' ids, numbered through the whole book."""
    return [f"L{number:08d}" for number in book.number + 1]


def loan_table(book: Book, ids: list[str]) -> pa.Table:
    """Return one row a loan: what is known when it is granted."""
    people = book.borrowers
    first_day = np.datetime64(f"{FIRST_YEAR}-01", "M") + book.origination
    maturity = (first_day + book.term + 1).astype("datetime64[D]") - np.timedelta64(1, "D")
    return pa.table({
        "loan_id": ids,
        "borrower_id": [f"B{number:08d}" for number in book.number[people.owner] + 1],
        "country": _words(people.country, COUNTRIES),
        "region": _words(people.region, REGION_NAMES),
        "origination_date": pa.array(first_day.astype("datetime64[D]") + (book.day - 1)),
        "term_months": pa.array(book.term, pa.int16()),
        "maturity_date": pa.array(maturity),
        "original_balance": book.original_balance,
        "property_value": book.property_value,
        "original_ltv": np.round(book.original_balance / book.property_value, 4),
        "income_at_origination": people.income,
        "loan_to_income": np.round(book.original_balance / people.income, 4),
        "original_rate": book.rate,
        "rate_type": _words(book.variable.astype(np.int64), words.RATE_TYPES),
        "fixed_period_months": pa.array(book.fixed_period, pa.int16()),
        "channel": _words(book.channel, words.CHANNELS),
        "occupancy": _words(book.occupancy, words.OCCUPANCIES),
        "property_type": _words(book.property_type, words.PROPERTY_TYPES),
        "energy_label": _words(book.energy_label, words.ENERGY_LABELS),
        "employment": _words(book.reported_employment, EMPLOYMENT),
        "guarantee": _words(book.guarantee, words.GUARANTEES),
        "first_time_buyer": _words(book.first_time_buyer, words.YES_NO),
        "borrower_age": np.floor(people.age),
        "gender": _words(people.gender, GENDERS),
        "nationality_group": _words(people.nationality, NATIONALITIES),
    })  # fmt: skip


def _words(codes: IntArray, names: tuple[str, ...]) -> pa.DictionaryArray:
    """Return category numbers as words; a negative number (unknown) becomes null."""
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32), mask=codes < 0), pa.array(names))


def _write_performance(folder: Path, simulation: Simulation, letters: Chunk) -> None:
    """Write a chunk's months, one file a year, so that at most a year of one chunk is held; `letters` looks on."""
    names = pa.array(letters.ids)
    for year, rows in groupby(letters.follow(simulation.run()), key=lambda item: FIRST_YEAR + item.month // 12):
        target = folder / f"year={year}"
        target.mkdir(parents=True, exist_ok=True)
        tables = _month_tables(rows, simulation, names)
        pq.write_table(pa.concat_tables(tables), target / f"part-{letters.number:04d}.parquet", compression="zstd",
                       compression_level=1, row_group_size=2**20)  # fmt: skip


def _month_tables(rows: Iterator[MonthRows], simulation: Simulation, names: pa.Array) -> list[pa.Table]:
    region = simulation.book.borrowers.region
    return [_month_table(item, reported_income(item.income, region[item.loan], item.month), names) for item in rows]


def _month_table(rows: MonthRows, income: FloatArray, names: pa.Array) -> pa.Table:
    size = len(rows.loan)
    small, money = pa.int16(), pa.float32()
    return pa.table({
        "loan_id": pa.DictionaryArray.from_arrays(pa.array(rows.loan.astype(np.int32)), names),
        "month": pa.array(np.full(size, month_end(rows.month), dtype="datetime64[D]")),
        "months_on_book": pa.array(rows.months_on_book, small),
        "balance": pa.array(rows.balance.astype(np.float32), money),
        "rate": pa.array(rows.rate.astype(np.float32), money),
        "payment": pa.array(np.round(rows.payment, 2).astype(np.float32), money),
        "income": pa.array(income.astype(np.float32), money),
        "days_past_due": pa.array(rows.days_past_due, small),
        "status": _words(rows.status, STATUSES),
        "event": _words(rows.event, EVENTS),
        "curtailment": pa.array(rows.curtailment.astype(np.float32), money),
        "prepaid_amount": pa.array(rows.prepaid_amount.astype(np.float32), money),
        "recovered_share": pa.array(rows.recovered_share.astype(np.float32), money, from_pandas=True),
        "loss": pa.array(rows.loss.astype(np.float32), money),
    })  # fmt: skip
