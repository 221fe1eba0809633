"""Explanations of whole books: scored and stored, a cohort's importance, the first page beside explainerdashboard."""

import datetime
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from attributions import MILLION, NUMBERS, WORDS, make_book
from common import ROOT, Row, peer_python, run_measured

PAGE_ROWS, DATE, WARM = 100_000, datetime.date(2025, 12, 31), 9

TRAIN = """
import sys
from pathlib import Path
import joblib
from models.registry import load_model, load_registry
from models.training import TrainConfig, train
from portfolio.engine import Engine
from portfolio.workspace import Portfolio
engine = Engine(Portfolio(Path(sys.argv[1])))
train(engine, TrainConfig("boosting"))
model = load_model(engine.portfolio, load_registry(engine.portfolio).find("boosting"))
joblib.dump(model.trees_, sys.argv[2])
"""
SCORE = """
import sys
from pathlib import Path
from models.registry import load_registry
from models.scoring import score_portfolio
from portfolio.engine import Engine
from portfolio.workspace import Portfolio
engine = Engine(Portfolio(Path(sys.argv[1])))
score_portfolio(engine, load_registry(engine.portfolio).entries)
"""
# As the page asks it: the snapshot filtered by a segment, joined with the scores, one aggregate query.
COHORT = """
import json, sys, time
from pathlib import Path
from analytics.attributions import compute_importance
from pages.common import explain_data
from portfolio.selection import Selection
workspace, name, key, word, repeats = sys.argv[1:6]
chosen = Selection(workspace, name, ((word, ("word 1", "word 2", "word 3", "word 4", "word 5", "word 6")),))
whole = Selection(workspace, name)
def ask(selection):
    here = explain_data.engine(selection)
    started = time.perf_counter()
    found = compute_importance(explain_data.explained(selection, "boosting/1", key), here.fetch)
    return time.perf_counter() - started, int(found["n"].iloc[0])
cold, rows = ask(chosen)
warm = sorted(ask(chosen)[0] for _ in range(int(repeats)))
everything = sorted(ask(whole)[0] for _ in range(int(repeats)))
print(json.dumps([cold, warm[len(warm) // 2], everything[len(everything) // 2], rows]))
"""
PAGE = """
import json, os, sys, time
from pathlib import Path
from models.registry import load_registry
from models.scoring import score_portfolio
from portfolio.engine import Engine
from portfolio.workspace import Portfolio
from streamlit.testing.v1 import AppTest
os.environ.update(HYPOTHEC_WORKSPACE=sys.argv[1], HYPOTHEC_PORTFOLIO=sys.argv[2])
started = time.perf_counter()
engine = Engine(Portfolio(Path(sys.argv[1]) / sys.argv[2]))
score_portfolio(engine, load_registry(engine.portfolio).entries)
scored = time.perf_counter() - started
app = AppTest.from_file("app.py", default_timeout=600)
app.switch_page("pages/models/explain.py").run()
if app.exception or app.error or not app.get("plotly_chart"):
    raise SystemExit(f"{[e.message for e in app.exception]} {[e.value for e in app.error]}: no page")
print(json.dumps([scored, time.perf_counter() - started]))
"""
# Its first tab's two figures for the same trees and rows; attributions without a background, its quickest.
DASHBOARD = """
import json, sys, time, warnings
import joblib, pandas as pd
from explainerdashboard import ClassifierExplainer
warnings.simplefilter("ignore")
trees, frame = joblib.load(sys.argv[1]), pd.read_parquet(sys.argv[2])
y = frame.pop("y")
started = time.perf_counter()
explainer = ClassifierExplainer(trees, frame, y, shap="tree", model_output="logodds",
                                shap_kwargs={"check_additivity": False})
explainer.plot_importances()
explainer.plot_importances_detailed()
print(json.dumps(time.perf_counter() - started))
"""


def write_book(root: Path, rows: int) -> None:
    """Write a table portfolio of one date: loans of 20 numeric features and 4 segments, with their outcomes."""
    import numpy as np

    from portfolio.schema import Field, Schema, save_schema
    from portfolio.workspace import write_manifest

    frame, outcome = make_book(rows)
    number = np.arange(rows)
    held = number % 5 == 0
    frame = frame.assign(loan=[f"L{place:08d}" for place in number], bad=outcome, observation_date=DATE,
                         label_mature=True, sample=np.where(held, "out-of-sample", "development"))  # fmt: skip
    (root / "snapshots").mkdir(parents=True)
    frame.to_parquet(root / "snapshots" / f"{DATE}.parquet", index=False)
    fields = (Field("loan", "Loan", "category", ("id",)), Field("bad", "Default", "number", ("target",)),
              *(Field(item.name, item.name, "number", ("feature",)) for item in NUMBERS),
              *(Field(item.name, item.name, "category", ("segment",)) for item in WORDS))  # fmt: skip
    save_schema(Schema("Benchmark", "table", fields), root / "schema.toml")
    write_manifest(root, "benchmark")


def _run(python: str, code: str, *args: object) -> object:
    done = subprocess.run([python, "-c", code, *map(str, args)], cwd=ROOT, capture_output=True, text=True, check=False,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip
    if done.returncode:
        raise SystemExit(f"the explanations benchmark failed:\n{done.stderr[-2000:]}")
    lines = done.stdout.splitlines()
    return json.loads(lines[-1]) if lines else None


def _first_page(folder: Path, rows: int) -> tuple[float, float, float]:
    """Return the seconds to score and explain, to have the page too, and explainerdashboard's to its first figures."""
    import pandas as pd

    book, trees, table = folder / "page", folder / "trees.joblib", folder / "peer.parquet"
    write_book(book, rows)
    _run(sys.executable, TRAIN, book, trees)
    frame = pd.read_parquet(book / "snapshots" / f"{DATE}.parquet")
    frame[[item.name for item in NUMBERS]].assign(y=frame["bad"]).to_parquet(table)
    scored, page = _run(sys.executable, PAGE, folder, "page")  # type: ignore[misc]
    return scored, page, float(str(_run(peer_python(), DASHBOARD, trees, table)))


def measure(large: int = MILLION, rows: int = PAGE_ROWS) -> list[Row]:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        scored, page, peer = _first_page(folder, rows)
        book = folder / "large"
        write_book(book, large)
        # the smaller book's model, as the manifest records it
        subprocess.run(["cp", "-r", str(folder / "page" / "models"), str(book / "models")], check=True)
        seconds, memory = run_measured(sys.executable, "-c", SCORE, str(book), PYTHONPATH=str(ROOT))
        cold, warm, whole, kept = _run(sys.executable, COHORT, folder, "large", DATE, WORDS[0].name, WARM)  # type: ignore[misc]
    return [Row(f"from trained model to explanation page, {rows:,} rows", f"{page:.1f} s",
                f"≤ 1/10 of the peer: {peer / 10:.1f} s", page <= peer / 10),
            Row("… of which scoring with attributions, stored", f"{scored:.1f} s", "—", None),
            Row("… explainerdashboard, same trees and rows", f"{peer:.0f} s", f"{peer / page:.0f} × ours", None),
            Row(f"{large:,} loans scored and explained to Parquet", f"{seconds:.0f} s", "—", None),
            Row("… peak memory", f"{memory:.2f} GB", "≤ 4 GB", memory <= 4),
            Row(f"cohort importance, {kept:,} of {large:,} stored rows, cold", f"{cold:.2f} s", "≤ 0.5 s", cold <= 0.5),
            Row("… warm, median", f"{warm:.2f} s", "≤ 0.5 s", warm <= 0.5),
            Row(f"… all {large:,} rows, median", f"{whole:.2f} s", "≤ 0.5 s", whole <= 0.5)]  # fmt: skip


if __name__ == "__main__":
    print(*measure(), sep="\n")
