"""The Experiments page in a real browser: every section whole, dark and light, with its figures drawn."""

import urllib.parse

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import serve
from tests.browser.test_app import check_titles, shoot
from tests.pages.toy_experiments import build

FIGURES = {"Leaderboard": 1, "Learning": 2, "Tuning": 2, "Ablations and data size": 2, "Through time": 2, "Cost": 1}


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with serve(build(tmp_path_factory.mktemp("browser")), HYPOTHEC_PORTFOLIO="toy") as address:
        yield address


@pytest.mark.parametrize(
    ("section", "scheme", "width"),
    [*((name, "dark", 1280) for name in FIGURES), ("Leaderboard", "light", 1920), ("Tuning", "light", 1920)],
)
def test_every_section_is_whole(address, visit, section, scheme, width):
    visitor = visit(address, width=width, scheme=scheme, shared=True)
    visitor.open("experiments", experiments_section=urllib.parse.quote(section))
    visitor.page.get_by_role("heading", name="Experiments", exact=True).wait_for()
    assert visitor.page.get_by_role("radio", name=section, exact=True).get_attribute("aria-checked") == "true"
    # On a busy machine the front end draws the last figure well after the script has ended.
    charts = visitor.page.locator("[data-testid=stPlotlyChart]:has(.main-svg)")
    expect(charts).to_have_count(FIGURES[section], timeout=60_000)
    assert visitor.page.locator("[data-testid=stPlotlyChart]").count() == FIGURES[section]
    shoot(visitor, f"toy_experiments_{section.lower().replace(' ', '_')}_{scheme}_{width}")
    check_titles(visitor)
    visitor.check()


def test_the_choice_lives_in_the_link(address, visit):
    visitor = visit(address)
    visitor.open("experiments")
    visitor.page.get_by_role("radio", name="Cost", exact=True).click()
    visitor.settle()
    visitor.page.get_by_role("radio", name="boosting", exact=True).click()
    visitor.settle()
    assert "experiments_section=Cost" in visitor.page.url
    assert "experiments_against=boosting" in visitor.page.url
    visitor.check()
