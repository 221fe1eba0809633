"""How far an experiment's PDs lie from the true ones, where the portfolio is a demo and the truth is known."""

import datetime
from typing import Any

import pandas as pd

from analytics.truth import compute_truth_distance
from models.experiments.folders import root_of
from portfolio.atomic import replace_file
from portfolio.demo.truth import compute_true_pds
from portfolio.engine import Engine
from portfolio.workspace import Portfolio

REPEATS = 200
GENERATED = "demo generator (synthetic)"


def measure_truth(engine: Engine, predictions: pd.DataFrame) -> dict[str, Any] | None:
    """Return the distance of the PDs from the true PDs on the first and last out-of-time date; None without a truth."""
    portfolio = engine.portfolio
    if portfolio.manifest.get("source") != GENERATED:
        return None
    later = predictions[predictions["_sample"] == "out-of-time"]
    dates = sorted(pd.Timestamp(date).date() for date in later["_date"].unique())
    if not dates:
        return None
    chosen, parts = list(dict.fromkeys([dates[0], dates[-1]])), []
    for date in chosen:
        here = later[pd.to_datetime(later["_date"]).dt.date == date]
        parts.append(here.merge(load_truth(portfolio, date), left_on="_loan", right_on="loan_id"))
    both = pd.concat(parts, ignore_index=True)
    found = compute_truth_distance(both["pd"], both["true_pd"], repeats=REPEATS, y=both["_y"])
    return {**found, "dates": [str(date) for date in chosen], "repeats": REPEATS}


def load_truth(portfolio: Portfolio, date: datetime.date) -> pd.DataFrame:
    """Return loan_id and true_pd at a date; worked out once and kept beside the experiments."""
    file = root_of(portfolio) / "truth" / f"{date}.parquet"
    if not file.exists():
        facts = portfolio.manifest
        frame = compute_true_pds(
            loans=facts["loans"], months=facts["months"], seed=facts["seed"], date=date, repeats=REPEATS
        )
        with replace_file(file) as temporary:
            frame.to_parquet(temporary, index=False)
    return pd.read_parquet(file)
