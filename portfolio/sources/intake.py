# ruff: noqa: S608 (names come from layouts and recipes, every text of a file passes through quote())
"""The intake of a delivery: each file read once by DuckDB, checked, and staged by year; what was refused and why."""

import json
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import duckdb

from portfolio.errors import HypothecError
from portfolio.quality import QUARANTINE_COLUMNS
from portfolio.sources.cells import quote, quote_all
from portfolio.sources.delivered import Lines
from portfolio.sources.raw import first_line
from portfolio.sources.recipe import Recipe, Rule, cells_sql, checked_sql

MEMORY = "3GB"
MOSTLY = 0.5  # a file of which more is refused is a wrong file, not a file with wrong rows
BAD = "bad"
QUARANTINED = "quarantined"
STAGE = ".stage"


@dataclass(frozen=True)
class Staged:
    """What became of one file: `kind` is the layout, `good` rows are in `folder`, by year where it has months."""

    file: str
    kind: str
    delivery: int
    rows: int
    bad: int
    table: str
    folder: Path
    counted: bool = True  # False for a second look at rows that are counted elsewhere


class Intake:
    """A delivery being taken in; everything lies in a hidden folder of the portfolio that is being built.

    Tables of the connection: `refused` (QUARANTINE_COLUMNS), `lacking` (month, table, field, code, reason, n, source).
    """

    def __init__(self, building: Path) -> None:
        self.folder = building / STAGE
        self.folder.mkdir()
        self.scratch = self.folder / "scratch"
        self.scratch.mkdir()
        self.connection = duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(self.folder / "spill")})
        self.connection.execute("SET TimeZone = 'UTC'")
        kinds = ", ".join(f'"{name}" {"BIGINT" if name == "line" else "VARCHAR"}' for name in QUARANTINE_COLUMNS)
        self.connection.execute(f"CREATE TABLE refused ({kinds})")
        self.connection.execute(
            'CREATE TABLE lacking (month DATE, "table" VARCHAR, field VARCHAR, code VARCHAR, reason VARCHAR, '
            "n BIGINT, source VARCHAR)"
        )
        self.staged: list[Staged] = []
        self.notes: list[str] = []
        self.rules: Counter[str] = Counter()

    def close(self) -> None:
        """Close the database and remove what was staged."""
        self.connection.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def parts(self, table: str) -> list[Staged]:
        """Return what was staged for `table`."""
        return [item for item in self.staged if item.table == table]

    def years(self, table: str) -> dict[str, list[str]]:
        """Return the staged files of a table by year, in order of time."""
        found: dict[str, list[str]] = {}
        for item in self.parts(table):
            for folder in item.folder.glob("part=*"):
                year = folder.name.removeprefix("part=")
                if year != BAD:
                    found.setdefault(year, []).append(str(folder / "*.parquet"))
        return dict(sorted(found.items()))

    def stage_lines(
        self,
        lines: Lines,
        recipe: Recipe,
        *,
        header: bool = False,
        pick: str = "",
        join: str = "",
        counted: bool = True,
    ) -> Staged:
        """Stage a text file. `pick` is SQL that picks rows from {rows}: a table of line, text and cells."""
        rows = lines_sql(lines, header=header)
        named = cells_sql(recipe, pick.replace("{rows}", f"({rows})") if pick else rows, shift=int(lines.marked))
        return self.stage(lines.item.name, lines.item.rank, recipe, named, delimiter=lines.delimiter, join=join,
                          marked=lines.marked, counted=counted)  # fmt: skip

    def stage(
        self, file: str, delivery: int, recipe: Recipe, named: str, *, delimiter: str = "", join: str = "",
        marked: bool = False, counted: bool = True, originals: str = "",
    ) -> Staged:  # fmt: skip
        """Stage the rows of `named` (line, text, width, raw_<name>); refuse a file that is mostly bad.

        Good rows go to Parquet by the year of their month (all together if the table has none), bad ones
        to `refused`, counts of missing codes to `lacking`. `originals` is SQL for the line and
        the text of every row, where `named` has no text.
        """
        rules = recipe.all_rules(text=bool(delimiter))
        target = self.folder / recipe.table / f"{delivery:06d}"
        target.parent.mkdir(exist_ok=True)
        whole = "month" in recipe.columns and recipe.table == "performance"
        part = "year(month)::VARCHAR" if whole else "'all'"
        checked = checked_sql(recipe, named, rules, join=join, delivery=delivery)
        try:
            self.connection.execute(
                f"COPY (SELECT * EXCLUDE (text), "
                f"CASE WHEN broken <> 0 THEN text END AS text, "
                f"CASE WHEN broken <> 0 THEN '{BAD}' ELSE coalesce({part}, '{BAD}') END AS part FROM ({checked})) "
                f"TO {quote(str(target))} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, PARTITION_BY (part))"
            )
        except duckdb.Error as error:
            raise HypothecError(f"{file}: cannot be read as rows ({first_line(error)})") from None
        staged = self._count(file, delivery, recipe, target, counted)
        if staged.rows == 0:
            raise HypothecError(f"{file}: the file has no rows")
        if staged.bad:
            self._refuse(staged, recipe, rules, delimiter=delimiter, marked=marked, originals=originals)
        self._count_missing(staged, recipe)
        self.staged.append(staged)
        return staged

    def _count(self, file: str, delivery: int, recipe: Recipe, target: Path, counted: bool) -> Staged:
        counts = dict.fromkeys((BAD, "good"), 0)
        for folder in target.glob("part=*"):
            key = BAD if folder.name == f"part={BAD}" else "good"
            found = self.connection.execute(
                f"SELECT sum(num_rows) FROM parquet_file_metadata({quote(str(folder / '*.parquet'))})"
            ).fetchone()
            counts[key] += int(found[0]) if found else 0
        rows = sum(counts.values())
        return Staged(file, recipe.layout.name, delivery, rows, counts[BAD], recipe.table, target, counted)

    def _refuse(
        self, staged: Staged, recipe: Recipe, rules: list[Rule], *, delimiter: str, marked: bool, originals: str
    ) -> None:
        """Put the bad rows into `refused`, a row a broken rule; refuse the file if they are most of it."""
        bad = f"read_parquet({quote(str(staged.folder / f'part={BAD}' / '*.parquet'))}, hive_partitioning=false)"
        if originals:
            bad = f"(SELECT line, broken, o.text FROM {bad} AS b JOIN ({originals}) AS o USING (line))"
        # a second look at rows tells only of the lines that the first one let pass
        new = (
            "" if staged.counted else f"WHERE line NOT IN (SELECT line FROM refused WHERE file = {quote(staged.file)})"
        )
        places = {item.name: item.position for item in recipe.layout.columns}
        listed = ", ".join(
            f"({1 << bit}::UBIGINT, {quote(rule.name)}, {quote(rule.column)}, {places.get(rule.column, 0)}, "
            f"{quote(rule.reason)})" for bit, rule in enumerate(rules)
        )  # fmt: skip
        cells = f"string_split(text, {quote(delimiter)}){'[2:]' if marked else ''}" if delimiter else "NULL::VARCHAR[]"
        value = "cells[place]" if delimiter else "json_extract_string(text, '$.\"' || rule.\"column\" || '\"')"
        detail = "CASE WHEN rule.name = 'width' THEN len(cells) || ' fields, ' || rule.reason ELSE rule.reason END"
        row = "to_json(cells)" if delimiter else "text"
        self.connection.execute(
            f"INSERT INTO refused SELECT {quote(staged.file)}, line, rule.name, nullif(rule.\"column\", ''), "
            f"nullif({value}, ''), {detail}, {row} "
            f"FROM (SELECT line, broken, text, {cells} AS cells FROM {bad} {new}) "
            f'JOIN (VALUES {listed}) AS rule(bit, name, "column", place, reason) ON broken & bit <> 0'
        )
        if staged.bad > MOSTLY * staged.rows:
            line, column, value_, reason = self.connection.execute(
                'SELECT line, "column", value, reason FROM refused WHERE file = ? ORDER BY line, rule LIMIT 1',
                [staged.file],
            ).fetchall()[0]
            said = f"{column} {value_!r}: {reason}" if column else reason
            raise HypothecError(
                f"{staged.file}: {staged.bad:,} of {staged.rows:,} rows cannot be used, line {line:,} first: {said}; "
                f"is it a {recipe.layout.name.replace('_', ' ')} file?"
            )

    def _count_missing(self, staged: Staged, recipe: Recipe) -> None:
        """Count the codes of missing values by month."""
        codes = recipe.missing_codes()
        files = [str(path) for path in staged.folder.glob("part=*/*.parquet") if path.parent.name != f"part={BAD}"]
        if not codes or not files:
            return
        listed = ", ".join(
            f"('{place}', {quote(name)}, {quote(code)}, {quote(recipe.reason(column, code))}, {quote(column)})"
            for place, (name, column, code, _) in enumerate(codes)
        )
        self.connection.execute(
            f"INSERT INTO lacking SELECT month, {quote(recipe.table)}, field, code, reason, sum(n), source FROM ("
            f"SELECT month, n, unnest(string_split(missing, ' ')) AS place FROM (SELECT dated AS month, missing, "
            f"count(*) AS n FROM read_parquet({quote_all(files)}, hive_partitioning=false) WHERE missing <> '' "
            "GROUP BY ALL)) "
            f"JOIN (VALUES {listed}) AS said(place, field, code, reason, source) USING (place) GROUP BY ALL"
        )

    def refuse(self, rows: str) -> int:
        """Add the rows of a query (file, line, rule, column, value, reason, row) to `refused`; return how many."""
        done = self.connection.execute(f"INSERT INTO refused {rows}").fetchone()
        return int(done[0]) if done else 0

    def count_rules(self) -> dict[str, int]:
        """Return how many rows broke each rule, most first."""
        return {
            str(name): int(rows)
            for name, rows in self.connection.execute(
                "SELECT rule || CASE WHEN \"column\" IS NULL THEN '' ELSE ' of ' || \"column\" END AS name, "
                "count(DISTINCT (file, line)) AS n FROM refused GROUP BY ALL ORDER BY n DESC, name"
            ).fetchall()
        }


def lines_sql(lines: Lines, *, header: bool = False) -> str:
    """Return SQL for a text file's rows: the line each stands on, its text and its fields; not the `header`."""
    zipped = "gzip" if lines.text.zipped else "none"
    read = (
        f"read_csv({quote(str(lines.text.path))}, columns={{'text': 'VARCHAR'}}, delim=chr(1), quote='', escape='', "
        f"header=false, auto_detect=false, compression='{zipped}', strict_mode=false, max_line_size=16000000)"
    )
    cut = f"string_split(text, {quote(lines.delimiter)})"
    if lines.marked:
        return f"SELECT {cut}[1]::BIGINT AS line, text, {cut} AS cells FROM {read}{' OFFSET 1' if header else ''}"
    numbered = f"SELECT row_number() OVER () AS line, text FROM {read}"  # read in the file's order
    return f"SELECT line, text, {cut} AS cells FROM ({numbered}) WHERE trim(text) <> ''{' OFFSET 1' if header else ''}"


def row_as_json(names: list[str]) -> str:
    """Return SQL for the whole row of a table as JSON."""
    return f"to_json({{{', '.join(f'{json.dumps(name)}: {name}' for name in names)}}})"
