# ruff: noqa: S608 (columns are staged as c0, c1, …; every text of a user passes through quote())
"""What a column's text looks like: how much is there, how much of it is numbers or dates, how many different."""

from collections.abc import Mapping as Dict
from dataclasses import dataclass

from portfolio.schema import Kind
from portfolio.sources import words
from portfolio.sources.cells import date, rounded_date
from portfolio.sources.mapping import Mapping
from portfolio.sources.raw import RawTable
from portfolio.sources.typed import date_sql

TYPED_SHARE = 0.99
"""A column is of numbers (or dates) if this share of its values is; the others are quarantined."""
FEW = 20
MOST_SNAPSHOTS = 240


@dataclass(frozen=True)
class Profile:
    """One column: rows with a value, their kind, different values (about, for many numbers), the value if only one."""

    name: str
    present: int
    kind: Kind
    distinct: int
    constant: str | None
    unique: bool


class Profiles:
    """The profiles of a table's columns, by name, and the questions that need the rows again."""

    def __init__(self, raw: RawTable, mapping: Mapping, profiles: Dict[str, Profile]) -> None:
        self.raw, self.mapping, self.profiles = raw, mapping, profiles

    def __getitem__(self, name: str) -> Profile:
        return self.profiles[name]

    def count_values(self, name: str) -> dict[str, int]:
        """Return how often each value of a column occurs, the commonest first."""
        column = self.raw.column(name)
        return dict(
            self.raw.connection.execute(
                f"SELECT {column} AS v, count(*) AS n FROM clean WHERE {column} IS NOT NULL GROUP BY v "
                "ORDER BY n DESC, v LIMIT 100"
            ).fetchall()
        )

    def choose_period(self, name: str) -> str:
        """Return "day", or the shortest period that gathers a date column's days into at most 240 snapshots."""
        days = date_sql(self.raw, self.mapping, name)
        for by in ("day", "month", "quarter"):
            if self.raw.count(f"SELECT count(DISTINCT {rounded_date(f'({days})', by)}) FROM clean") <= MOST_SNAPSHOTS:
                return by
        return "year"


def profile_table(raw: RawTable, mapping: Mapping) -> Profiles:
    """Return the profile of every column; one pass over one column at a time."""
    return Profiles(raw, mapping, {name: _profile(raw, mapping, name) for name in raw.names})


def _profile(raw: RawTable, mapping: Mapping, name: str) -> Profile:
    number = mapping.table.spelling.number("v")
    row = raw.connection.execute(
        f"SELECT count(v), count({number}), count({date('v')}), count(*) FILTER (regexp_full_match(v, '0[0-9]+')), "
        f"min(v), max(v), approx_count_distinct(v) FROM (SELECT {raw.column(name)} AS v FROM clean)"
    ).fetchone()
    present, numbers, dates, codes, lowest, highest, distinct = row or (0, 0, 0, 0, None, None, 0)
    kind = _kind(present, numbers, dates, codes)
    if kind == "category" or distinct <= FEW or words.could_be_id(name):
        # an exact count of millions of different numbers costs seconds a column and decides nothing
        distinct = int(raw.count(f"SELECT count(DISTINCT {raw.column(name)}) FROM clean"))
    return Profile(
        name,
        present,
        kind,
        distinct,
        lowest if present and lowest == highest else None,
        present > 0 and distinct == present == raw.rows - len(raw.rejected),
    )


def _kind(present: int, numbers: int, dates: int, codes: int) -> Kind:
    """Return the kind that enough values have; numbers with leading zeros are codes, so categories."""
    allowed = max(present * (1 - TYPED_SHARE), 1 if present >= FEW else 0)
    if present and present - dates <= allowed:
        return "date"
    if present and present - numbers <= allowed and not codes:
        return "number"
    return "category"
