"""Judged rows with what is known of them: the rows that are judged, in one order, and whole loans of a sample."""

import operator

import pandas as pd
import pytest

from models.stored import load_judged_rows, load_scored
from portfolio.engine import Engine


@pytest.fixture
def scored(toy):
    """The toy portfolio with scores written by hand: a PD of 0.1 for every loan of every snapshot."""
    loan = toy.schema.id.name
    for key in toy.snapshot_keys():
        rows = pd.read_parquet(toy.snapshot_file(key), columns=[loan, "observation_date"])
        folder = toy.scores / "hand/1"
        folder.mkdir(parents=True, exist_ok=True)
        rows.assign(pd=0.1).to_parquet(folder / f"{key}.parquet")
    return toy


def test_they_are_the_judged_rows_with_their_fields(scored):
    engine = Engine(scored)
    loan, target = scored.schema.id.name, scored.schema.target.name
    field = scored.schema.names("segment")[0]
    found = load_judged_rows(engine, ["hand/1"], "out-of-time", (), {field: operator.itemgetter(field)})
    judged = load_scored(engine, ["hand/1"], "out-of-time", ())
    assert (len(found), found["_y"].sum()) == (len(judged.y), judged.y.sum())
    files = pd.concat(pd.read_parquet(scored.snapshot_file(key)) for key in scored.snapshot_keys())
    files = files[(files["sample"] == "out-of-time") & files[target].notna()]
    files = files.assign(_date=files["observation_date"].astype(str).str[:10]).sort_values([loan, "_date"])
    assert list(found["_loan"]) == list(files[loan].astype(str))
    assert list(found["_date"]) == list(files["_date"])
    assert list(found[field]) == list(files[field])
    assert set(found["hand/1"]) == {0.1}


def test_a_bounded_sample_holds_whole_loans_and_is_the_same_at_every_visit(scored):
    engine = Engine(scored)
    every = load_judged_rows(engine, ["hand/1"], "development", (), {})
    limit = len(every) // 2
    first, again = (load_judged_rows(engine, ["hand/1"], "development", (), {}, limit=limit) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    assert 0.6 * limit < len(first) < 1.4 * limit
    kept = every[every["_loan"].isin(first["_loan"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(first, kept)


def test_a_field_may_be_called_self(scored):
    """As in the table loanapp: a name that a keyword argument could not have."""
    field = scored.schema.names("segment")[0]
    found = load_judged_rows(Engine(scored), [], "out-of-time", (), {"self": operator.itemgetter(field)})
    assert found["self"].notna().any()
