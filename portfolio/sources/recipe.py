# ruff: noqa: S608 (names come from layouts and recipes, every text of a file passes through quote())
"""How a delivered row becomes a row of the history: which columns, which rules refuse it, which codes mean missing."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from portfolio.sources.cells import quote
from portfolio.sources.layouts import Column, Layout

WIDTH = "width"
BLANK = "blank"
FIRST_DAY, LAST_DAY = "1900-01-01", "2100-12-31"
KINDS = {"number": "not a number", "yyyymm": "not a month as YYYYMM", "mmyyyy": "not a month as MMYYYY",
         "date": "not a date as YYYY-MM-DD"}  # fmt: skip


@dataclass(frozen=True)
class Rule:
    """A reason to refuse a row: true where `broken` (SQL over the layout's names) is. `column` is the one at fault."""

    name: str
    column: str
    broken: str
    reason: str


@dataclass(frozen=True)
class Recipe:
    """How rows of one layout become rows of the staged `table`.

    `columns` maps the history's names to SQL over the layout's names; a name stands for the typed value, NULL where
    its code means missing, and `raw_<name>` for the text as delivered. `month` dates a row, for counting what is
    missing. A blank in an `optional` column says nothing; elsewhere it is a missing value. `reasons` says in words
    why a code of a column stands there, by (column, code) or by code.
    """

    table: str
    layout: Layout
    columns: Mapping[str, str]
    rules: tuple[Rule, ...]
    month: str = "month"
    optional: frozenset[str] = frozenset()
    reasons: Mapping[str, str] = field(default_factory=dict)
    also: tuple[str, ...] = ()  # columns that only a join needs

    def used(self) -> list[Column]:
        """Return the layout's columns that the recipe reads."""
        text = " ".join([*self.columns.values(), *(rule.broken for rule in self.rules), self.month, *self.also])
        words = {word.removeprefix("raw_") for word in re.findall(r"[A-Za-z_][A-Za-z0-9_]*", text)}
        return [item for item in self.layout.columns if item.name in words]

    def all_rules(self, *, text: bool) -> list[Rule]:
        """Return the rules, those of width and type first; `text` says that rows come as fields of a text."""
        width = Rule(WIDTH, "", f"width <> {self.layout.width}", f"not {self.layout.width}")
        typed = [Rule(item.kind, item.name, f"{_given(item)} AND {item.name} IS NULL", KINDS[item.kind])
                 for item in self.used() if item.kind in KINDS]  # fmt: skip
        if not text:
            return [*typed, *self.rules]
        # the other rules would only repeat that a row cut short lacks its fields
        whole = [Rule(rule.name, rule.column, f"width = {self.layout.width} AND ({rule.broken})", rule.reason)
                 for rule in (*typed, *self.rules)]  # fmt: skip
        return [width, *whole]

    def missing_codes(self) -> list[tuple[str, str, str, str]]:
        """Return (canonical field, column, code, condition in SQL) for every way in which a value may be missing."""
        found = []
        for item in self.used():
            name = self._canonical(item.name)
            if name is None:
                continue
            found += [(name, item.name, code, _is_code(item, code)) for code in item.missing]
            if item.name not in self.optional:
                found.append((name, item.name, BLANK, f"raw_{item.name} IS NULL"))
        return found

    def reason(self, column: str, code: str) -> str:
        """Return in words why `code` stands in `column`."""
        said = self.reasons.get(f"{column}:{code}") or self.reasons.get(code)
        return said or ("left blank" if code == BLANK else "not available")

    def _canonical(self, column: str) -> str | None:
        """Return the first of the history's names that is made from `column`."""
        word = re.compile(rf"\b(raw_)?{column}\b")
        return next((name for name, sql in self.columns.items() if word.search(sql)), None)


def _is_code(item: Column, code: str) -> str:
    if code.startswith("ND"):  # ND4 is followed by the date from which the value will be there
        return f"starts_with(raw_{item.name}, {quote(code)})"
    if item.kind == "number":  # 999 may be written 0999 or 999.0
        same = f"TRY_CAST(raw_{item.name} AS DOUBLE) = TRY_CAST({quote(code)} AS DOUBLE)"
        return f"(raw_{item.name} = {quote(code)} OR {same})"
    return f"raw_{item.name} = {quote(code)}"


def _given(item: Column) -> str:
    """Return SQL that is true where a column holds something that is not a missing code."""
    codes = [f"NOT coalesce({_is_code(item, code)}, false)" for code in item.missing]
    return " AND ".join([f"raw_{item.name} IS NOT NULL", *codes])


def _typed(item: Column) -> str:
    """Return SQL for a column's value; NULL where it has another type."""
    raw = f"raw_{item.name}"
    if item.kind == "number":
        return f"CASE WHEN isfinite(TRY_CAST({raw} AS DOUBLE)) THEN TRY_CAST({raw} AS DOUBLE) END"
    if item.kind in ("yyyymm", "mmyyyy"):
        number = f"TRY_CAST({raw} AS INTEGER)"
        year, month = (f"{number} // 100", f"{number} % 100") if item.kind == "yyyymm" else (
            f"{number} % 10000", f"{number} // 10000")  # fmt: skip
        known = f"{year} BETWEEN {FIRST_DAY[:4]} AND {LAST_DAY[:4]} AND {month} BETWEEN 1 AND 12"
        return f"CASE WHEN length({raw}) = 6 AND {known} THEN last_day(make_date({year}, {month}, 1)) END"
    if item.kind == "date":
        return _possible(f"TRY_CAST({raw} AS DATE)")
    return f"CAST({raw} AS VARCHAR)"


def _possible(day: str) -> str:
    return f"CASE WHEN {day} BETWEEN DATE '{FIRST_DAY}' AND DATE '{LAST_DAY}' THEN {day} END"


def cells_sql(recipe: Recipe, rows: str, *, shift: int = 0) -> str:
    """Return SQL that gives the used columns of `rows` (line, text, cells) their names: width and `raw_<name>`."""
    cells = ", ".join(f"nullif(trim(cells[{item.position + shift}]), '') AS raw_{item.name}" for item in recipe.used())
    return f"SELECT line, text, len(cells) - {shift} AS width, {cells} FROM ({rows})"


def checked_sql(recipe: Recipe, named: str, rules: Sequence[Rule], *, join: str = "", delivery: int = 0) -> str:
    """Return SQL for the recipe's columns of `named`, with delivery, line, `missing`, `broken` (a bit a rule), text.

    `join` is added after the typed columns, so that a recipe may use the columns of another table.
    """
    typed = []
    for item in recipe.used():
        codes = " OR ".join(_is_code(item, code) for code in item.missing)
        value = f"CASE WHEN {codes} THEN NULL ELSE {_typed(item)} END" if codes else _typed(item)
        typed.append(f"{value} AS {item.name}")
    clean = f"SELECT *, {', '.join(typed)} FROM ({named})"
    columns = ", ".join(f"{sql} AS {name}" for name, sql in recipe.columns.items())
    bits = " | ".join(
        f"(CASE WHEN coalesce({rule.broken}, false) THEN {1 << place}::UBIGINT ELSE 0 END)"
        for place, rule in enumerate(rules)
    )
    lacks = ", ".join(
        f"CASE WHEN {condition} THEN '{place}' END" for place, (_, _, _, condition) in enumerate(recipe.missing_codes())
    )
    own = "ue." if join else ""  # a joined table has lines of its own
    return (
        f"SELECT {columns}, {delivery}::INTEGER AS delivery, {own}line, text, {bits or '0::UBIGINT'} AS broken, "
        f"{f'concat_ws(chr(32), {lacks})' if lacks else chr(39) * 2} AS missing, {recipe.month} AS dated "
        f"FROM ({clean}) {join}"
    )
