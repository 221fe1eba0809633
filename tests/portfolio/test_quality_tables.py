"""The quality tables are read where they were written, made where they can be, and asked for where not."""

import pandas as pd
import pytest

from portfolio.duplicates import DUPLICATES
from portfolio.errors import HypothecError
from portfolio.monthly_profile import PROFILE
from portfolio.quality_rules import RULES
from portfolio.quality_tables import build_quality, load_quality
from portfolio.schema import Field, Schema, save_schema
from portfolio.workspace import Portfolio

FIELDS = (Field("id", "Id", "category", ("id",)), Field("x", "X", "number", ("feature",), minimum=0))


def make_portfolio(folder, kind="table"):
    (folder / "snapshots").mkdir()
    rows = pd.DataFrame({"id": list("abc"), "x": [1.0, -2.0, None], "observation_date": pd.NaT, "sample": "s"})
    rows.to_parquet(folder / "snapshots" / "all.parquet")
    save_schema(Schema("t", kind, FIELDS), folder / "schema.toml")
    return Portfolio(folder)


def test_what_was_written_equals_what_is_made_at_once(tmp_path):
    portfolio = make_portfolio(tmp_path)
    made = {name: load_quality(portfolio, name) for name in (PROFILE, RULES, DUPLICATES)}
    assert not (tmp_path / "quality").exists()
    seen = []
    build_quality(tmp_path, portfolio.schema, report=lambda share, _: seen.append(share))
    for name, frame in made.items():
        pd.testing.assert_frame_equal(load_quality(portfolio, name), frame, check_dtype=False)
    assert seen == sorted(seen)
    assert seen[-1] == 1
    assert [path.name for path in tmp_path.glob(".building*")] == []


@pytest.mark.parametrize("written", [False, True])
def test_filters_and_columns(tmp_path, written):
    portfolio = make_portfolio(tmp_path)
    if written:
        build_quality(tmp_path, portfolio.schema)
    found = load_quality(portfolio, PROFILE, filters=[("field", "==", "x")], columns=["n", "missing"])
    assert found.to_numpy().tolist() == [[3, 1]]
    broken = load_quality(portfolio, RULES).query("broken > 0")
    assert broken[["rule", "fields", "broken", "examples"]].to_numpy().tolist() == [["minimum", "x", 1, "b"]]


def test_a_history_without_its_profile_says_what_to_do(tmp_path):
    with pytest.raises(HypothecError, match="build or ingest it again"):
        load_quality(make_portfolio(tmp_path, "history"), PROFILE)


def test_an_adapters_table_that_is_not_there_is_empty(tmp_path):
    assert load_quality(make_portfolio(tmp_path, "history"), "loads.parquet").empty
