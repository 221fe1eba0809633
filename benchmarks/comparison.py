"""Comparing models: DeLong on a million loans, the clustered bootstrap, the Compare page; beside three peers."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from common import ROOT, Row, peer_python, run_measured

LARGE, LOANS, OBSERVATIONS, RESAMPLES = 1_000_000, 60_000, 200_000, 1_000
SKLEARN_RESAMPLES = 20  # the loop's time is in proportion

# Three models' PDs of the same observations, of loans seen several times; made once, read by all.
SHARED = """
import json, sys, time
import numpy as np, pandas as pd
def read(path):
    frame = pd.read_parquet(path)
    return frame["y"].to_numpy(), {name: frame[name].to_numpy() for name in "abc"}, frame["loan"].to_numpy()
def timed(run, repeats):
    times = []
    for _ in range(repeats):
        started = time.perf_counter(); run(); times.append(time.perf_counter() - started)
    return sorted(times)[len(times) // 2]
"""
DELONG = """
from analytics.delong import compute_delong, compute_delong_tests
y, scores, loan = read(sys.argv[1])
print(json.dumps(timed(lambda: compute_delong_tests(compute_delong(y, scores)), 5)))
"""
MLSTATKIT = """
from MLstatkit import Delong_test
y, scores, loan = read(sys.argv[1])
def run():
    for one, other in (("a", "b"), ("a", "c"), ("b", "c")):
        Delong_test(y, scores[one], scores[other])
print(json.dumps(timed(run, 1)))
"""
BOOTSTRAP = """
from analytics.bootstrap import compute_bootstrap, compute_bootstrap_differences
y, scores, loan = read(sys.argv[1])
compute_bootstrap(y[:2000], {k: v[:2000] for k, v in scores.items()}, resamples=10)  # compiles
print(json.dumps(timed(lambda: compute_bootstrap_differences(
    compute_bootstrap(y, scores, cluster=loan, resamples=int(sys.argv[2])), "a"), 3)))
"""
SKLEARN = """
from sklearn.metrics import roc_auc_score
y, scores, loan = read(sys.argv[1])
rows_of = pd.Series(np.arange(len(y))).groupby(loan).indices
names, random = list(rows_of), np.random.default_rng(0)
def run():
    for _ in range(int(sys.argv[2])):
        drawn = np.concatenate([rows_of[names[place]] for place in random.integers(0, len(names), len(names))])
        [roc_auc_score(y[drawn], score[drawn]) for score in scores.values()]
print(json.dumps(timed(run, 1)))
"""
# The peer's classification tab for one model: what its plots and metrics need; no attributions, no page drawn.
DASHBOARD = """
from explainerdashboard import ClassifierExplainer
y, scores, loan = read(sys.argv[1])
class Given:
    classes_ = np.array([0, 1])
    def fit(self, X, y): return self
    def predict(self, X): return (X["pd"] > 0.5).astype(int).to_numpy()
    def predict_proba(self, X): return np.column_stack([1 - X["pd"], X["pd"]])
def run():
    for name in "abc":
        frame = pd.DataFrame({"pd": scores[name], "spare": np.arange(len(y)) % 7})
        explainer = ClassifierExplainer(Given(), frame, pd.Series(y), shap="kernel", model_output="probability")
        explainer.metrics(cutoff=0.05)
        for plot in ("plot_precision", "plot_confusion_matrix", "plot_cumulative_precision", "plot_lift_curve",
                     "plot_classification", "plot_roc_auc", "plot_pr_auc"):
            getattr(explainer, plot)()
print(json.dumps(timed(run, 1)))
"""
PAGE = """
import json, os, sys, time
os.environ.update(HYPOTHEC_WORKSPACE=sys.argv[1], HYPOTHEC_PORTFOLIO="demo")
from streamlit.testing.v1 import AppTest
def visit(section):
    app = AppTest.from_file("app.py", default_timeout=600)
    app.query_params.update({"compare_section": section})
    started = time.perf_counter()
    app.switch_page("pages/models/compare.py").run()
    if app.exception or app.error:
        raise SystemExit(f"{section}: {[e.message for e in app.exception]} {[e.value for e in app.error]}")
    return time.perf_counter() - started
sections = ["Metrics", "Curves", "Calibration", "Segments", "Through time", "Swap set", "Profit", "Cost"]
cold = {name: visit(name) for name in sections}
warm = {name: sorted(visit(name) for _ in range(5))[4] for name in sections}
json.dump([cold, warm], open(sys.argv[2], "w"))
"""


def measure() -> list[Row]:
    peer = peer_python()
    with tempfile.TemporaryDirectory() as temporary:
        large, usual = Path(temporary) / "large.parquet", Path(temporary) / "usual.parquet"
        _write(large, LARGE, LARGE)
        _write(usual, OBSERVATIONS, LOANS)
        ours, theirs = _time(sys.executable, DELONG, large), _time(peer, MLSTATKIT, large)
        rows = [Row("DeLong, three models, 1M loans", f"{ours:.2f} s", "≤ 1 s", ours <= 1),
                Row("… MLstatkit, its three pairs", f"{theirs:.1f} s", f"{theirs / ours:.1f} × ours",
                    None)]  # fmt: skip
        ours = _time(sys.executable, BOOTSTRAP, usual, RESAMPLES)
        loop = _time(sys.executable, SKLEARN, usual, SKLEARN_RESAMPLES) * RESAMPLES / SKLEARN_RESAMPLES
        rows += [Row("1,000 clustered resamples × 3 models × 9 metrics, 200,000 rows", f"{ours:.1f} s", "—", None),
                 Row(f"… scikit-learn loop, AUC only (from {SKLEARN_RESAMPLES} resamples)", f"{loop:.0f} s",
                     f"{loop / ours:.0f} × ours", None)]  # fmt: skip
        dashboard = _time(peer, DASHBOARD, usual)
        cold, warm = _page(Path(temporary))
    whole, slowest = sum(cold.values()), max(warm, key=lambda name: warm[name])
    return [*rows,
            Row("Compare opened cold: verdict, metrics, 1,000 resamples", f"{cold['Metrics']:.1f} s", "—", None),
            Row("… with all other sections, one after another", f"{whole:.1f} s", "≤ 10 s", whole <= 10),
            Row(f"… warm, the slowest section ({slowest})", f"{warm[slowest]:.2f} s", "≤ 1 s", warm[slowest] <= 1),
            Row("… explainerdashboard, classification tab, 3 models", f"{dashboard:.1f} s",
                f"{dashboard / whole:.1f} × ours", None)]  # fmt: skip


def _write(path: Path, rows: int, loans: int) -> None:
    import numpy as np
    import pandas as pd

    random = np.random.default_rng(1)
    loan = np.sort(random.integers(0, loans, rows)) if loans < rows else np.arange(rows)
    risk = random.normal(size=loans)[loan] + random.normal(size=rows)
    y = random.random(rows) < 1 / (1 + np.exp(-(1.2 * risk - 4.5)))
    given = {name: 1 / (1 + np.exp(-(1.2 * (risk + noise * random.normal(size=rows)) - 4.5)))
             for name, noise in (("a", 0.9), ("b", 0.6), ("c", 0.5))}  # fmt: skip
    pd.DataFrame({"y": y.astype(int), "loan": loan, **given}).to_parquet(path)


def _time(python: str, code: str, *args: object) -> float:
    done = subprocess.run([python, "-c", SHARED + code, *map(str, args)], cwd=ROOT, capture_output=True, text=True,
                          check=False)  # fmt: skip
    if done.returncode:
        raise SystemExit(f"the comparison benchmark failed:\n{done.stderr[-2000:]}")
    return float(json.loads(done.stdout.splitlines()[-1]))


def _page(folder: Path) -> tuple[dict[str, float], dict[str, float]]:
    """Return the seconds of each section, cold and warm, on the demo's out-of-time sample (150,902 observations)."""
    workspace = os.environ.get("DEMO_WORKSPACE") or str(folder)
    if workspace == str(folder):
        run_measured(sys.executable, "cli.py", "demo", "--workspace", workspace)
    run_measured(sys.executable, "-c", PAGE, workspace, str(folder / "times.json"))
    cold, warm = json.loads((folder / "times.json").read_text())
    return cold, warm


if __name__ == "__main__":
    print(*measure(), sep="\n")
