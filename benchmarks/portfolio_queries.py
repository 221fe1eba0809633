"""Every query behind the portfolio pages on 0.6, 6 and 60 million loan-months: p95, the slowest, peak memory."""

import json
import sys
import tempfile
from pathlib import Path

from big_books import BOOKS, name_of, workspace
from common import Row, percentile, run_measured

# What is opened: page and the choices in its link. Each is opened for the whole book and for one country.
VISITS: list[tuple[str, dict[str, str]]] = [
    ("overview", {"reading": "Risk"}),
    ("overview", {"overview_change": "Default rate", "overview_trend": "Default rate"}),
    ("overview", {"overview_change": "Arrears", "overview_trend": "Prepayment, trailing year"}),
    ("overview", {"overview_trend": "Current loan-to-value", "overview_closer": "Expected loss"}),
    ("overview", {"overview_concentration": "Year granted", "overview_by": "Region"}),
    ("explore", {}),
    ("explore", {"explore_show": "Default rate", "explore_dates": "All dates", "explore_split": "Region"}),
    ("explore", {"explore_show": "Exposure", "explore_chart": "Heat map", "explore_split": "Granted on: year"}),
    ("explore", {"explore_show": "Average of", "explore_chart": "Bars", "explore_by": "Region"}),
    ("explore", {"explore_show": "Median of", "explore_chart": "Bars", "explore_by": "Country"}),
    ("explore", {"explore_show": "Median of", "explore_dates": "All dates", "explore_by": "Observation date"}),
    ("explore", {"explore_chart": "Boxes", "explore_by": "Income", "explore_bands": "20"}),
    ("explore", {"explore_chart": "Boxes", "explore_dates": "All dates", "explore_by": "Region"}),
    ("explore", {"explore_chart": "Points"}),
    ("explore", {"explore_chart": "Points", "explore_dates": "All dates"}),
    ("explore", {"explore_chart": "Pivot", "explore_row": "30–40 %"}),
    ("cohorts", {}),
    ("cohorts", {"cohorts_by": "Country"}),
    ("cohorts", {"cohorts_by": "Two dates, whole book"}),
    ("fields", {}),
    ("fields", {"fields_field": "Region", "fields_by": "Country", "fields_method": "Pearson"}),
    ("fields", {"fields_view": "All fields"}),
    ("vintages", {"vintages_width": "Quarter"}),
    ("vintages", {"vintages_cause": "Prepayment", "vintages_scope": "All"}),
    ("vintages", {"vintages_view": "Endings"}),
    ("vintages", {"vintages_view": "Triangle"}),
    ("vintages", {"vintages_view": "Roll rates", "vintages_period": "Month"}),
    ("vintages", {"vintages_view": "Transitions", "vintages_weight": "Exposure"}),
    *(("quality", {"quality_section": name}) for name in (
        "Findings", "Completeness", "Rules", "Loads & quarantine", "Duplicates", "Odd loans")),
]  # fmt: skip

# Run in its own process: the pages through Streamlit's AppTest, with a watch on the engine. Results are thrown away
# between the rounds, so every round asks every query again; what stays warm is the engine and its files.
CHILD = """
import json, os, sys, time
workspace, name, visits, target = sys.argv[1:]
os.environ.update(HYPOTHEC_WORKSPACE=workspace, HYPOTHEC_PORTFOLIO=name)
import streamlit as st
from streamlit.testing.v1 import AppTest
from portfolio.engine import Engine
times, now = [], {}
fetch = Engine.fetch
def watched(self, expression):
    started = time.perf_counter()
    try:
        return fetch(self, expression)
    finally:
        times.append({"seconds": time.perf_counter() - started, **now})
Engine.fetch = watched
def open_page(page, choices):
    app = AppTest.from_file("app.py", default_timeout=600)
    app.query_params.update(choices)
    app.switch_page(f"pages/portfolio/{page}.py").run()
    if app.exception or app.error:
        raise SystemExit(f"{page} {choices}: {[e.message for e in app.exception]} {[e.value for e in app.error]}")
for round_ in range(3):
    for page, choices in json.loads(visits):
        for only in ({}, {"only_country": "Italy"}):
            st.cache_data.clear()
            now.update(round=round_, page=page, choices=str(choices | only))
            open_page(page, choices | only)
json.dump(times, open(target, "w"))
"""


def measure() -> list[Row]:
    found = {}
    with workspace() as folder:
        for size in BOOKS:
            found[size] = _visit(folder, name_of(size))
    rows = []
    for size, (times, memory) in found.items():
        warm = [item for item in times if item["round"]]
        tail = percentile([float(item["seconds"]) for item in warm], 0.95)
        slowest = max(warm, key=lambda item: item["seconds"])
        large = size == "60M"
        rows += [Row(f"{size} loan-months: query, warm, p95 of {len(warm)}", f"{tail:.2f} s",
                     "≤ 1.0 s" if large else "—", tail <= 1 if large else None),
                 Row(f"… slowest: {slowest['page']} {_brief(slowest['choices'])}", f"{slowest['seconds']:.2f} s", "—",
                     None),
                 Row("… peak memory of the pages' process", f"{memory:.2f} GB", "≤ 6 GB" if large else "—",
                     memory <= 6 if large else None)]  # fmt: skip
    return rows


def _visit(folder: Path, name: str) -> tuple[list[dict[str, object]], float]:
    with tempfile.NamedTemporaryFile(suffix=".json") as target:
        command = [sys.executable, "-c", CHILD, str(folder), name, json.dumps(VISITS), target.name]
        _, memory = run_measured(*command)
        return json.loads(Path(target.name).read_text()), memory


def _brief(choices: object) -> str:
    text = str(choices).strip("{}").replace("'", "")
    return text if len(text) < 60 else text[:57] + "…"


if __name__ == "__main__":
    print(*measure(), sep="\n")
