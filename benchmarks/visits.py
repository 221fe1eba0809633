"""What a visitor waits for: server start to the first page painted, and click to painted, in headless Chromium."""

import os
import re
import sys
import tempfile
import time

from common import ROOT, Row, median, percentile, run_measured
from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(ROOT))
from tests.browser.conftest import FLAGS, chromium_path, serve

STARTS = 5
ROUNDS = 4
# Counts from the click to the last change of the page's body before it is quiet with no script running.
WATCH = """() => {
  window.clicked = window.changed = performance.now();
  document.addEventListener('click', () => { window.clicked = performance.now(); }, true);
  new MutationObserver(() => { window.changed = performance.now(); })
    .observe(document.querySelector('[data-testid=stMain]'), {childList: true, subtree: true, characterData: true});
}"""
QUIET = """() => performance.now() - Math.max(window.changed, window.clicked) > 600 &&
  document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'"""
PAINTED = "[data-testid=stPlotlyChart] .main-svg"


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        # DEMO_WORKSPACE saves building the demo once more.
        folder = os.environ.get("DEMO_WORKSPACE") or temporary
        if folder == temporary:
            run_measured(sys.executable, "cli.py", "demo", "--workspace", folder)
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        starts = [_start_to_painted(browser, folder) for _ in range(STARTS)]
        clicks = _click_to_painted(browser, folder)
        browser.close()
    start, slowest = median(starts), percentile([second for found in clicks.values() for second in found], 0.95)
    worst = max(clicks, key=lambda name: percentile(clicks[name], 0.95))
    tail = percentile(clicks[worst], 0.95)
    return [Row("server start to first page painted, median of 5", f"{start:.1f} s", "≤ 4 s", start <= 4),
            Row(f"click to painted, p95 of {sum(map(len, clicks.values()))} clicks", f"{slowest:.2f} s", "≤ 1.0 s",
                slowest <= 1),
            Row(f"… slowest kind of click: {worst}", f"{tail:.2f} s", "—", None)]  # fmt: skip


def _start_to_painted(browser: object, workspace: str) -> float:
    started = time.perf_counter()
    with serve(workspace) as address:
        page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        page.goto(address)
        page.wait_for_selector(PAINTED)
        seconds = time.perf_counter() - started
        page.context.close()
    return seconds


def _click_to_painted(browser: object, workspace: str) -> dict[str, list[float]]:
    """Return the seconds of each kind of click, warm: every view has been visited once before."""
    found: dict[str, list[float]] = {}
    with serve(workspace) as address:
        page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        page.goto(address)
        page.wait_for_selector(PAINTED)
        page.wait_for_timeout(1500)
        page.evaluate(WATCH)
        for round_ in range(ROUNDS + 1):
            for name, seconds in _round(page):
                if round_:  # the first round fills the caches
                    found.setdefault(name, []).append(seconds)
    return found


def _round(page: Page) -> list[tuple[str, float]]:
    def click(name: str, role: str, label: str) -> tuple[str, float]:
        page.get_by_role(role, name=re.compile(rf"^{label}( ·|$)")).first.click()  # a count may follow the name
        page.wait_for_function(QUIET, timeout=120_000)
        return name, page.evaluate("() => (window.changed - window.clicked) / 1000")

    return [
        click("to Compare", "link", "Compare"),
        click("sample", "radio", "Out-of-sample"),
        click("comparison", "radio", "Curves"),
        click("comparison", "radio", "Calibration"),
        click("comparison", "radio", "Segments"),
        click("comparison", "radio", "Through time"),
        click("comparison", "radio", "Swap set"),
        click("comparison", "radio", "Profit"),
        click("comparison", "radio", "Cost"),
        click("comparison", "radio", "Metrics"),
        click("to Explain", "link", "Explain"),
        click("explanation", "radio", "Cohorts and time"),
        click("explanation", "radio", "One feature"),
        click("explanation", "radio", "Interactions"),
        click("explanation", "radio", "Model against model"),
        click("explanation", "radio", "Trust"),
        click("explanation", "radio", "One loan"),
        click("example loan", "radio", "Models disagree most"),
        click("example loan", "radio", "Highest PD"),
        click("explanation", "radio", "Drivers"),
        click("to Validate", "link", "Validate"),
        click("validation", "radio", "Stability"),
        click("validation", "radio", "Calibration"),
        click("to Explore", "link", "Explore"),
        click("chart", "radio", "Heat map"),
        click("chart", "radio", "Lines"),
        click("to Cohorts", "link", "Cohorts"),
        click("to Fields", "link", "Fields"),
        click("fields", "radio", "All fields"),
        click("fields", "radio", "One field"),
        click("to Vintages", "link", "Vintages"),
        click("vintages", "radio", "Roll rates"),
        click("vintages", "radio", "Curves"),
        click("to Quality", "link", "Quality"),
        click("quality", "radio", "Completeness"),
        click("quality", "radio", "Findings"),
        click("to SQL", "link", "SQL"),
        click("to Overview", "link", "Overview"),
        click("trend", "radio", "Exposure"),
        click("filter", "button", "Italy"),
        click("filter", "button", "Italy"),
        click("reading", "radio", "Risk"),
        click("reading", "radio", "Business"),
    ]


if __name__ == "__main__":
    print(*measure(), sep="\n")
