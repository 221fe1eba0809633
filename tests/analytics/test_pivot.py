"""The pivot against plain pandas on small tables, hand arithmetic, and its own drill-down."""

import datetime

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analytics.banding import Dimension, nice_edges, resolve_dimension, step_edges
from analytics.pivot import (
    KINDS,
    OF_A_FIELD,
    Cell,
    Filter,
    Question,
    compute_cell,
    compute_pivot,
    load_rows,
    load_sample,
    resolve,
    select_cell,
)
from analytics.proportions import compute_jeffreys_interval

CONNECTION = ibis.duckdb.connect()


def fetch(expression):
    return CONNECTION.to_pyarrow(expression).to_pandas(date_as_object=False)


def load(frame):
    """The frame as a table of the engine's; typed, so that columns of nulls keep their type."""
    import pyarrow as pa

    schema = pa.schema([("id", pa.string()), ("town", pa.string()), ("kind", pa.string()), ("size", pa.float64()),
                        ("amount", pa.float64()), ("day", pa.date32()), ("bad", pa.int32()),
                        ("label_mature", pa.bool_())])  # fmt: skip
    return ibis.memtable(pa.Table.from_pandas(frame, schema=schema, preserve_index=False))


def small_frame():
    return pd.DataFrame({
        "id": [f"L{i}" for i in range(8)],
        "town": ["Aa", "Aa", "Aa", "Bb", "Bb", "Cc", None, "Dd"],
        "kind": ["x", "y", "x", "x", "y", "y", "x", "y"],
        "size": [1.0, 2.0, 6.0, 4.0, None, 10.0, 3.0, 8.0],
        "amount": [100.0, 200.0, 300.0, 400.0, 500.0, 600.0, 700.0, 800.0],
        "day": [datetime.date(2023, 12, 31)] * 4 + [datetime.date(2024, 3, 31)] * 4,
        "bad": [1, 0, 0, 1, None, 0, 0, 1],
        "label_mature": [True, True, True, True, True, True, True, False],
    })  # fmt: skip


def ask(measure, of="", **changes):
    return Question(measure, of, target="bad", exposure="amount", **changes)


def test_rates_by_hand():
    answer = compute_pivot(load(small_frame()), fetch, ask("rate", rows=Dimension("town")))
    # Aa: 1 of 3; Bb: 1 of 1 (one unknown); Cc: 0 of 1; Dd: immature; the loan without a town: 0 of 1, last.
    assert answer["row"].tolist() == ["Aa", "Bb", "Cc", "Dd", "not known"]
    assert answer["n"].tolist() == [3, 1, 1, 0, 1]
    assert answer["events"].tolist() == [1, 1, 0, 0, 0]
    assert answer["value"].iloc[0] == pytest.approx(1 / 3)
    assert np.isnan(answer["value"].iloc[3])
    low, high = stats.beta.ppf([0.025, 0.975], 1.5, 2.5)  # Jeffreys: Beta(x + ½, n − x + ½)
    assert answer[["value_low", "value_high"]].iloc[0].tolist() == pytest.approx([low, high])
    assert answer["small"].all()


def test_the_largest_categories_and_the_rest():
    answer = compute_pivot(load(small_frame()), fetch, ask("loans", rows=Dimension("town", count=2)))
    assert dict(zip(answer["row"], answer["loans"], strict=True)) == {"Aa": 3, "Bb": 2, "other (2)": 2, "not known": 1}


def test_a_rest_of_one_is_shown_by_its_name():
    answer = compute_pivot(load(small_frame()), fetch, ask("loans", rows=Dimension("town", count=3)))
    assert answer["row"].tolist() == ["Aa", "Bb", "Cc", "Dd", "not known"]


def test_a_category_called_not_known_stays_apart_from_missing():
    frame = small_frame().assign(town=["not known", None, "other (2)", "a", "a", "b", "c", "d"])
    answer = compute_pivot(load(frame), fetch, ask("loans", rows=Dimension("town", count=3)))
    assert answer["row"].is_unique
    assert answer["loans"].sum() == 8
    question = resolve(load(frame), fetch, ask("loans", rows=Dimension("town", count=3)))
    for label, loans in zip(answer["row"], answer["loans"], strict=True):
        assert fetch(select_cell(load(frame), question, Cell(label)).count().as_table()).iloc[0, 0] == loans


def test_bands_hold_their_lower_edge_and_not_their_upper():
    dimension = Dimension("size", "number", "share", count=2, step=2.0)
    frame = small_frame().assign(size=[0.0, 1.9, 2.0, 3.9, 4.0, 5.0, 6.0, None])
    answer = compute_pivot(load(frame), fetch, ask("loans", rows=dimension))
    assert dict(zip(answer["row"], answer["loans"], strict=True)) == {
        "under 200 %": 2, "200–400 %": 2, "400 % or more": 3, "not known": 1}  # fmt: skip


def test_few_values_are_groups_of_their_own():
    frame = small_frame().assign(size=[0, 30, 30, 60, 0, 0, 0, None])
    answer = compute_pivot(load(frame), fetch, ask("loans", rows=Dimension("size", "number", "days")))
    assert dict(zip(answer["row"], answer["loans"], strict=True)) == {
        "0 days": 4, "30 days": 2, "60 days": 1, "not known": 1}  # fmt: skip


def test_a_value_that_the_reference_lacks_is_not_lost():
    rows, reference = small_frame().assign(size=[0, 30, 45, 60, 0, 0, 0, 0]), small_frame().assign(size=[0, 30] * 4)
    question = resolve(load(rows), fetch, ask("loans", rows=Dimension("size", "number")), reference=load(reference))
    answer = compute_pivot(load(rows), fetch, question)
    assert dict(zip(answer["row"], answer["loans"], strict=True)) == {"0": 5, "30": 1, "45": 1, "60": 1}


@pytest.mark.parametrize(
    ("kind", "labels"),
    [("year", ["2023", "2024"]), ("quarter", ["2023 Q4", "2024 Q1"]), ("date", ["2023-12-31", "2024-03-31"])],
)
def test_dates_by_period(kind, labels):
    answer = compute_pivot(load(small_frame()), fetch, ask("exposure", rows=Dimension("day", kind)))
    assert answer["row"].tolist() == labels
    assert answer["value"].tolist() == [1000.0, 2600.0]


def test_mean_with_students_interval():
    answer = compute_pivot(load(small_frame()), fetch, ask("mean", "size")).iloc[0]
    sizes = small_frame()["size"].dropna()
    low, high = stats.t.interval(0.95, len(sizes) - 1, sizes.mean(), stats.sem(sizes))
    assert answer[["value", "value_low", "value_high"]].tolist() == pytest.approx([sizes.mean(), low, high])
    assert answer["known"] == 7


def test_filters_by_hand():
    table = load(small_frame())

    def count(*filters):
        return compute_pivot(table, fetch, ask("loans", filters=filters))["loans"].iloc[0]

    assert count(Filter("town", values=("Aa", "Cc"))) == 4
    assert count(Filter("size", low=2, high=6)) == 4  # 2, 6, 4, 3: both ends are kept
    assert count(Filter("size", known=False)) == 1
    assert count(Filter("town", known=True), Filter("kind", values=("x",))) == 3
    assert count(Filter("day", low=2024)) == 4
    assert count(Filter("size", low=99)) == 0


def test_nothing_left_gives_no_groups_and_an_empty_total():
    none = (Filter("size", low=99),)
    assert compute_pivot(load(small_frame()), fetch, ask("rate", rows=Dimension("town"), filters=none)).empty
    total = compute_pivot(load(small_frame()), fetch, ask("mean", "size", filters=none)).iloc[0]
    assert total["loans"] == 0
    assert np.isnan(total["value"])


def test_nan_counts_as_missing():
    import pyarrow as pa

    table = ibis.memtable(pa.table({"town": ["a"] * 3, "size": [1.0, float("nan"), None]}))
    answer = compute_pivot(table, fetch, Question("mean", "size", rows=Dimension("town"))).iloc[0]
    assert (answer["known"], answer["value"]) == (1, 1.0)


@pytest.mark.parametrize("change", [{"measure": "mode"}, {"measure": "mean"}, {"measure": "rate", "target": ""}])
def test_questions_that_make_no_sense_are_refused(change):
    with pytest.raises(ValueError, match="measure"):
        Question(**{"target": "bad", **change})


def test_unknown_columns_and_groups_are_refused_by_name():
    with pytest.raises(ValueError, match="'nowhere'"):
        compute_pivot(load(small_frame()), fetch, ask("loans", rows=Dimension("nowhere")))
    with pytest.raises(ValueError, match="'nowhere'"):
        compute_pivot(load(small_frame()), fetch, ask("loans", filters=(Filter("nowhere"),)))
    question = resolve(load(small_frame()), fetch, ask("loans", rows=Dimension("town")))
    with pytest.raises(ValueError, match="'Zz'; it has Aa, Bb"):
        select_cell(load(small_frame()), question, Cell("Zz"))


def in_pandas(frame, question, keys):
    """The same answer in plain pandas: value by group, as {labels: value}."""
    mature = frame["bad"].where(frame["label_mature"])
    pieces = {
        "loans": len,
        "exposure": lambda g: g["amount"].sum(min_count=1),
        "rate": lambda g: mature[g.index].mean(),
        "mean": lambda g: g["size"].mean(),
        "median": lambda g: g["size"].median(),
        "spread": lambda g: g["size"].quantile(0.5),
        "sum": lambda g: g["size"].sum(min_count=1),
        "missing": lambda g: g["size"].isna().mean(),
    }
    return {labels: pieces[question.measure](group) for labels, group in frame.groupby(keys, dropna=False)}


numbers = st.one_of(st.none(), st.integers(-40, 40).map(lambda n: n / 4))
row = st.fixed_dictionaries({
    "town": st.one_of(st.none(), st.sampled_from(["Aa", "Bb", "Cc", "=1", ""])),
    "size": numbers, "amount": numbers, "bad": st.sampled_from([0, 1, None]), "label_mature": st.booleans(),
    "kind": st.sampled_from(["x", "y"]), "day": st.dates(datetime.date(2019, 1, 1), datetime.date(2024, 12, 31)),
})  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(st.lists(row, min_size=1, max_size=40), st.sampled_from(KINDS))
def test_the_engine_and_pandas_give_the_same_numbers(rows, measure):
    frame = pd.DataFrame(rows).assign(id=[f"L{i}" for i in range(len(rows))])
    frame = frame.astype({"size": "float64", "amount": "float64", "bad": "float64"})
    of = "size" if measure in OF_A_FIELD else ""
    edges = [-5.0, 0.0, 5.0]
    labels = ["under −5", "−5 to 0", "0 to 5", "5 or more"]
    question = resolve(load(frame), fetch, ask(measure, of, rows=Dimension("town"), columns=Dimension("day", "year")))
    answer = compute_pivot(load(frame), fetch, question)
    keys = [frame["town"].map(lambda t: {"": "(empty)"}.get(t, t)).where(frame["town"].notna(), "not known"),
            pd.to_datetime(frame["day"]).dt.year.astype(str)]  # fmt: skip
    compare(answer, in_pandas(frame, question, keys), ["row", "column"])
    band = Dimension("size", "number", count=2, parts=_parts(edges, frame["size"].isna().any()))
    answer = compute_pivot(load(frame), fetch, ask(measure, of, rows=band))
    cut = pd.cut(frame["size"], [-np.inf, *edges, np.inf], right=False, labels=labels).astype(object)
    compare(answer, in_pandas(frame, question, [cut.where(frame["size"].notna(), "not known")]), ["row"])
    drill_down(frame, question)


def _parts(edges, missing):
    from analytics.banding import _band_parts, _missing

    return (*_band_parts(edges, ""), *_missing(missing))


def compare(answer, expected, names):
    found = {tuple(labels): value for *labels, value in answer[[*names, "value"]].itertuples(index=False)}
    expected = {labels if isinstance(labels, tuple) else (labels,): value for labels, value in expected.items()}
    assert set(found) == set(expected)
    for labels, value in expected.items():
        assert found[labels] == pytest.approx(value, nan_ok=True, abs=1e-12), labels


def drill_down(frame, question):
    """Every cell's rows sum to the cell; no row is in two cells."""
    table = load(frame)
    answer, seen = compute_pivot(table, fetch, question), []
    for line in answer.to_dict("records")[:3]:
        cell = Cell(line["row"], line["column"])
        rows = load_rows(table, fetch, question, cell, keys=("id",), columns=("id", "amount", "size"))
        total = compute_cell(table, fetch, question, cell)
        assert len(rows) == line["loans"] == total["loans"]
        assert total["exposure"] == pytest.approx(rows["amount"].sum())
        assert total["value"] == pytest.approx(line["value"], nan_ok=True)
        seen += rows["id"].tolist()
    assert len(seen) == len(set(seen))
    assert len(answer) > 3 or len(seen) == len(frame)


def test_rows_come_largest_first_and_are_cut():
    table = load(small_frame())
    question = resolve(table, fetch, ask("loans", rows=Dimension("kind")))
    rows = load_rows(table, fetch, question, Cell("x"), keys=("id",), columns=("id", "amount"), limit=2)
    assert rows["amount"].tolist() == [700.0, 400.0]
    assert list(rows.columns) == ["id", "amount"]


def test_rows_without_exposure_come_by_key():
    table = load(small_frame())
    question = resolve(table, fetch, Question("loans", rows=Dimension("kind")))
    rows = load_rows(table, fetch, question, Cell("y"), keys=("id",), columns=("id",), limit=3)
    assert rows["id"].tolist() == ["L1", "L4", "L5"]


def test_a_sample_is_bounded_labelled_and_the_same_at_every_visit():
    rng = np.random.default_rng(7)
    frame = pd.concat([small_frame()] * 500, ignore_index=True)
    frame = frame.assign(id=[f"L{i}" for i in range(4000)], size=rng.normal(size=4000))
    question = ask("loans", columns=Dimension("kind"), filters=(Filter("town", known=True),))
    one = load_sample(load(frame), fetch, question, "size", "amount", keys=("id",), limit=100)
    two = load_sample(
        load(frame.sample(frac=1, random_state=1)), fetch, question, "size", "amount", keys=("id",), limit=100
    )
    assert len(one) == 100
    assert one["total"].iloc[0] == 3500  # 7 of 8 rows have a town
    pd.testing.assert_frame_equal(one, two)
    mine = frame.set_index("id").loc[one["id"]]
    assert one["x"].tolist() == mine["size"].tolist()
    assert one["column"].astype(str).tolist() == mine["kind"].tolist()


def test_nice_edges_are_round_rise_and_stay_near_their_quantiles():
    incomes = np.exp(np.random.default_rng(3).normal(10.8, 0.5, 20_000))
    quantiles = np.quantile(incomes, np.arange(1, 10) / 10)
    edges = nice_edges(list(quantiles))
    assert edges == sorted(set(edges))
    assert all(edge % 1000 == 0 for edge in edges)
    shares = np.diff([0, *np.searchsorted(np.sort(incomes), edges) / len(incomes), 1])
    assert shares.min() > 0.05
    assert shares.max() < 0.16


def test_step_edges_widen_rather_than_grow_many():
    assert len(step_edges(0.0, 100.0, 0.1)) <= 15
    assert step_edges(0.0, 100.0, 0.1)[1] == pytest.approx(12.8)  # 0.1 doubled until at most 14 steps fit


def test_jeffreys_is_the_one_of_proportions():
    answer = compute_pivot(load(small_frame()), fetch, ask("missing", "size")).iloc[0]
    low, high = compute_jeffreys_interval(1, 8)
    assert answer[["value", "value_low", "value_high"]].tolist() == pytest.approx([1 / 8, float(low), float(high)])


def test_a_field_without_values_is_one_group():
    frame = small_frame().assign(size=None)
    dimension = resolve_dimension(load(frame), fetch, Dimension("size", "number"))
    assert [part.label for part in dimension.parts] == ["not known"]


def test_a_group_that_lacks_a_field_is_not_small_for_the_share_missing():
    frame = pd.concat([small_frame()] * 40, ignore_index=True).assign(size=None)
    answer = compute_pivot(load(frame), fetch, ask("missing", "size", rows=Dimension("kind")))
    assert answer["value"].tolist() == [1.0, 1.0]
    assert not answer["small"].any()
    assert compute_pivot(load(frame), fetch, ask("mean", "size", rows=Dimension("kind")))["small"].all()
