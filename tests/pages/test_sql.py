"""The SQL workbench as a visitor uses it: examples, tables, history, links, errors; numbers against the files."""

import urllib.parse

import pandas as pd
import pytest

from tests.pages.conftest import words

PAGE = "pages/portfolio/sql.py"


def run(app, sql):
    """Type a statement and press Run."""
    app.text_area(key="sql_statement").set_value(sql).run()
    app.button(key="sql_run").click().run()
    assert not app.exception, app.exception
    return app


def result(app):
    """The rows that the page shows (the first table is the list of columns)."""
    assert not app.error, [item.value for item in app.code]
    return app.dataframe[1].value


def latest_on_book(workspace):
    """The last month's rows of loans that are still on the book, by pandas."""
    months = pd.concat(pd.read_parquet(path) for path in workspace.glob("demo/performance/*/*.parquet"))
    last = months[months["month"] == months["month"].max()]
    return last[~last["event"].fillna("").isin(["prepaid", "matured", "written off"])]


def examples(app):
    return [button.key for button in app.button if str(button.key).startswith("sql_example_")]


@pytest.mark.parametrize("portfolio", ["demo", "loanapp"])
def test_every_example_has_an_answer(open_app, portfolio):
    app = open_app(PAGE, portfolio)
    keys = examples(app)
    assert len(keys) >= 3
    for key in keys:
        app.button(key=key).click().run()
        assert app.dataframe[1:] == [] or result(app) is not None
        app.button(key="sql_run").click().run()
        assert len(result(app)), key


def test_arrears_by_region_are_those_of_the_files(open_app, demo_workspace):
    app = open_app(PAGE)
    app.button(key="sql_example_Arrears by region now").click().run()
    app.button(key="sql_run").click().run()
    got = result(app).set_index("region")
    last = latest_on_book(demo_workspace)
    last = last.merge(pd.read_parquet(demo_workspace / "demo" / "loans.parquet")[["loan_id", "region"]], on="loan_id")
    late = (last["days_past_due"] >= 30) | (last["status"] == "default")
    share = late.groupby(last["region"].astype(str)).mean()
    pd.testing.assert_series_equal(
        got["arrears_share"].astype(float).sort_index(), share.sort_index(), check_names=False, check_index_type=False
    )
    assert got["loans"].sum() == len(last)
    assert got["exposure_in_arrears"].astype(float).sum() == pytest.approx(last["balance"][late].sum())


def test_largest_in_arrears_are_those_of_the_files(open_app, demo_workspace):
    app = open_app(PAGE)
    app.button(key="sql_example_The ten largest exposures in arrears").click().run()
    app.button(key="sql_run").click().run()
    rows = latest_on_book(demo_workspace)
    late = rows[(rows["days_past_due"] >= 30) | (rows["status"] == "default")]
    assert result(app)["loan_id"].tolist() == late.nlargest(10, "balance")["loan_id"].tolist()


def test_a_link_holds_the_statement_and_runs_nothing(open_app):
    sql = "SELECT count(*) AS n FROM snapshots WHERE 'a&b=c' <> '#'"
    app = open_app(PAGE, sql_statement=sql)
    assert app.text_area(key="sql_statement").value == sql
    assert len(app.dataframe) == 1  # the list of columns only
    assert "History" not in words(app)
    app.button(key="sql_run").click().run()
    assert len(result(app)) == 1
    assert urllib.parse.unquote(str(app.query_params["sql_statement"])) in (sql, str([sql]))


def test_errors_are_duckdbs_own_and_no_path_shows(open_app, demo_workspace):
    app = run(open_app(PAGE), "SELECT *\nFROM loanz")
    assert 'Did you mean "loans"?' in app.code[0].value
    app = run(app, "SELECT * FROM read_csv('/etc/passwd')")
    assert "file system operations are disabled" in app.code[0].value
    app = run(app, "COPY loans TO 'loans.parquet'")
    assert app.code[0].value.startswith("COPY is refused. This page only reads")
    assert str(demo_workspace) not in words(app) + app.code[0].value
    app = run(app, "   ")
    assert "Write a statement first" in words(app)


def test_what_is_cut_is_said(open_app):
    app = run(open_app(PAGE), "SELECT range FROM range(1000000000)")
    assert "10,000 rows, 1 column" in words(app)
    assert "The result was cut at 10,000 rows" in words(app)


def test_history_brings_a_statement_back(open_app):
    app = run(open_app(PAGE), "SELECT 1 AS first")
    app = run(app, "SELECT 2 AS second")
    app = run(app, "SELECT nothing")
    assert [button.label for button in app.button if str(button.key).startswith("sql_recall")] == [
        "SELECT nothing", "SELECT 2 AS second", "SELECT 1 AS first"]  # fmt: skip
    app.text_area(key="sql_statement").set_value("SELECT 3 AS draft").run()
    app.button(key="sql_recall_2").click().run()
    assert app.text_area(key="sql_statement").value == "SELECT 1 AS first"
    assert app.button(key="sql_recall_0").label == "SELECT 3 AS draft"  # what was typed and not run is not lost
    assert "not run" in words(app)


def test_names_and_tables_write_themselves(open_app):
    app = open_app(PAGE)
    app.selectbox(key="sql_table").select("loans").run()
    shown = app.dataframe[0].value
    assert {"loan_id", "region"} <= set(shown["Column"])
    app.button(key="sql_select").click().run()
    assert app.text_area(key="sql_statement").value == "SELECT *\nFROM loans\nLIMIT 100"
    app.text_area(key="sql_statement").set_value("SELECT avg(").run()
    found = next(name for name in app.selectbox(key="sql_find").options if name.startswith("original_balance ·"))
    app.selectbox(key="sql_find").select(found).run()
    assert app.text_area(key="sql_statement").value == "SELECT avg( original_balance"
    assert app.selectbox(key="sql_find").value is None


def test_row_counts_are_the_files(open_app, demo_workspace):
    rows = sum(len(pd.read_parquet(path, columns=["loan_id"])) for path in demo_workspace.glob("demo/snapshots/*"))
    assert f"snapshots · {rows:,} rows" in list(open_app(PAGE).selectbox(key="sql_table").options)


def test_a_result_with_a_category_can_be_drawn(open_app):
    app = run(open_app(PAGE), "SELECT * FROM (VALUES ('a', 1), (NULL, 5), ('c', NULL)) AS t(kind, n)")
    assert not app.get("plotly_chart")
    app.segmented_control(key="sql_figure_as").set_value("Chart").run()
    assert not app.exception
    assert app.get("plotly_chart")


def test_another_portfolio_does_not_show_the_former_ones_rows(open_app):
    app = run(open_app(PAGE), "SELECT 42 AS answer")
    app.selectbox(key="portfolio").select("loanapp").run()
    assert not app.exception
    assert len(app.dataframe) == 1


@pytest.mark.parametrize("reading", ["Business", "Risk"])
def test_filters_are_said_not_to_apply(open_app, reading):
    assert "filters do not apply here" in words(open_app(PAGE, only_country=["Italy"], reading=reading))
