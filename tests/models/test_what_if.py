"""The rows behind what-if: loans drawn by their ids' hashes, spreads, and the rarest of the training loans."""

import datetime

import numpy as np
import pandas as pd
import pytest

from models.what_if import describe_fields, find_examples, fit_forest, has_loan, load_book, load_training
from portfolio.engine import Engine
from portfolio.schema import Field
from tests.models.toy import make_loans, write_portfolio

NAMES = ["ltv", "region"]
LATER = "2021-12-31"


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    return Engine(write_portfolio(tmp_path_factory.mktemp("toy") / "toy", *make_loans(4000)))


def test_a_small_book_is_whole(engine):
    book = load_book(engine, NAMES, LATER, (), 2000)
    assert (len(book.frame), book.total, book.complete) == (2000, 2000, True)


def test_a_large_book_is_drawn_the_same_at_every_visit(engine):
    book = load_book(engine, NAMES, LATER, (), 500)
    assert book.total == 2000
    assert not book.complete
    assert 400 < len(book.frame) < 600  # 500 ± 5 standard deviations of a hash's draw, √(2000 · ¼ · ¾) = 19
    pd.testing.assert_frame_equal(book.frame, load_book(engine, NAMES, LATER, (), 500).frame)
    whole = load_book(engine, NAMES, LATER, (), 2000).frame["ltv"]
    assert abs(book.frame["ltv"].mean() - whole.mean()) < 4 * whole.std() / np.sqrt(len(book.frame))


def test_filters_count(engine):
    book = load_book(engine, NAMES, LATER, (("region", ("South",)),), 2000)
    assert set(book.frame["region"]) == {"South"}
    assert book.total == len(book.frame)


def test_training_ends_where_the_models_own_ended(engine):
    # Development rows are of 2019-12-31 only (tests/models/toy.py), four fifths of 2,000.
    assert len(load_training(engine, NAMES, 10_000)) == 1600
    assert len(load_training(engine, NAMES, 10_000, until=datetime.date(2019, 12, 31))) == 1600
    assert load_training(engine, NAMES, 10_000, until=datetime.date(2019, 12, 30)).empty


def test_spreads_are_quantiles_and_fall_back_to_all_values():
    fields = [Field(name, name, "number", ("feature",)) for name in ("even", "flat", "void")]
    frame = pd.DataFrame({"even": np.arange(101.0), "flat": [0.0] * 100 + [1.0], "void": np.nan})
    found = describe_fields(frame, fields, tails=[0.1, 0.25])
    assert found["even"].ends == {0.1: (10.0, 90.0), 0.25: (25.0, 75.0)}
    assert found["flat"].ends[0.1] == (0.0, 1.0)  # both quantiles are 0: all values instead
    assert "void" not in found


@pytest.mark.parametrize("rarest", [0.01, 0.05])
def test_the_rarest_share_of_the_training_loans_is_rare(rarest):
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(draw.normal(size=(4000, 3)), columns=list("abc"))
    fields = [Field(name, name, "number", ("feature",)) for name in frame]
    forest = fit_forest(frame, fields, rarest=rarest)
    assert forest.is_rare(frame).mean() == pytest.approx(rarest, abs=0.001)
    assert forest.is_rare(pd.DataFrame({"a": [6.0], "b": [-6.0], "c": [6.0]})).all()
    assert not forest.is_rare(pd.DataFrame({"a": [0.0], "b": [0.0], "c": [0.0]})).any()


def test_without_a_number_nothing_is_rare():
    assert fit_forest(pd.DataFrame({"k": ["a", "b"]}), [Field("k", "k", "category", ("feature",))], rarest=0.01) is None


def test_examples_are_the_ends_and_the_middle_of_the_ranking(engine):
    rows = pd.read_parquet(
        engine.portfolio.root / "snapshots" / f"{LATER}.parquet", columns=["loan", "observation_date"]
    )
    folder = engine.portfolio.scores / "m" / "1"
    folder.mkdir(parents=True)
    rows.assign(pd=np.linspace(0.9, 0.1, len(rows)), log_odds=0.0).to_parquet(folder / f"{LATER}.parquet", index=False)
    found = find_examples(engine, "m/1", LATER, ())
    assert found == {"Highest PD": "L0", "Typical": "L1000", "Lowest PD": "L1999"}
    assert has_loan(engine, LATER, "L7", ())
    assert not has_loan(engine, LATER, "L2000", ())
