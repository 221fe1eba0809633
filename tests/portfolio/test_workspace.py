"""Portfolios are found by name, named safely, and read by the engine whatever their columns are called."""

import datetime

import duckdb
import ibis
import pytest

from portfolio.atomic import previous_directory
from portfolio.engine import Engine
from portfolio.errors import HypothecError
from portfolio.schema import Field, Schema, save_schema
from portfolio.workspace import (
    Portfolio,
    check_name,
    hash_data,
    list_portfolios,
    open_portfolio,
    workspace_root,
    write_manifest,
)

AWKWARD = [
    'the "quoted" one',
    "it's",
    "💶 saldo",
    "'; DROP TABLE loans; --",
    "two\nlines",
    "select",
    "a.b",
    "漢字",
    "$x",
    "{x}",
]


def make(workspace, name="book", days=("2020-12-31",), columns=AWKWARD) -> Portfolio:
    portfolio = Portfolio(workspace / name)
    portfolio.snapshots.mkdir(parents=True)
    cells = ", ".join(f'{place} AS "{name.replace(chr(34), chr(34) * 2)}"' for place, name in enumerate(columns))
    for day in days:
        path = str(portfolio.snapshots / f"{day}.parquet")
        duckdb.sql(f"COPY (SELECT {cells}, DATE '{day}' AS observation_date) TO '{path}' (FORMAT parquet)")
    save_schema(
        Schema("T", "table", tuple(Field(c, c, "number", ("feature",)) for c in columns)),
        portfolio.root / "schema.toml",
    )
    write_manifest(portfolio.root, "a test")
    return portfolio


@pytest.mark.parametrize("name", ["demo", "a", "Loan-quarters_2", "9" * 64])
def test_good_names(name):
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../up", "a/b", "a b", "-x", "_x", ".hidden", "é", "x" * 65, "a\n", "a\0", "C:\\x", "a;rm"]
)
def test_names_that_could_leave_the_workspace_are_refused(name):
    with pytest.raises(HypothecError, match="a name has 1 to 64 letters, digits, - or _") as error:
        check_name(name)
    assert "\n" not in str(error.value)


def test_portfolios_are_listed_and_an_unknown_one_is_refused_with_what_there_is(tmp_path):
    make(tmp_path, "b")
    make(tmp_path, "a")
    (tmp_path / ".building-c-1").mkdir()
    (tmp_path / ".building-c-1" / "schema.toml").write_text("")
    (tmp_path / "notes").mkdir()
    assert list_portfolios(tmp_path) == ["a", "b"]
    with pytest.raises(HypothecError, match=r"no portfolio 'c' in .* \(there: a, b\).*ingest history"):
        open_portfolio(tmp_path, "c")
    with pytest.raises(HypothecError, match=r"\(there: none yet\)"):
        open_portfolio(tmp_path / "nowhere", "c")


def test_a_portfolio_parked_by_a_killed_run_is_found_again(tmp_path):
    portfolio = make(tmp_path)
    portfolio.root.rename(previous_directory(portfolio.root))
    assert open_portfolio(tmp_path, "book").schema.title == "T"


def test_the_workspace_is_the_one_given_then_the_variable_then_the_default(tmp_path, monkeypatch):
    monkeypatch.setenv("HYPOTHEC_WORKSPACE", str(tmp_path / "variable"))
    assert workspace_root(tmp_path / "given") == tmp_path / "given"
    assert workspace_root() == tmp_path / "variable"
    monkeypatch.delenv("HYPOTHEC_WORKSPACE")
    monkeypatch.chdir(tmp_path)
    assert workspace_root() == tmp_path / "workspace"


def test_snapshots_are_in_time_order_and_an_unknown_one_is_refused(tmp_path):
    portfolio = make(tmp_path, days=("2021-03-31", "2020-12-31", "2020-02-29"))
    assert portfolio.snapshot_keys() == ["2020-02-29", "2020-12-31", "2021-03-31"]
    with pytest.raises(HypothecError, match=r"has no snapshot '\.\./x'; it has 2020-02-29 to 2021-03-31"):
        portfolio.snapshot_file("../x")


def test_the_manifest_has_the_hash_of_the_data_and_the_hash_sees_one_changed_byte(tmp_path):
    portfolio = make(tmp_path)
    assert portfolio.data_hash == hash_data(portfolio.root)
    file = portfolio.snapshots / "2020-12-31.parquet"
    content = bytearray(file.read_bytes())
    content[10] ^= 1
    file.write_bytes(bytes(content))
    assert hash_data(portfolio.root) != portfolio.data_hash
    (portfolio.root / "data.json").write_text("{")
    with pytest.raises(HypothecError, match=r"data\.json: cannot read the data manifest"):
        Portfolio(portfolio.root).data_hash  # noqa: B018


def test_the_engine_reads_and_aggregates_awkward_columns(tmp_path):
    engine = Engine(make(tmp_path, days=("2020-12-31", "2021-12-31")))
    table = engine.snapshots()
    assert list(table.columns) == [*AWKWARD, "observation_date"]
    for place, name in enumerate(AWKWARD):
        sums = engine.fetch(table.group_by(table[name]).agg(n=ibis._.count(), total=table[name].sum()))
        assert sums[[name, "n", "total"]].to_numpy().tolist() == [[place, 2, 2 * place]]
        assert engine.fetch(table.filter(table[name] == place + 1)).empty


def test_the_engine_reads_chosen_snapshots_and_new_files(tmp_path):
    portfolio = make(tmp_path, days=("2020-12-31", "2021-12-31"))
    engine = Engine(portfolio)
    assert engine.fetch(engine.snapshots(["2021-12-31"]))["observation_date"].dt.date.tolist() == [
        datetime.date(2021, 12, 31)
    ]
    with pytest.raises(HypothecError, match="has no snapshot '2022-12-31'"):
        engine.snapshots(["2022-12-31"])
    with pytest.raises(HypothecError, match="model m/1 has no scores for any snapshot"):
        engine.scores("m/1")
