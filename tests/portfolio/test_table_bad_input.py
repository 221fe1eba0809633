"""Bad input: one clear line that names file, column and row, and a workspace that has not changed by one byte."""

import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from portfolio.atomic import lock_folder
from portfolio.errors import HypothecError
from portfolio.quality import load_load, load_quarantine
from portfolio.sources.mapping import DateColumn, FieldMapping, Mapping, TableOptions, TargetColumn
from portfolio.sources.table import IngestResult, ingest_table

HEADER = "loan_id,income,country,default\n"


def rows(n: int = 40) -> str:
    """Good rows on lines 2 to n + 1."""
    return "".join(f"{i},{1000 + 10 * i}.5,{'NL' if i % 3 else 'BE'},{int(i % 8 == 0)}\n" for i in range(1, n + 1))


def listing(workspace: Path) -> dict[str, str]:
    """Every path under a workspace with the hash of its content."""
    return {
        str(path.relative_to(workspace)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in sorted(workspace.rglob("*"))
    }


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with a good portfolio called book."""
    (tmp_path / "good.csv").write_text(HEADER + rows())
    ingest_table(tmp_path / "workspace", tmp_path / "good.csv", name="book")
    with lock_folder(tmp_path / "workspace" / "book"):  # leaves the lock file that any later writer would
        pass
    return tmp_path / "workspace"


def refused(workspace: Path, content: bytes | str, mapping: Mapping | None = None, file: str = "loans.csv") -> str:
    """Return the message, after checking that it is one line and that nothing changed, for an old and a new name."""
    path = workspace.parent / file
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    before = listing(workspace)
    messages = set()
    for name in ("book", "new"):
        with pytest.raises(HypothecError) as error:
            ingest_table(workspace, path, name=name, mapping=mapping)
        messages.add(str(error.value))
        assert listing(workspace) == before
    assert len(messages) == 1
    message = messages.pop()
    assert "\n" not in message
    assert file in message
    return message


def ingest(workspace: Path, text: str, mapping: Mapping | None = None) -> IngestResult:
    (workspace.parent / "loans.csv").write_text(text)
    return ingest_table(workspace, workspace.parent / "loans.csv", name="book", mapping=mapping)


WHOLE_FILE: dict[str, tuple[bytes | str, Mapping | None, str]] = {
    "wrong delimiter given": (
        HEADER + rows(),
        Mapping(table=TableOptions(delimiter=";")),
        "loans.csv: line 1 has a single column when cut at semicolon; with comma it has 4: "
        'set delimiter = "," under [table] in the mapping',
    ),
    "no delimiter at all": (
        "loan_id\n1\n2\n",
        None,
        "loans.csv: line 1 has a single column when cut at comma, semicolon, tab, vertical bar; "
        "set delimiter to the character between the columns under [table] in the mapping",
    ),
    "wrong encoding": (
        (HEADER + rows()).encode() + "99,5,Liège,0\n".encode("latin-1"),
        None,
        # 40 rows and a header precede line 42; the byte is the 8th of "99,5,Liège"
        f"loans.csv: the file is not utf-8: byte 0xe8 at position {len((HEADER + rows()).encode()) + 8} (line 42); "
        'save it as UTF-8 or set encoding = "cp1252", say, under [table] in the mapping',
    ),
    "utf-16 unannounced": (
        (HEADER + rows()).encode("utf-16"),
        None,
        "loans.csv: the file is not utf-8: byte 0xff at position 1 (line 1); "
        'save it as UTF-8 or set encoding = "utf-16" under [table] in the mapping',
    ),
    "an encoding nobody knows": (
        HEADER + rows(),
        Mapping(table=TableOptions(encoding="utf-9")),
        'loans.csv: encoding \'utf-9\' is not known; give one such as "utf-8", "latin-1", "cp1252" or "utf-16"',
    ),
    "empty file": ("", None, "loans.csv: the file is empty; a table with one line of column names is needed"),
    "blank lines only": (
        "\n  \n\n",
        None,
        "loans.csv: the file is empty; a table with one line of column names is needed",
    ),
    "header only": (HEADER, None, "loans.csv: the file has column names but no rows"),
    "no header": (
        "1,2.5,0\n2,3.5,1\n",
        None,
        "loans.csv: line 1 holds numbers (1, 2.5, 0), not column names; add a first line of names",
    ),
    "doubled column names": (
        "loan_id,income, income ,default\n1,2,3,0\n2,2,3,1\n",
        None,
        "loans.csv: column name 'income' is there twice, as columns 2 and 3; rename one",
    ),
    "names that differ in case": (
        "loan_id,Income,income,default\n1,2,3,0\n2,2,3,1\n",
        None,
        "loans.csv: column name 'Income' and 'income' differ only in case, as columns 2 and 3; rename one",
    ),
    "reserved name": (
        "loan_id,Sample,default\n1,2,0\n2,2,1\n",
        None,
        "loans.csv: column 'Sample' has a name that Hypothec gives to its own columns "
        "(observation_date, label_mature, sample); rename it, to 'my_Sample' say",
    ),
    "mapped column that is not there": (
        HEADER + rows(),
        Mapping(fields={"ltv": FieldMapping(label="LTV")}, ignore=("notes",)),
        "loans.csv: the mapping names columns that the table has not: 'ltv' ([fields.\"ltv\"]), 'notes' (ignore); "
        "it has loan_id, income, country, default",
    ),
    "doubled id": (
        HEADER + rows() + "3,1,NL,0\n7,1,NL,0\n",
        None,
        "loans.csv: loan_id '3' is there twice, on lines 4 and 42 (1 more ids are doubled); "
        "remove one, name the date column under [date] if the rows are of different dates, "
        'or set id = "" if it does not identify a row',
    ),
    "doubled id on a date": (
        "loan_id,date,default\n1,2020-01-31,0\n1,2020-02-29,1\n2,2020-01-31,0\n1,2020-01-31,1\n",
        None,
        "loans.csv: loan_id '1' on 2020-01-31 is there twice, on lines 2 and 5; an id may stand once for each date",
    ),
    "target with one class": (
        HEADER + "".join(f"{i},5,NL,0\n" for i in range(9)),
        None,
        "loans.csv: the target 'default' has one value only ('0' in every row that has one); both outcomes are "
        "needed to "
        'learn from. Name another column under [target], or target = "" for a portfolio to explore',
    ),
    "target without a value": (
        HEADER + "".join(f"{i},5,NL,\n" for i in range(9)),
        Mapping(target=TargetColumn("default")),
        "loans.csv: column 'default', the target by the mapping, has no value in any row",
    ),
    "target whose event nobody knows": (
        HEADER.replace("default", "result") + "1,5,NL,x\n2,5,NL,y\n",
        Mapping(target=TargetColumn("result")),
        "loans.csv: the target 'result' has the values x, y; say which is the event: event_value under [target]",
    ),
    "all-missing feature": (
        HEADER + "".join(f"{i},NA,NL,{i % 2}\n" for i in range(9)),
        Mapping(fields={"income": FieldMapping(roles=("feature",))}),
        "loans.csv: column 'income', a feature by the mapping, has no value in any row; set its role to ignore",
    ),
    "mostly text in a number": (
        HEADER + "".join(f"{i},much,NL,{i % 2}\n" for i in range(9)),
        Mapping(fields={"income": FieldMapping(kind="number")}),
        "loans.csv: 9 of 9 rows are bad, most often text in a number in column 'income', first on line 2: 'much'; "
        "correct the file or the mapping",
    ),
    "mostly impossible dates": (
        "loan_id,day,default\n1,31/12/2020,0\n2,2020-01-31,1\n3,30/11/2020,1\n",
        Mapping(date=DateColumn("day")),
        "loans.csv: 2 of 3 rows are bad, most often not a date (YYYY-MM-DD is wanted) in column 'day', "
        "first on line 2: "
        "'31/12/2020'; correct the file or the mapping",
    ),
    "mostly rows of the wrong width": (
        HEADER + "1,2\n2,3\n3,4\n4,5,NL,0\n5,5,NL,1\n",
        None,
        "loans.csv: 3 of 5 rows are bad, most often 2 fields where the header has 4, first on line 2; "
        "correct the file or the mapping",
    ),
}


@pytest.mark.parametrize("case", WHOLE_FILE)
def test_a_bad_file_is_refused_and_nothing_changes(workspace, case):
    content, mapping, message = WHOLE_FILE[case]
    assert refused(workspace, content, mapping) == message


def test_a_truncated_gz_is_refused(workspace):
    whole = gzip.compress((HEADER + rows(5000)).encode(), mtime=0)
    for end in (len(whole) // 2, -4):
        message = refused(workspace, whole[:end], file="loans.csv.gz")
        assert message == "loans.csv.gz: the gzip file is truncated (it ends in mid-stream); copy it again"


def test_a_gz_with_one_flipped_bit_is_refused_even_if_it_still_unpacks(workspace):
    whole = bytearray(gzip.compress((HEADER + rows(5000)).encode(), compresslevel=0, mtime=0))
    whole[len(whole) // 2] ^= 1  # stored blocks: a digit becomes another one, only the checksum sees it
    message = refused(workspace, bytes(whole), file="loans.csv.gz")
    assert message.startswith("loans.csv.gz: the gzip file is damaged (CRC check failed")
    assert refused(workspace, (HEADER + rows()).encode(), file="plain.csv.gz").startswith(
        "plain.csv.gz: the gzip file is damaged (Not a gzipped file"
    )


def test_a_quote_that_never_closes_is_refused_with_its_line(workspace):
    message = refused(workspace, HEADER + rows(3) + '4,5,"NL,0\n' + rows(20))
    assert message.startswith(
        'loans.csv: line 5: cannot be cut into columns, a quote (") may be opened and never closed'
    )


@pytest.mark.parametrize("file", ["loans.parquet", "loans.xlsx"])
def test_a_file_that_is_not_what_its_name_says_is_refused(workspace, file):
    kind = {"loans.parquet": "Parquet", "loans.xlsx": "Excel"}[file]
    assert refused(workspace, HEADER + rows(), file=file).startswith(f"{file}: cannot be read as {kind} (")


@pytest.mark.parametrize("file", ["loans.parquet", "loans.xlsx"])
def test_a_cut_parquet_or_excel_file_is_refused(workspace, file):
    frame = pd.DataFrame({"loan_id": range(500), "default": [0, 1] * 250})
    path = workspace.parent / file
    frame.to_parquet(path) if file.endswith("parquet") else frame.to_excel(path, index=False)
    whole = path.read_bytes()
    assert "cannot be read as" in refused(workspace, whole[: len(whole) // 2], file=file)


def test_files_that_cannot_be_tables_are_refused(workspace):
    assert refused(workspace, b"x", file="loans.sas7bdat") == (
        "loans.sas7bdat: .sas7bdat is not supported; give .csv, .tsv, .txt, .jsonl or .ndjson (each may end in .gz), "
        ".parquet or .xlsx"
    )
    assert "a file without extension is not supported" in refused(workspace, b"x", file="loans")
    assert refused(workspace, "[1, 2]\nx\n", file="loans.jsonl") == (
        "loans.jsonl: line 1: no JSON object was found; JSON lines hold one object a line"
    )
    with pytest.raises(HypothecError, match=r"nowhere\.csv: there is no such file"):
        ingest_table(workspace, workspace.parent / "nowhere.csv", name="new")
    with pytest.raises(HypothecError, match="there is no such file"):
        ingest_table(workspace, workspace.parent, name="new")


def test_a_sheet_that_is_not_there_is_refused_with_those_that_are(workspace):
    path = workspace.parent / "x.xlsx"
    pd.DataFrame({"loan_id": [1, 2], "default": [0, 1]}).to_excel(path, sheet_name="Leningen", index=False)
    message = refused(workspace, path.read_bytes(), Mapping(table=TableOptions(sheet="Loans")), "x.xlsx")
    assert message == "x.xlsx: there is no sheet 'Loans'; it has Leningen"


def test_a_table_does_not_replace_a_book_with_history(workspace):
    schema = workspace / "book" / "schema.toml"
    schema.write_text(schema.read_text().replace('kind = "table"', 'kind = "history"'))
    before = listing(workspace)
    with pytest.raises(HypothecError, match="portfolio 'book' is a book with history; give the table another name"):
        ingest(workspace, HEADER + rows())
    assert listing(workspace) == before


def test_a_bad_name_is_refused_before_anything_is_made(tmp_path):
    (tmp_path / "loans.csv").write_text(HEADER + rows())
    with pytest.raises(HypothecError, match="a name has 1 to 64 letters"):
        ingest_table(tmp_path / "workspace", tmp_path / "loans.csv", name="../book")
    assert not (tmp_path / "workspace").exists()


BAD_ROW: dict[str, tuple[str, Callable[[], Mapping], tuple[str, str, str, str]]] = {
    "text in a number": ("99,much,NL,0", Mapping, ("text in a number", "income", "much", "text in a number")),
    "a comma decimal": ('99,"12,5",NL,0', Mapping, ("text in a number", "income", "12,5", "text in a number")),
    "an infinite number": ("99,1e999,NL,0", Mapping, ("text in a number", "income", "1e999", "text in a number")),
    "below the minimum": (
        "99,-1,NL,0",
        lambda: Mapping(fields={"income": FieldMapping(minimum=0.0)}),
        ("below the minimum", "income", "-1", "below the minimum 0"),
    ),
    "above the maximum": (
        "99,9e6,NL,0",
        lambda: Mapping(fields={"income": FieldMapping(maximum=1e6)}),
        ("above the maximum", "income", "9e6", "above the maximum 1e+06"),
    ),
    "unknown category": (
        "99,1,XX,0",
        lambda: Mapping(fields={"country": FieldMapping(categories=("NL", "BE"))}),
        ("unknown category", "country", "XX", "not one of the mapping's categories: NL, BE"),
    ),
    "missing id": (",1,NL,0", lambda: Mapping(id="loan_id"), ("missing id", "loan_id", "", "the id is missing")),
    "illegal target": (
        "99,1,NL,maybe",
        lambda: Mapping(target=TargetColumn("default", ("1",), ("0",))),
        ("illegal target", "default", "maybe", "the target must be one of '1', '0'"),
    ),
}


@pytest.mark.parametrize("case", BAD_ROW)
@pytest.mark.parametrize("where", [1, 20])
def test_a_bad_row_is_quarantined_with_its_line_and_reason(workspace, case, where):
    bad, mapping, (rule, column, value, reason) = BAD_ROW[case]
    good = rows().splitlines()
    lines = [HEADER.strip(), *good[: where - 1], bad, *good[where - 1 :]]
    result = ingest(workspace, "\n".join(lines) + "\n", mapping())
    assert (result.rows_read, result.rows_kept, result.quarantined) == (41, 40, {rule: 1})
    found = load_quarantine(result.portfolio)
    assert len(found) == 1
    cell = found.iloc[0]
    # the header is line 1, so the row that comes `where`-th stands on line where + 1
    assert (cell["file"], cell["line"], cell["rule"], cell["column"], cell["reason"]) == (
        "loans.csv",
        where + 1,
        rule,
        column,
        reason,
    )
    assert (cell["value"] if isinstance(cell["value"], str) else "") == value
    assert list(json.loads(cell["row"])) == ["loan_id", "income", "country", "default"]
    load = load_load(result.portfolio)
    assert (load.rows_read, load.rows_kept, load.quarantined, load.rules) == (41, 40, 1, {rule: 1})
    kept = pd.read_parquet(result.portfolio.snapshot_file("all"))
    assert kept["loan_id"].tolist() == [str(i) for i in range(1, 41)]


@pytest.mark.parametrize(
    ("day", "rule", "reason"),
    [
        ("2020-13-01", "not a date", "not a date (YYYY-MM-DD is wanted)"),
        ("2019-02-29", "not a date", "not a date (YYYY-MM-DD is wanted)"),
        ("soon", "not a date", "not a date (YYYY-MM-DD is wanted)"),
        ("1899-12-31", "date out of range", "date out of range (1900 to 2100)"),
        ("2101-01-01", "date out of range", "date out of range (1900 to 2100)"),
        ("", "missing date", "the observation date is missing"),
    ],
)
def test_a_bad_date_is_quarantined(workspace, day, rule, reason):
    good = "".join(f"{i},2020-0{1 + i % 4}-28,{i % 2}\n" for i in range(40))
    result = ingest(workspace, f"loan_id,date,default\n{good}99,{day},0\n")
    cell = load_quarantine(result.portfolio).iloc[0]
    assert (cell["line"], cell["rule"], cell["column"], cell["reason"]) == (42, rule, "date", reason)
    assert result.rows_kept == 40


@pytest.mark.parametrize("number", ["0.5", "x", "99999", "1e300", "-99999"])
def test_a_bad_period_number_is_quarantined(workspace, number):
    import datetime

    mapping = Mapping(date=DateColumn("time", period="quarter", start=datetime.date(2000, 3, 31)))
    good = "".join(f"{i},{1 + i % 4},{i % 2}\n" for i in range(40))
    result = ingest(workspace, f"loan_id,time,default\n{good}99,{number},0\n", mapping)
    cell = load_quarantine(result.portfolio).iloc[0]
    assert (cell["line"], cell["value"], cell["reason"]) == (42, number, "not a date (a quarter number is wanted)")


def test_rows_of_the_wrong_width_are_quarantined_with_their_lines_in_a_file_of_odd_lines(workspace):
    """Quoted line breaks, blank lines and broken rows: lines are those an editor shows."""
    text = (
        'loan_id,"in\ncome",country,default\n'  # lines 1 and 2
        '1,5,"N\n\nL",0\n'  # 3 to 5
        "\n"  # 6
        "2,5\n"  # 7: too short
        "3,x,NL,0\n"  # 8: text in a number
        "4,5,NL,1,9\n"  # 9: too long
        '5,"6" y,NL,0\n'  # 10: broken quotes
        "6,y,NL,0\n"  # 11: text in a number
        + rows()[0:0]
        + "".join(f"{i},5,NL,{i % 2}\n" for i in range(10, 30))
    )
    mapping = Mapping(fields={"in\ncome": FieldMapping(kind="number")})
    result = ingest(workspace, text, mapping)
    assert (result.rows_read, result.rows_kept) == (26, 21)
    found = load_quarantine(result.portfolio).sort_values("line")
    assert list(zip(found["line"], found["reason"], strict=True)) == [
        (7, "2 fields where the header has 4"),
        (8, "text in a number"),
        (9, "5 fields where the header has 4"),
        (10, "a quoted field goes on after its closing quote"),
        (11, "text in a number"),
    ]
    assert load_load(result.portfolio).rules == {"unreadable row": 3, "text in a number": 2}


def test_doubled_ids_are_named_by_their_lines_in_a_file_of_odd_lines(workspace):
    text = 'loan_id,note,default\n1,"two\nlines",0\n\n2,x,1\n1,y,0\n3,y,1\n'
    assert "loan_id '1' is there twice, on lines 2 and 6;" in refused(workspace, text)


def test_bad_json_lines_are_quarantined(workspace):
    good = "".join(json.dumps({"loan_id": i, "default": i % 2}) + "\n" for i in range(20))
    path = workspace.parent / "loans.jsonl"
    path.write_text(good + '\n[1]\n{"loan_id": 99, "defau\n')
    result = ingest_table(workspace, path, name="book")
    assert load_quarantine(result.portfolio)[["line", "reason"]].to_numpy().tolist() == [
        [22, "not a JSON object"],
        [23, "not a JSON object"],
    ]
    assert (result.rows_read, result.rows_kept) == (22, 20)


def test_a_row_with_two_bad_cells_counts_once_and_shows_both(workspace):
    mapping = Mapping(fields={"country": FieldMapping(categories=("NL", "BE"))})
    result = ingest(workspace, HEADER + rows() + "99,much,XX,0\n", mapping)
    assert result.rows_read - result.rows_kept == 1
    assert load_load(result.portfolio).rules == {"text in a number": 1, "unknown category": 1}
    assert load_quarantine(result.portfolio)["column"].tolist() == ["income", "country"]


def test_ten_thousand_categories_are_ignored_unless_the_mapping_wants_them(workspace):
    text = "loan_id,dealer,x,default\n" + "".join(
        f"{i},dealer {i % 10_000},{i % 7},{int(i % 9 == 0)}\n" for i in range(25_000)
    )
    result = ingest(workspace, text)
    assert result.portfolio.schema.get("dealer").roles == ("ignore",)
    assert "dealer: ignored, 10,000 different texts are too many for categories" in result.notes
    wanted = ingest(workspace, text, Mapping(fields={"dealer": FieldMapping(roles=("feature",))})).portfolio.schema
    assert wanted.names("feature") == ["dealer", "x"]
    assert len(wanted.get("dealer").categories) == 10_000


def test_an_all_missing_column_that_nobody_mapped_is_ignored_with_a_note(workspace):
    result = ingest(workspace, "loan_id,empty,default\n1,,0\n2,NA,1\n3,.,1\n")
    assert result.portfolio.schema.get("empty").roles == ("ignore",)
    assert "empty: ignored, it has no value in any row" in result.notes


def test_one_class_left_after_quarantine_is_refused(workspace):
    text = HEADER + "".join(f"{i},5,NL,0\n" for i in range(20)) + "99,much,NL,1\n"
    mapping = Mapping(fields={"income": FieldMapping(kind="number")})
    assert refused(workspace, text, mapping) == (
        "loans.csv: the target 'default' has 0 events and 20 non-events in the good rows; "
        "both outcomes are needed to learn from"
    )
