"""The SQL workbench's tables, this visitor's statements and their answers."""

import datetime
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pages.common import cached
from pages.common.cached import remember
from portfolio.sandbox import Answer, SqlError, Table
from portfolio.selection import Selection

STATEMENT, HISTORY, SHOWN = "sql_statement", "sql_history", "sql_shown"
WRITTEN = "sql_written"  # what a button wrote into the editor last
KEPT = 20
LONGEST = 8000  # characters of a statement: it must fit into an address
BARS = 30


@dataclass(frozen=True)
class Entry:
    """A statement of this session: when it ran, how many rows it gave, how long it took, or why it gave none.

    `seconds` is None for a text that was replaced before it was run.
    """

    sql: str
    when: datetime.datetime
    rows: int = 0
    seconds: float | None = None
    error: str = ""


@dataclass(frozen=True)
class Shown:
    """What the page shows below the editor: a statement's answer, or DuckDB's error, and whose portfolio's it is."""

    portfolio: str
    sql: str
    answer: Answer | None = None
    error: str = ""


@remember
def tables(selection: Selection) -> tuple[Table, ...]:
    """Return the tables that statements can name."""
    return cached.sandbox(selection).tables()


def run(selection: Selection, sql: str, session: MutableMapping[Any, Any]) -> None:
    """Run a statement and keep its answer and its place in the session's history."""
    now = datetime.datetime.now()
    try:
        answer = cached.sandbox(selection).run(sql)
    except SqlError as error:
        session[SHOWN] = Shown(selection.portfolio, sql, error=str(error))
        _record(session, Entry(sql, now, seconds=0.0, error=str(error)))
    else:
        session[SHOWN] = Shown(selection.portfolio, sql, answer)
        _record(session, Entry(sql, now, len(answer.frame), answer.seconds))


def write(session: MutableMapping[Any, Any], sql: str) -> None:
    """Put `sql` into the editor; what stood there goes to the history, so that nobody's draft is lost."""
    draft = str(session.get(STATEMENT) or "").strip()
    if (
        draft
        and draft not in (sql, session.get(WRITTEN))
        and all(entry.sql.strip() != draft for entry in history(session))
    ):
        _record(session, Entry(draft, datetime.datetime.now()))
    session[STATEMENT] = session[WRITTEN] = sql


def insert(session: MutableMapping[Any, Any], name: str) -> None:
    """Add a table's or a column's name at the end of the statement."""
    before = str(session.get(STATEMENT) or "")
    session[STATEMENT] = f"{before}{'' if not before or before[-1].isspace() else ' '}{name}"


def history(session: MutableMapping[Any, Any]) -> list[Entry]:
    """Return this session's statements, the latest first."""
    kept: list[Entry] = session.get(HISTORY, [])
    return kept


def shown(selection: Selection, session: MutableMapping[Any, Any]) -> Shown | None:
    """Return what to show below the editor, if it is of the selected portfolio."""
    last = session.get(SHOWN)
    return last if isinstance(last, Shown) and last.portfolio == selection.portfolio else None


def _record(session: MutableMapping[Any, Any], entry: Entry) -> None:
    others = [former for former in history(session) if former.sql.strip() != entry.sql.strip()]
    session[HISTORY] = [entry, *others][:KEPT]


@dataclass(frozen=True)
class Chartable:
    """A result as a chart: a date or category along one axis, numbers along the other."""

    frame: pd.DataFrame
    along: str
    values: tuple[str, ...]
    is_time: bool
    rows: int  # of the result, of which `frame` may hold the first


def chartable(frame: pd.DataFrame) -> Chartable | None:
    """Return how a result can be drawn: its first date, else its first text, against its numbers; None if it cannot.

    A date must be there once a row; of categories the first `BARS` are drawn.
    """
    if len(frame) < 2:
        return None
    names = [str(name) for name in frame.columns]
    dates = [name for name in names if pd.api.types.is_datetime64_any_dtype(frame[name])]
    texts = [name for name in names if pd.api.types.is_string_dtype(frame[name])]
    numbers = [name for name in names if _is_number(frame[name])]
    along = next(iter([*(name for name in dates if frame[name].is_unique), *texts, *numbers]), None)
    values = tuple(name for name in numbers if name != along)
    if along is None or not values:
        return None
    is_time = along in dates
    plain = frame.astype(dict.fromkeys(values, "float64"))
    if not is_time:
        plain = plain.head(BARS)
        plain[along] = plain[along].astype("string").fillna("none").astype(object)  # a year is no amount: no commas
    return Chartable(plain.sort_values(along) if is_time else plain, along, values, is_time, len(frame))


def _is_number(values: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
