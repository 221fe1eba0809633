import pandas as pd
import pytest

from analytics.cells import compute_cells, sum_by_field


@pytest.fixture
def rows(database):
    return database.table(
        pd.DataFrame({"a": ["x", "x", "y", None], "b": ["p", "q", "p", "p"], "e": [1.0, 2.0, 4.0, None]})
    )


def test_cells_are_sums_of_one_query(rows, database):
    cells = compute_cells(
        rows, database.fetch, keys={"a": rows.a, "b": rows.b}, sums={"e": rows.e, "n": rows.e.isnull()}
    )
    assert database.queries == 1
    assert len(cells) == 4
    found = sum_by_field(cells, ("a", "b"), ("e", "n"))
    assert found[found["field"] == "a"].set_index("value")["e"].to_dict() == {"x": 3.0, "y": 4.0, "not known": 0.0}
    assert found[found["field"] == "b"].set_index("value")["n"].to_dict() == {"p": 1.0, "q": 0.0}


def test_names_of_the_table_and_literals_do_no_harm(database):
    import ibis

    table = database.table(pd.DataFrame({"sum_0": ["u", "u"], "key_0": [1, 2]}))
    found = compute_cells(table, database.fetch, keys={"k": table.sum_0}, sums={"one": ibis.literal(1.0)})
    assert found.to_dict("list") == {"k": ["u"], "one": [2.0]}
    whole = compute_cells(table, database.fetch, keys={}, sums={"one": ibis.literal(1.0)})
    assert whole["one"].tolist() == [2.0]


def test_one_name_for_two_things_is_refused(rows, database):
    with pytest.raises(ValueError, match="different names, got e in both"):
        compute_cells(rows, database.fetch, keys={"e": rows.a}, sums={"e": rows.e})


def test_no_fields_give_an_empty_table():
    assert sum_by_field(pd.DataFrame({"n": [1]}), (), ("n",)).columns.tolist() == ["field", "value", "n"]
