# ruff: noqa: S608 (the statements are texts for the editor; the sandbox judges them when they are run)
"""The SQL workbench's words: example questions for any portfolio, and how a result is summed up."""

from dataclasses import dataclass

from analytics.book import ENDS, LATE
from analytics.words import format_number
from pages.common import cached
from pages.common.shell import View
from pages.common.sql_data import Chartable, Entry, Shown
from portfolio.sandbox import Column, Table
from portfolio.schema import OBSERVATION_DATE, Field
from portfolio.workspace import UNDATED

FEW = 60  # characters of a statement in the history


@dataclass(frozen=True)
class Example:
    """A question and the statement that answers it."""

    question: str
    sql: str


def examples(view: View, tables: tuple[Table, ...]) -> list[Example]:
    """Return questions that this portfolio's tables can answer."""
    names = {table.name: {column.name for column in table.columns} for table in tables}
    made = [
        _arrears(view, names) or _events_by_segment(view),
        _by_number(view),
        _largest_in_arrears(view, names) or _largest(view),
        _vintages(view, names),
    ]
    return [example for example in made if example is not None]


def _arrears(view: View, names: dict[str, set[str]]) -> Example | None:
    region = _place(view)
    if region is None or region.name not in names.get("flows", set()):
        return None
    return Example(
        f"Arrears by {_label(region)} now",
        f"""WITH latest AS (
  SELECT *, state IN ({_texts(LATE)}) AS late
  FROM flows
  WHERE month = (SELECT max(month) FROM flows)
    AND state NOT IN ({_texts(ENDS)})
)
SELECT {quote(region.name)},
       sum(loans) AS loans,
       coalesce(sum(loans) FILTER (late), 0) / sum(loans) AS arrears_share,
       coalesce(sum(exposure) FILTER (late), 0) AS exposure_in_arrears
FROM latest
GROUP BY ALL
ORDER BY arrears_share DESC""",
    )


def _largest_in_arrears(view: View, names: dict[str, set[str]]) -> Example | None:
    """The rows are cut to ten before the loans are joined: at sixty million rows that halves the time."""
    if not {"flows", "performance", "loans"} <= set(names):
        return None
    loan = quote(view.schema.id.name)
    own = [item.name for item in view.schema.with_role("segment") if item.name in names["loans"]][:3]
    return Example(
        "The ten largest exposures in arrears",
        f"""WITH largest AS (
  SELECT * FROM performance
  WHERE month = (SELECT max(month) FROM flows)
    AND (days_past_due >= 30 OR status = 'default')
    AND coalesce(event, '') NOT IN ({_texts(ENDS)})
  ORDER BY balance DESC
  LIMIT 10
)
SELECT {", ".join([loan, *map(quote, own), "balance", "days_past_due", "status"])}
FROM largest JOIN loans USING ({loan})
ORDER BY balance DESC""",
    )


def _texts(values: tuple[str, ...]) -> str:
    return ", ".join(f"'{value}'" for value in values)


def _events_by_segment(view: View) -> Example | None:
    segment = _place(view)
    if segment is None or not view.schema.names("target"):
        return None
    return Example(f"{_rate(view).capitalize()} by {_label(segment)}", _rates(view, quote(segment.name), segment.name))


def _largest(view: View) -> Example | None:
    exposure = view.schema.exposure
    if exposure is None or not view.schema.names("target"):
        return None
    target = quote(view.schema.target.name)
    return Example(
        f"The ten largest with {view.schema.event}",
        f"SELECT *\nFROM snapshots\nWHERE {target} = 1\nORDER BY {quote(exposure.name)} DESC NULLS LAST\nLIMIT 10",
    )


def _by_number(view: View) -> Example | None:
    numbers = [item for item in view.schema.with_role("feature") if item.kind == "number" and not item.categories]
    item = view.schema.meaning("ltv") or next(iter(numbers), None)
    if item is None or not view.schema.names("target"):
        return None
    column = quote(item.name)
    if item.unit == "share":
        band = f"floor(10 * {column}) / 10"
        return Example(f"{_rate(view).capitalize()} by {_label(item)} band", _rates(view, band, "from_this"))
    target = quote(view.schema.target.name)
    return Example(
        f"{_rate(view).capitalize()} by tenth of {_label(item)}",
        f"""WITH tenths AS (
  SELECT *, ntile(10) OVER (ORDER BY {column}) AS tenth
  FROM snapshots
  WHERE {column} IS NOT NULL AND {target} IS NOT NULL
)
SELECT tenth, min({column}) AS lowest, max({column}) AS highest, count(*) AS n, avg({target}) AS event_rate
FROM tenths
GROUP BY tenth
ORDER BY tenth""",
    )


def _vintages(view: View, names: dict[str, set[str]]) -> Example | None:
    """Event rates by year of origination, else by observation date, else by the last segment."""
    if not view.schema.names("target"):
        return None
    rate = _rate(view).capitalize()
    if "origination_date" in names["snapshots"]:
        return Example(f"{rate} by vintage", _rates(view, "year(origination_date)", "vintage"))
    if cached.portfolio(view.selection).snapshot_keys() != [UNDATED]:
        return Example(f"{rate} by date", _rates(view, OBSERVATION_DATE, OBSERVATION_DATE))
    segments = view.schema.with_role("segment")
    return (
        Example(f"{rate} by {_label(segments[-1])}", _rates(view, quote(segments[-1].name), segments[-1].name))
        if len(segments) > 1
        else None
    )


def _rates(view: View, by: str, name: str) -> str:
    """Return the statement that counts events by an expression."""
    target = quote(view.schema.target.name)
    return f"""SELECT {by} AS {quote(name)},
       count(*) AS n,
       sum({target}) AS events,
       avg({target}) AS event_rate
FROM snapshots
WHERE {target} IS NOT NULL
GROUP BY ALL
ORDER BY 1"""


def _place(view: View) -> Field | None:
    """Return the field that stands for the region, else the first segment."""
    return view.schema.meaning("region") or next(iter(view.schema.with_role("segment")), None)


def _rate(view: View) -> str:
    return f"{view.schema.event} rate"


def _label(item: Field) -> str:
    """Return a label inside a sentence: lower case, but for abbreviations."""
    return item.label if item.label[:2].isupper() else item.label[:1].lower() + item.label[1:]


def quote(name: str) -> str:
    """Return a name as SQL wants it: bare where it can be.

    >>> quote("region"), quote("Line number"), quote('a"b')
    ('region', '"Line number"', '"a""b"')
    """
    bare = name.isascii() and name.isidentifier() and name.lower() not in _KEYWORDS
    escaped = name.replace('"', '""')
    return name if bare else f'"{escaped}"'


_KEYWORDS = {"all", "and", "any", "as", "asc", "case", "cast", "check", "column", "copy", "default", "delete", "desc",
             "distinct", "do", "else", "end", "except", "false", "fetch", "for", "foreign", "from", "grant", "group",
             "having", "in", "insert", "intersect", "into", "join", "lateral", "leading", "limit", "merge", "not",
             "null", "offset", "on", "only", "or", "order", "pivot", "primary", "qualify", "references", "row",
             "select", "show", "some", "table", "then", "to", "trailing", "true", "union", "unique", "unpivot",
             "update", "using", "when", "where", "window", "with"}  # fmt: skip


def names(tables: tuple[Table, ...]) -> dict[str, str]:
    """Return what the search box offers (table or column with its type) and the name that it writes."""
    offered = {f"{table.name} · table": table.name for table in tables}
    for table in tables:
        offered |= {f"{item.name} · {item.type} · {table.name}": quote(item.name) for item in table.columns}
    return offered


def label_column(view: View, column: Column) -> str:
    """Return what the schema says a column is ("" if it does not know it)."""
    known = {item.name: item.label for item in view.schema.fields}
    return known.get(column.name, "")


def summary(last: Shown) -> str:
    """Return how many rows an answer has, what was cut, and how long it took."""
    if last.answer is None:
        return ""
    rows, columns = last.answer.frame.shape
    cut = f" **The result was {last.answer.cut}**: aggregate or filter to see the rest." if last.answer.cut else ""
    return f"{count(rows, 'row')}, {count(columns, 'column')} in {last.answer.seconds:.2f} s.{cut}"


def recall(entry: Entry) -> tuple[str, str]:
    """Return a history entry's button text and what came of it."""
    line = " ".join(entry.sql.split())
    text = line if len(line) <= FEW else f"{line[:FEW]}…"
    when = f"{entry.when:%H:%M:%S}"
    if entry.seconds is None:
        return text, f"{when} · not run"
    if entry.error:
        return text, f"{when} · {entry.error.partition(chr(10))[0][:80]}"
    return text, f"{when} · {count(entry.rows, 'row')} · {entry.seconds:.2f} s"


def count(number: int, what: str) -> str:
    """Return a number and its noun.

    >>> count(1, "row"), count(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def chart_title(chart: Chartable, value: str) -> str:
    """Return a chart's finding: where the value is highest, or where it stands last."""
    known = chart.frame.dropna(subset=[value])
    if known.empty:
        return f"{value} is missing everywhere"
    row = known.iloc[-1 if chart.is_time else int(known[value].to_numpy().argmax())]
    where = f"{row[chart.along]:%-d %B %Y}" if chart.is_time else f"{chart.along} {row[chart.along]}"
    return f"{value} is {'' if chart.is_time else 'highest, '}{format_number(float(row[value]))}, at {where}"


def chart_source(chart: Chartable, value: str) -> str:
    """Return what a chart plots, and whether it holds every row."""
    part = "" if len(chart.frame) == chart.rows else f", the first {len(chart.frame)} of {count(chart.rows, 'row')}"
    return f"{value} by {chart.along}, as the statement gives it{part}"


def about(view: View, sql: str) -> dict[str, str]:
    """Return what an exported file says of itself: portfolio, data and statement."""
    here = cached.portfolio(view.selection)
    return {"Portfolio": view.schema.title, "Data SHA-256": here.data_hash, "Statement": sql}
