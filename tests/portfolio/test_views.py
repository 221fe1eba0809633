"""Saved views: kept, replaced, bounded, refused where they are no view."""

import json

import pytest

from portfolio.errors import HypothecError
from portfolio.views import MOST, delete_view, load_views, save_view, views_file
from portfolio.workspace import Portfolio


@pytest.fixture
def portfolio(tmp_path):
    return Portfolio(tmp_path)


def test_a_view_is_kept_replaced_and_deleted(portfolio):
    assert load_views(portfolio) == []
    save_view(portfolio, " b view ", "explore", "explore_by=Region")
    save_view(portfolio, "A view", "explore", "explore_by=Country&only_country=Italy&only_country=Belgium")
    save_view(portfolio, "b view", "explore", "explore_by=Channel")
    assert [(view.name, view.link) for view in load_views(portfolio)] == [
        ("A view", "explore?explore_by=Country&only_country=Italy&only_country=Belgium"),
        ("b view", "explore?explore_by=Channel"),
    ]
    delete_view(portfolio, "A view")
    delete_view(portfolio, "never there")
    assert [view.name for view in load_views(portfolio)] == ["b view"]
    assert set(json.loads(views_file(portfolio).read_text())[0]) == {"name", "page", "query", "saved"}


@pytest.mark.parametrize(
    ("name", "page", "query", "word"),
    [
        ("", "explore", "", "1 to 60"),
        ("x" * 61, "explore", "", "1 to 60"),
        ("a\nb", "explore", "", "printable"),
        ("a", "//evil.example", "", "page of this app"),
        ("a", "explore", "x=1\r\nSet-Cookie: y", "name=value"),
        ("a", "explore", "x=)[y](javascript:alert(1)", "name=value"),
        ("a", "explore", "x=" + "1" * 4000, "at most 4000"),
    ],
)
def test_what_is_no_view_is_refused(portfolio, name, page, query, word):
    with pytest.raises(HypothecError, match=word):
        save_view(portfolio, name, page, query)
    assert load_views(portfolio) == []


def test_the_number_of_views_is_bounded(portfolio):
    body = [{"name": f"v{i}", "page": "explore", "query": "", "saved": "2026-01-01"} for i in range(MOST)]
    views_file(portfolio).write_text(json.dumps(body))
    with pytest.raises(HypothecError, match="at most 100"):
        save_view(portfolio, "one more", "explore", "")
    save_view(portfolio, "v7", "explore", "a=1")  # replacing one is no more
    assert len(load_views(portfolio)) == MOST


@pytest.mark.parametrize("text", ["{", "[1]", '[{"name": "a"}]', '{"a": 1}'])
def test_a_broken_file_is_refused_by_name(portfolio, text):
    views_file(portfolio).write_text(text)
    with pytest.raises(HypothecError, match=r"views\.json: cannot read"):
        load_views(portfolio)


def test_a_workspace_that_cannot_be_written_says_so(portfolio, monkeypatch):
    # The tests may run as root, whom no mode stops: the system's answer is given by hand.
    def refuse(*args, **kwargs):
        raise PermissionError(30, "Read-only file system")

    monkeypatch.setattr("portfolio.views.write_text", refuse)
    with pytest.raises(HypothecError, match="cannot be written"):
        save_view(portfolio, "a", "explore", "")
