"""Values and column names come through unchanged, whatever they are: quotes, emoji, SQL, line breaks."""

import csv
import io
from pathlib import Path

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio.engine import Engine
from portfolio.errors import HypothecError
from portfolio.quality import load_quarantine
from portfolio.schema import RESERVED
from portfolio.sources.cells import BLANKS, MISSING
from portfolio.sources.mapping import FieldMapping, Mapping, TargetColumn, load_mapping
from portfolio.sources.table import ingest_table
from portfolio.workspace import Portfolio

AWKWARD = [
    'the "quoted" one',
    "it's",
    "💶 saldo",
    "'; DROP TABLE raw; --",
    '"); DELETE FROM kept; --',
    "two\nlines",
    "a,b",
    "a;b",
    "select",
    "c0",
    "rec",
    "row",
    "key",
    "target",
    "observed",
    "v",
    "t",
    "text",
    "$x",
    "{x}",
    "%s",
    "漢字",
    "[fields]",
    "\\n",
]
# Control characters and lone surrogates are no text that a CSV file holds; \r is turned into \n by its reader.
LETTERS = st.characters(exclude_categories=("Cs", "Cc"))
NAMES = (
    st.text(LETTERS, min_size=1, max_size=12)
    .map(str.strip)
    .filter(lambda name: name and name.lower() not in RESERVED and "\ufeff" not in name)
)
VALUES = st.text(LETTERS | st.sampled_from("\n\t\"',;"), max_size=12)


def write(path: Path, header: list[str], rows: list[list[object]]) -> Path:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    return path


def stored(text: str) -> str | None:
    """What a category cell must become: no blanks around it, None where it spells a missing value."""
    stripped = text.strip(BLANKS)
    return None if stripped.lower() in {word.lower() for word in MISSING} else stripped


def read(portfolio: Portfolio) -> pd.DataFrame:
    return pd.read_parquet(portfolio.snapshot_file("all"))


def as_features(names: list[str], kind: str) -> Mapping:
    return Mapping(
        id="loan_id", target=TargetColumn("default"), fields={name: FieldMapping(("feature",), kind) for name in names}
    )


def test_awkward_names_work_from_the_file_to_a_query(tmp_path):
    rows = [[n, n % 2, *(n + place for place in range(len(AWKWARD)))] for n in range(30)]
    file = write(tmp_path / "loans.csv", ["loan_id", "default", *(f"  {name} " for name in AWKWARD)], rows)
    portfolio = ingest_table(tmp_path / "w", file, name="book", mapping=as_features(AWKWARD, "number")).portfolio
    assert portfolio.schema.names("feature") == AWKWARD
    engine = Engine(portfolio)
    table = engine.snapshots()
    for place, name in enumerate(AWKWARD):
        found = engine.fetch(table.group_by("default").agg(total=table[name].sum()).order_by("default"))
        # rows n = 0, 2, …, 28 sum to 210 and 1, 3, …, 29 to 225; each adds `place` fifteen times
        assert found["total"].tolist() == [210 + 15 * place, 225 + 15 * place]
    again = load_mapping(portfolio.root / "mapping.toml")
    assert ingest_table(tmp_path / "w", file, name="again", mapping=again).portfolio.data_hash == portfolio.data_hash


@pytest.mark.parametrize("name", AWKWARD)
def test_an_awkward_name_may_be_id_date_target_or_exposure(tmp_path, name):
    rows = [[n, f"2020-0{1 + n % 3}-28", n % 2, 5] for n in range(9)]
    for place, role in enumerate(("id", "date", "target", "exposure")):
        header = ["k", "day", "y", "b"]
        header[place] = name
        mapping = "\n".join(
            f"{key} = {value}"
            for key, value in zip(("id", "date", "target", "exposure"), map(_toml, header), strict=True)
        )
        (tmp_path / "m.toml").write_text(mapping, encoding="utf-8")
        file = write(tmp_path / "loans.csv", header, rows)
        portfolio = ingest_table(
            tmp_path / "w", file, name=f"book-{place}", mapping=load_mapping(tmp_path / "m.toml")
        ).portfolio
        assert portfolio.schema.names(role) == [name]
        engine = Engine(portfolio)
        table = engine.snapshots()
        assert engine.fetch(table.agg(n=table[name].count()))["n"].tolist() == [9]
        assert portfolio.snapshot_keys() == ["2020-01-28", "2020-02-28", "2020-03-28"]


def _toml(text: str) -> str:
    from portfolio.schema import toml_value

    return toml_value(text)


def test_a_quarantined_awkward_column_is_named_as_it_is(tmp_path):
    name = '\'; DROP TABLE bad; -- "💶"'
    rows = [[n, n % 2, n] for n in range(30)] + [[99, 1, "x'; --"]]
    result = ingest_table(
        tmp_path / "w", write(tmp_path / "loans.csv", ["loan_id", "default", name], rows), name="book"
    )
    cell = load_quarantine(result.portfolio).iloc[0]
    assert (cell["column"], cell["value"], cell["line"]) == (name, "x'; --", 32)
    with pytest.raises(HypothecError) as error:
        ingest_table(tmp_path / "w", tmp_path / "loans.csv", name="book", mapping=Mapping(exposure=name + "?"))
    assert repr(name + "?") in str(error.value)


@settings(max_examples=25, deadline=None)
@given(
    names=st.lists(NAMES, min_size=1, max_size=4, unique_by=str.lower).filter(
        lambda names: not {"loan_id", "default"} & {name.lower() for name in names}
    ),
    cells=st.lists(st.lists(VALUES, min_size=4, max_size=4), min_size=2, max_size=12),
)
def test_any_name_and_any_text_come_through(tmp_path_factory, names, cells):
    folder = tmp_path_factory.mktemp("any")
    rows = [[n, n % 2, *row[: len(names)]] for n, row in enumerate(cells)]
    expected = {name: [stored(row[place]) for row in cells] for place, name in enumerate(names)}
    mapping = Mapping(
        id="loan_id",
        target=TargetColumn("default", ("1",)),
        fields={name: FieldMapping(("ignore",), "category") for name in names},
    )
    result = ingest_table(
        folder / "w", write(folder / "loans.csv", ["loan_id", "default", *names], rows), name="book", mapping=mapping
    )
    frame = read(result.portfolio).astype(object)
    for name in names:
        assert frame[name].where(frame[name].notna(), None).tolist() == expected[name]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**15), 10**15), min_size=2, max_size=30
    ),
    st.sampled_from(["csv", "parquet", "jsonl"]),
)
def test_any_number_comes_through_to_the_last_bit(tmp_path_factory, numbers, kind):
    folder = tmp_path_factory.mktemp("numbers")
    frame = pd.DataFrame(
        {
            "loan_id": [f"k{n}" for n in range(len(numbers))],
            "x": pd.Series(numbers, dtype="float64"),
            "default": [n % 2 for n in range(len(numbers))],
        }
    )
    path = folder / f"loans.{kind}"
    if kind == "csv":
        frame.to_csv(path, index=False)
    elif kind == "parquet":
        frame.to_parquet(path)
    else:
        path.write_text(
            "".join(
                f'{{"loan_id": "{row.loan_id}", "x": {row.x!r}, "default": {row.default}}}\n'
                for row in frame.itertuples()
            )
        )
    mapping = Mapping(fields={"x": FieldMapping(("feature",), "number")})
    assert (
        read(ingest_table(folder / "w", path, name="book", mapping=mapping).portfolio)["x"].tolist()
        == frame["x"].tolist()
    )


def test_a_name_is_a_group_key_in_ibis(tmp_path):
    file = write(
        tmp_path / "loans.csv", ["loan_id", "default", 'it\'s "a" 💶'], [[n, n % 2, "NB"[n % 2]] for n in range(10)]
    )
    engine = Engine(ingest_table(tmp_path / "w", file, name="book").portfolio)
    counts = engine.fetch(engine.snapshots().group_by('it\'s "a" 💶').agg(n=ibis._.count()))
    assert sorted(counts["n"]) == [5, 5]
