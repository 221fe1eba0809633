"""The app in a real browser: every page, both themes, both widths, from a fresh server, deep links first."""

import os
import re
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from tests.browser.conftest import serve

SHOTS = Path(__file__).parent / "shots"
PAGES = {"": "Overview", "explore": "Explore", "cohorts": "Cohorts", "fields": "Fields", "vintages": "Vintages",
         "quality": "Quality", "sql": "SQL", "compare": "Compare", "explain": "Explain",
         "validate": "Validate", "what_if": "What if", "experiments": "Experiments"}  # fmt: skip
# Pages that open without a figure: SQL until something is run, what needs months where there are none,
# and experiments before any was run (test_experiments.py runs some).
WITHOUT_FIGURE = {("demo", "sql"), ("loanapp", "sql"), ("loanapp", "vintages"), ("demo", "experiments"),
                  ("loanapp", "experiments")}  # fmt: skip
SECTIONS = {
    "compare": ("compare_section", ("Curves", "Calibration", "Segments", "Through time", "Swap set", "Profit", "Cost")),
    "explain": (
        "explain_section",
        ("Cohorts and time", "One feature", "Interactions", "One loan", "Model against model"),
    ),
    "validate": ("validate_section", ("Discrimination", "Stability", "Exclusions", "Long run", "LGD")),
    "vintages": ("vintages_view", ("Endings", "Triangle", "Roll rates", "Transitions")),
    "quality": ("quality_section", ("Completeness", "Rules", "Loads & quarantine", "Duplicates", "Odd loans")),
}
LOOKS = [("demo", "light", 1280), ("demo", "dark", 1280), ("demo", "light", 1920), ("loanapp", "light", 1280)]


@pytest.fixture(scope="module")
def address(demo_workspace):
    with serve(demo_workspace) as address:
        yield address


def shoot(visitor, name):
    """Take a screenshot of the whole page and return it."""
    page = visitor.page
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": page.viewport_size["width"], "height": min(height + 40, 6000)})
    visitor.page.wait_for_timeout(500)
    SHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png")


@pytest.mark.parametrize("path", ["explain", "compare", ""])
def test_a_deep_link_to_a_fresh_server_meets_the_gate_first(demo_workspace, visit, path):
    with serve(demo_workspace, HYPOTHEC_ACCESS_CODE="opensesame") as address:
        visitor = visit(address)
        visitor.open(path)
        text = visitor.page.inner_text("[data-testid=stMain]")
        assert "Access code" in text
        assert PAGES[path] not in text
        assert visitor.page.locator("[data-testid=stPlotlyChart]").count() == 0
        assert "Portfolio shown" not in visitor.page.inner_text("body")
        visitor.page.get_by_label("Access code").fill("wrong")
        visitor.page.get_by_role("button", name="Open").click()
        visitor.page.get_by_text("not the access code").wait_for()
        assert visitor.page.locator("[data-testid=stPlotlyChart]").count() == 0
        visitor.page.get_by_label("Access code").fill("opensesame")
        visitor.page.get_by_role("button", name="Open").click()
        visitor.page.get_by_role("heading", name=PAGES[path], exact=True).wait_for()
        assert visitor.foreign == []


@pytest.mark.parametrize(("portfolio", "scheme", "width"), LOOKS)
@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_whole(address, visit, portfolio, scheme, width, path):
    visitor = visit(address, width=width, scheme=scheme, shared=True)
    visitor.open(path, portfolio=portfolio)
    visitor.page.get_by_role("heading", name=PAGES[path], exact=True).wait_for()
    assert ("Synthetic data" in visitor.page.inner_text("[data-testid=stMain]")) == (portfolio == "demo")
    if (portfolio, path) not in WITHOUT_FIGURE:
        visitor.page.wait_for_selector("[data-testid=stPlotlyChart] .main-svg")
    shoot(visitor, f"{portfolio}_{PAGES[path].lower()}_{scheme}_{width}")
    check_titles(visitor)
    visitor.check()


def check_titles(visitor):
    """No title runs out of its card."""
    for text in visitor.page.locator(".gtitle").all():
        outer = text.locator("xpath=ancestor::*[@data-testid='stPlotlyChart']").bounding_box()
        inner = text.bounding_box()
        assert inner["x"] + inner["width"] <= outer["x"] + outer["width"] + 1, text.inner_text()


@pytest.mark.parametrize("path", SECTIONS)
def test_every_section_is_whole(address, visit, path):
    visitor = visit(address, width=1280, scheme="dark", shared=True)
    key, names = SECTIONS[path]
    for name in names:
        visitor.open(path, portfolio="demo", **{key: urllib.parse.quote(name)})
        chosen = visitor.page.get_by_role("radio", name=name, exact=True)
        assert chosen.get_attribute("aria-checked") == "true"
        assert visitor.page.locator("[data-testid=stException]").count() == 0
        shoot(visitor, f"demo_{path}_{name.lower().replace(' ', '_')}_dark_1280")
        check_titles(visitor)
    visitor.check()


def test_navigation_reading_and_filters_live_in_the_link(address, visit):
    visitor = visit(address)
    page = visitor.page
    visitor.open("")
    loans = page.locator("[data-testid=stMetric]", has_text="Loans").inner_text()
    page.get_by_role("radio", name="Risk", exact=True).click()
    page.get_by_role("button", name="Italy").or_(page.get_by_role("radio", name="Italy")).or_(
        page.get_by_role("checkbox", name="Italy")).first.click()  # fmt: skip
    visitor.settle()
    assert "reading=Risk" in page.url
    assert "only_country=Italy" in page.url
    filtered = page.locator("[data-testid=stMetric]", has_text="Loans").inner_text()
    assert filtered != loans
    again = visit(address)
    again.page.goto(page.url)
    again.settle()
    assert again.page.locator("[data-testid=stMetric]", has_text="Loans").inner_text() == filtered
    page.get_by_role("link", name="Compare", exact=True).click()
    page.get_by_role("heading", name="Compare", exact=True).wait_for()
    visitor.settle()
    assert "Country: Italy" in page.inner_text("[data-testid=stMain]")
    assert "observed/expected" in page.inner_text("[data-testid=stMain]")  # the Risk reading
    assert "only_country=Italy" in page.url
    visitor.check()


def test_a_figure_has_its_table_definition_and_download(address, visit):
    visitor = visit(address)
    page = visitor.page
    visitor.open("", portfolio="demo")
    card = page.locator(".st-key-overview_trend_figure_chart")
    card.wait_for()
    page.get_by_role("button", name=re.compile("How is this computed")).first.click()
    page.get_by_text("Data SHA-256").first.wait_for()
    page.keyboard.press("Escape")
    with page.expect_download() as download:
        page.locator(".st-key-overview_trend_figure_csv button").click()
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    assert text.splitlines()[0].startswith("month,loans,exposure")
    visitor.check()


def test_an_empty_selection_says_so_and_offers_a_way_back(address, visit):
    visitor = visit(address)
    visitor.open("", portfolio="demo", only_country="Netherlands", only_region="Lazio")
    main = visitor.page.inner_text("[data-testid=stMain]")
    assert "No loan matches" in main
    visitor.page.get_by_role("button", name="Clear all filters").click()
    visitor.page.locator("[data-testid=stMetric]").first.wait_for()
    visitor.check()


def test_an_unknown_loan_is_a_sentence(address, visit):
    visitor = visit(address)
    visitor.open("explain", portfolio="demo", explain_loan="nobody")
    assert "There is no loan 'nobody'" in visitor.page.inner_text("[data-testid=stMain]")
    visitor.check()


def test_a_loan_is_found_by_a_row_of_the_list_and_a_point_of_the_chart(address, visit):
    visitor = visit(address, height=1400)
    visitor.open("explain", portfolio="demo", explain_section="One+loan", explain_find="List")
    page, headline = visitor.page, visitor.page.locator("h4").first
    before = headline.inner_text()
    grid = page.locator(".st-key-explain_list canvas").first.bounding_box()
    page.mouse.click(grid["x"] + 18, grid["y"] + 31 * 4 + 15)  # the box before the fourth row
    page.wait_for_function("old => document.querySelector('h4').innerText !== old", arg=before)
    visitor.settle()
    listed = re.search(r"explain_loan=(\w+)", page.url)[1]
    assert headline.inner_text().startswith(f"Loan {listed}:")
    page.get_by_text("Chart", exact=True).first.click()
    visitor.settle()
    plot = page.locator(".st-key-explain_cloud_chart").bounding_box()
    for across in range(38, 50):  # the middle of the cloud is dense: some point is under one of these
        page.mouse.click(plot["x"] + plot["width"] * across / 100, plot["y"] + plot["height"] * 0.55)
        visitor.settle()
        if f"explain_loan={listed}" not in page.url:
            break
    assert headline.inner_text().startswith(f"Loan {re.search('explain_loan=([A-Z0-9]+)', page.url)[1]}:")
    assert f"explain_loan={listed}" not in page.url
    page.get_by_role("link", name="What would change its PD").click()
    page.get_by_role("heading", name="What if", exact=True).wait_for()
    visitor.check()


def test_the_browser_is_told_to_load_the_chart_library_at_once(address):
    with urllib.request.urlopen(address) as page:  # noqa: S310
        found = re.findall(r"<\./(static/js/PlotlyChart\.[^>]+)>; rel=modulepreload", page.headers["link"])
    assert len(found) == 1
    with urllib.request.urlopen(f"{address}/{found[0]}") as script:  # noqa: S310
        assert script.headers["content-type"].split(";")[0].endswith("javascript")


def test_readme_screenshot(demo_workspace, visit):
    # `make screenshot` sets README_WORKSPACE to the full demo and copies the picture to docs/.
    with serve(os.environ.get("README_WORKSPACE", demo_workspace)) as address:
        visitor = visit(address, width=1440, height=1000)
        visitor.open("", portfolio="demo")
        SHOTS.mkdir(exist_ok=True)
        visitor.page.screenshot(path=SHOTS / "readme.png")
        visitor.check()
    assert (SHOTS / "readme.png").stat().st_size <= 300_000
