"""The demo's documents: applications, valuations and contact notes as JSON lines, consistent with the loans.

They draw from a stream of their own, so the loans and their months are the same with and without them. Whatever a
document says was known on its date: it looks at the loan when granted and at months up to its own. Unverified
incomes go with the borrower's frailty, which nobody sees: the one thing documents know that the book does not.
"""

import gzip
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from portfolio.demo.arrays import BoolArray, FloatArray, IntArray
from portfolio.demo.book import CHANNELS, Book
from portfolio.demo.hazards import SELF_EMPLOYED, chance
from portfolio.demo.macro import FIRST_YEAR, Macro
from portfolio.demo.simulate import DEFAULT_DAYS, MATURED, PREPAID, WRITTEN_OFF, MonthRows

KINDS = ("application", "valuation", "contact")
INCOME_TYPES = ("salary", "self-employment", "pension", "rent")
MAIN_INCOME = (0, 0, 1, 2)  # of INCOME_TYPES, by borrowers.EMPLOYMENT
DEBTS = ("car", "consumer", "student")
METHODS = ("full", "desktop", "model")
WAYS = ("phone", "e-mail", "branch", "app")
TOPICS = ("rate", "address", "insurance", "general")
NOTES = (
    "asked what a new fixed period would cost", "told us of a change of address",
    "asked about the building's insurance", "general question, answered at once",
)  # fmt: skip
REVALUED_EVERY = 48  # months, by model
CONTACTS = (0.010, 0.40, 0.22)  # a month: in order, behind, in default
# Planted: the share of documents that lack a key, carry one that nobody declared, or cannot be read.
LACKING_SINCE, LACKING_METHOD, LEGACY_REF, SENTIMENT = 0.04, 0.03, 0.02, 0.05
WORDS_FOR_VALUE, CUT_SHORT, STRANGERS = 0.004, 0.002, 0.002


@dataclass
class Planted:
    """What is planted in one kind of document: where, what should be found, in how many of how many documents."""

    kind: str
    path: str
    finding: str
    count: int = 0
    documents: int = 0


class Documents:
    """The three files of a book's documents, written chunk by chunk: `follow` a chunk's months, then `write` it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.planted = {
            "since": Planted("application", "application.applicants[*].employment.since", "missing"),
            "legacy": Planted("application", "application.legacy_ref", "unknown"),
            "method": Planted("valuation", "valuation.method", "missing"),
            "value": Planted("valuation", "valuation.value", "wrong type"),
            "sentiment": Planted("contact", "contact.sentiment", "unknown"),
            "cut": Planted("contact", "contact", "not a JSON object"),
            "stranger": Planted("contact", "contact.loan_id", "unknown loan"),
        }
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._files = {}
        for kind in KINDS:
            file = self._open.enter_context((self.folder / f"{kind}.jsonl.gz").open("wb"))
            # no name and no time in the head of the file: the same seed gives the same bytes
            packed = gzip.GzipFile(filename="", mode="wb", compresslevel=1, fileobj=file, mtime=0)
            self._files[kind] = self._open.enter_context(packed)
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def answers(self) -> list[dict[str, Any]]:
        """Return what is planted, for answers.json."""
        return [asdict(item) for item in self.planted.values()]

    def write(self, chunk: "Chunk") -> None:
        """Append a chunk's documents to the three files."""
        for kind, lines in (
            ("application", self._applications(chunk)),
            ("valuation", self._valuations(chunk)),
            ("contact", self._contacts(chunk)),
        ):
            self._files[kind].write("".join(f"{line}\n" for line in lines).encode())

    def _plant(
        self, name: str, rng: np.random.Generator, size: int, share: float, spare: BoolArray | None = None
    ) -> BoolArray:
        """Return which of `size` documents get the planted thing, never those to `spare`, and count it."""
        chosen: BoolArray = rng.random(size) < share
        chosen = chosen if spare is None else chosen & ~spare
        self.planted[name].count += int(chosen.sum())
        self.planted[name].documents += size
        return chosen

    def _applications(self, chunk: "Chunk") -> Iterator[str]:
        book, rng, size = chunk.book, chunk.rng, chunk.book.size
        dates = days(book.origination, book.day - 1 - rng.integers(20, 71, size))
        applicants = _draw_applicants(chunk, self._plant("since", rng, size, LACKING_SINCE))
        debts = _draw_debts(rng, size)
        legacy = self._plant("legacy", rng, size, LEGACY_REF)
        for place, (loan, date) in enumerate(zip(chunk.ids, dates, strict=True)):
            channel = CHANNELS[book.channel[place]]
            more = f',"legacy_ref":"AS400/{place * 7919 % 100000:05d}"' if legacy[place] else ""
            yield (
                f'{{"kind":"application","loan_id":"{loan}","date":"{date}","channel":"{channel}",'
                f'"applicants":[{applicants[place]}],"debts":[{debts[place]}]{more}}}'
            )

    def _valuations(self, chunk: "Chunk") -> Iterator[str]:
        book, rng = chunk.book, chunk.rng
        first = days(book.origination, book.day - 1 - rng.integers(5, 61, book.size))
        loan = np.concatenate([np.arange(book.size), *chunk.revalued])
        new = np.concatenate([np.zeros(0), *chunk.values])
        granted = book.property_value * np.exp(rng.normal(0, 0.02, book.size))
        value = np.round(np.concatenate([granted, new * np.exp(rng.normal(0, 0.04, len(new)))]), -2)
        month = np.repeat(chunk.months, [len(part) for part in chunk.revalued])
        dates = [*first, *days(month, rng.integers(0, 28, len(month)))]
        method = np.where(np.arange(len(loan)) < book.size, rng.random(len(loan)) < 0.35, 2).astype(np.int64)
        lacking = self._plant("method", rng, len(loan), LACKING_METHOD)
        wordy = self._plant("value", rng, len(loan), WORDS_FOR_VALUE)
        near = rng.uniform(0.85, 1.15, (len(loan), 2)) * value[:, None]
        valuer, away = rng.integers(1, 61, len(loan)), rng.integers(1, 40, (len(loan), 2))
        ids = chunk.ids
        for place, (number, date) in enumerate(zip(loan.tolist(), dates, strict=True)):
            how = "" if lacking[place] else f'"method":"{METHODS[method[place]]}",'
            worth = '"on request"' if wordy[place] else f"{value[place]:.0f}"
            sold = ",".join(
                f'{{"price":{near[place, other]:.0f},"distance_km":{away[place, other] / 10}}}' for other in (0, 1)
            )
            yield (
                f'{{"kind":"valuation","loan_id":"{ids[number]}","date":"{date}",{how}"value":{worth},'
                f'"valuer":"V{valuer[place]:03d}","comparables":[{sold}]}}'
            )

    def _contacts(self, chunk: "Chunk") -> Iterator[str]:
        rng = chunk.rng
        loan = np.concatenate([np.zeros(0, dtype=np.int64), *chunk.contacted])
        behind = np.concatenate([np.zeros(0, dtype=np.int64), *chunk.behind])
        dates = days(np.repeat(chunk.months, [len(part) for part in chunk.contacted]), rng.integers(0, 28, len(loan)))
        topic, way = rng.integers(0, len(TOPICS), len(loan)), rng.choice(4, len(loan), p=(0.45, 0.3, 0.1, 0.15))
        feeling = self._plant("sentiment", rng, len(loan), SENTIMENT)
        stranger = self._plant("stranger", rng, len(loan), STRANGERS, spare=feeling)
        cut = self._plant("cut", rng, len(loan), CUT_SHORT, spare=feeling | stranger)
        for place, (number, date) in enumerate(zip(loan.tolist(), dates, strict=True)):
            about, note = TOPICS[topic[place]], NOTES[topic[place]]
            if behind[place]:
                about, note = "arrears", f"{behind[place]} days behind; promised to pay"
            who = f"X{chunk.number:04d}{place:05d}" if stranger[place] else chunk.ids[number]
            more = f',"sentiment":{(place * 37 % 200 - 100) / 100}' if feeling[place] else ""
            line = (
                f'{{"kind":"contact","loan_id":"{who}","date":"{date}","channel":"{WAYS[way[place]]}",'
                f'"topic":"{about}","note":"{note}"{more}}}'
            )
            yield line[: len(line) // 2] if cut[place] else line


@dataclass
class Chunk:
    """One chunk of loans and what its months, as they pass, bring about: revaluations and contacts."""

    number: int
    book: Book
    ids: Sequence[str]
    macro: Macro
    rng: np.random.Generator

    def __post_init__(self) -> None:
        self.months: list[int] = []
        self.revalued: list[IntArray] = []
        self.values: list[FloatArray] = []
        self.contacted: list[IntArray] = []
        self.behind: list[IntArray] = []
        self.days = np.zeros(self.book.size, dtype=np.int64)  # past due at the end of the month before
        self.offset = self.rng.integers(0, REVALUED_EVERY, self.book.size)
        region = self.book.borrowers.region
        self.worth = self.book.property_value / self.macro.house_prices[self.book.origination, region]

    def follow(self, months: Iterator[MonthRows]) -> Iterator[MonthRows]:
        """Pass the months on unchanged, noting who is valued anew and who is in contact with the bank."""
        for rows in months:
            self._note(rows)
            yield rows

    def _note(self, rows: MonthRows) -> None:
        """Draw from what stood at the end of the month before: a letter of the fifth knows nothing of the thirtieth."""
        ended = np.isin(rows.event, (PREPAID, MATURED, WRITTEN_OFF))
        due = (rows.months_on_book > 0) & ((rows.months_on_book + self.offset[rows.loan]) % REVALUED_EVERY == 0)
        valued = rows.loan[due & ~ended]
        days = self.days[rows.loan]
        often = np.array(CONTACTS)[(days > 0).astype(np.int64) + (days >= DEFAULT_DAYS)]
        talks = self.rng.random(len(rows.loan)) < often
        self.months.append(rows.month)
        self.revalued.append(valued)
        index = self.macro.house_prices[rows.month - 1, self.book.borrowers.region[valued]]
        self.values.append(self.worth[valued] * index)
        self.contacted.append(rows.loan[talks])
        self.behind.append(days[talks])
        self.days[rows.loan] = rows.days_past_due


def days(month: IntArray | Sequence[int], shift: IntArray) -> list[str]:
    """Return dates as text: `shift` days after the first of each month, which count from January 2000.

    >>> days(np.array([0, 1]), np.array([-1, 28]))
    ['1999-12-31', '2000-02-29']
    """
    first = np.datetime64(f"{FIRST_YEAR}-01", "M") + np.asarray(month, dtype=np.int64)
    return [str(day) for day in (first.astype("datetime64[D]") + shift).astype(str)]


def _draw_applicants(chunk: Chunk, lacking: BoolArray) -> list[str]:
    """Return each loan's applicants as JSON: one or two whose incomes make up the loan's within about a per cent."""
    book, rng, size = chunk.book, chunk.rng, chunk.book.size
    people = book.borrowers
    total = people.income * np.exp(rng.normal(0, 0.01, size))
    pair = rng.random(size) < 0.45
    main = total * np.where(pair, rng.uniform(0.5, 0.85, size), 1.0)
    rent = np.where(rng.random(size) < 0.08, 0.12, 0.0)
    kinds = np.array([np.array(MAIN_INCOME)[people.employment], np.full(size, 3), rng.choice(2, size, p=(0.88, 0.12))])
    doubt = chance(-2.2 + 0.7 * people.frailty + 1.0 * (people.employment == SELF_EMPLOYED))
    verified = np.where(rng.random((3, size)) < doubt, "false", "true")
    since = FIRST_YEAR + book.origination // 12 - rng.integers(1, 16, (2, size))
    amounts = np.round([main * (1 - rent), main * rent, total - main])
    found = []
    for place in range(size):
        incomes = [_income(kinds[0, place], amounts[0, place], verified[0, place])]
        if rent[place]:
            incomes.append(_income(3, amounts[1, place], verified[1, place]))
        began = (None, None) if lacking[place] else (int(since[0, place]), int(since[1, place]))
        text = _applicant("main", incomes, INCOME_TYPES[kinds[0, place]], began[0])
        if pair[place]:
            partner = [_income(kinds[2, place], amounts[2, place], verified[2, place])]
            text += "," + _applicant("partner", partner, INCOME_TYPES[kinds[2, place]], began[1])
        found.append(text)
    return found


def _income(kind: int, amount: float, verified: str) -> str:
    return f'{{"type":"{INCOME_TYPES[kind]}","amount":{amount:.0f},"verified":{verified}}}'


def _applicant(role: str, incomes: list[str], work: str, since: int | None) -> str:
    began = "" if since is None else f',"since":"{since}-01-01"'
    return f'{{"role":"{role}","employment":{{"type":"{work}"{began}}},"incomes":[{",".join(incomes)}]}}'


def _draw_debts(rng: np.random.Generator, size: int) -> list[str]:
    """Return each application's other debts as JSON: none for most, at most two."""
    count = np.minimum(rng.poisson(0.4, size), 2)
    kind, monthly = rng.integers(0, len(DEBTS), (2, size)), np.round(rng.gamma(3, 70, (2, size)))
    return [
        ",".join(f'{{"type":"{DEBTS[kind[i, place]]}","monthly":{monthly[i, place]:.0f}}}' for i in range(many))
        for place, many in enumerate(count.tolist())
    ]
