# ruff: noqa: S608 (columns are staged as c0, c1, …; every text of a user passes through quote())
"""A staged column as what the mapping says it is: SQL over the table `clean` for numbers, dates, target."""

import pandas as pd

from portfolio.sources.cells import date, period_date, quote, rounded_date, scaled, to_number
from portfolio.sources.mapping import Mapping
from portfolio.sources.raw import RawTable

SAMPLE_ROWS = 100_000


def clean_cells(raw: RawTable, mapping: Mapping) -> None:
    """Stage the table `clean`: as `raw`, without blanks around the text, NULL where missing.

    Missing are the table's spellings and each column's own codes. Made once, because the expressions over a
    cell name it several times and nested ones take DuckDB's planner seconds on a wide table.
    """
    plain = ", ".join(f"{mapping.table.spelling.text(raw.column(name))} AS {raw.column(name)}" for name in raw.names)
    coded = ", ".join(
        f"{_without_codes(raw, mapping, name)} AS {raw.column(name)}"
        for name in raw.names
        if mapping.about(name).missing
    )
    replaced = f"* REPLACE ({coded})" if coded else "*"
    raw.connection.execute(f"CREATE OR REPLACE TABLE clean AS SELECT {replaced} FROM (SELECT rec, {plain} FROM raw)")


def _without_codes(raw: RawTable, mapping: Mapping, name: str) -> str:
    column = raw.column(name)
    return f"CASE WHEN {_spells(mapping, column, mapping.about(name).missing)} THEN NULL ELSE {column} END"


def typed_sql(raw: RawTable, mapping: Mapping, name: str) -> str:
    """Return the SQL for a column as a snapshot stores it: the target as 0 and 1, numbers, dates, else text."""
    if mapping.target and name == mapping.target.column:
        return target_sql(raw, mapping)
    kind = mapping.about(name).kind
    if kind == "number":
        return number_sql(raw, mapping, name)
    if kind == "date":
        return date_sql(raw, mapping, name)
    return category_sql(raw, mapping, name)


def category_sql(raw: RawTable, mapping: Mapping, name: str) -> str:
    """Return the SQL for a column's category: its text, or what the mapping says that the code stands for."""
    column, about = raw.column(name), mapping.about(name)
    if not about.names:
        return column
    pairs = zip(about.categories, about.names, strict=True)
    cases = " ".join(f"WHEN {_spells(mapping, column, (code,))} THEN {quote(said)}" for code, said in pairs)
    return f"CASE {cases} ELSE {column} END"


def number_sql(raw: RawTable, mapping: Mapping, name: str) -> str:
    """Return the SQL for a column's number as stored, NULL where missing or where the text is no number."""
    number = mapping.table.spelling.number(raw.column(name))
    return scaled(number, mapping.about(name).scale)


def date_sql(raw: RawTable, mapping: Mapping, name: str) -> str:
    """Return the SQL for a column's date, NULL where missing or where the text is no date."""
    text = raw.column(name)
    given = mapping.date
    if given and given.column == name:
        if given.period and given.start:
            return period_date(f"({mapping.table.spelling.number(text)})", given.period, given.start)
        return date(text, given.format or mapping.about(name).format)
    return date(text, mapping.about(name).format)


def observation_sql(raw: RawTable, mapping: Mapping) -> str:
    """Return the SQL for the observation date: the date column's, gathered as the mapping says; NULL without one."""
    if not mapping.date or not mapping.date.column:
        return "CAST(NULL AS DATE)"
    return rounded_date(f"({date_sql(raw, mapping, mapping.date.column)})", mapping.date.by)


def target_sql(raw: RawTable, mapping: Mapping) -> str:
    """Return the SQL for the target: 1 the event, 0 not, NULL where the cell is missing or neither."""
    if not mapping.target or not mapping.target.column:
        return "CAST(NULL AS TINYINT)"
    text = raw.column(mapping.target.column)
    event = _spells(mapping, text, mapping.target.event_value)
    other = _spells(mapping, text, mapping.target.other_value)
    return f"CAST(CASE WHEN {event} THEN 1 WHEN {other} THEN 0 END AS TINYINT)"


def _spells(mapping: Mapping, text: str, values: tuple[str, ...]) -> str:
    """Return the SQL that is true where the text is one of `values`, as text or as a number: 999 is 999.0."""
    same = f"{text} IN ({', '.join(quote(value) for value in values)})"
    numbers = [number for value in values if (number := to_number(value)) is not None]
    if numbers:
        same += f" OR {mapping.table.spelling.number(text)} IN ({', '.join(map(repr, numbers))})"
    return f"({same})"


def sample_features(raw: RawTable, mapping: Mapping, names: list[str]) -> tuple[pd.DataFrame, "pd.Series[float]"]:
    """Return at most about 100,000 evenly spread rows of the features, typed, and the target."""
    step = max(1, raw.rows // SAMPLE_ROWS)
    cells = [f"{typed_sql(raw, mapping, name)} AS f{place}" for place, name in enumerate(names)]
    frame = raw.connection.execute(
        f"SELECT {', '.join(cells)}, {target_sql(raw, mapping)} AS target FROM clean "
        f"WHERE rec % {step} = 0 ORDER BY rec"
    ).df()
    target = frame.pop("target").astype("float64")
    frame.columns = pd.Index(names)
    return frame, target
