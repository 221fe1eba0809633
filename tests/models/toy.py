"""Loans whose truth is known and a small portfolio of them."""

import datetime

import numpy as np
import pandas as pd

from models.encoding import Feature
from portfolio.schema import Field, Schema, Splits, save_schema
from portfolio.workspace import Portfolio, write_manifest

FEATURES = (
    Feature("ltv", "number", 1),
    Feature("debt_service", "number", 1),
    Feature("region", "category"),
    Feature("unemployment", "number"),
)


def make_loans(rows=3000, seed=0):
    """Loans whose true log-odds are known; LTV acts more where unemployment is high."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "ltv": draw.uniform(0.3, 1.1, rows),
            "debt_service": draw.gamma(4, 0.08, rows),
            "region": draw.choice(["North", "South", 'East\'s "end"'], rows, p=[0.5, 0.3, 0.2]),
            "unemployment": draw.normal(6, 2, rows),
        }
    )
    log_odds = (
        -3
        + 3 * (frame["ltv"] - 0.7)
        + 4 * (frame["debt_service"] - 0.3)
        + 1.0 * (frame["region"] == "South")
        + 0.6 * (frame["unemployment"] - 6) * (frame["ltv"] > 0.8)
    )
    outcome = (draw.random(rows) < 1 / (1 + np.exp(-log_odds))).astype(int)
    frame.loc[draw.random(rows) < 0.1, "debt_service"] = np.nan
    return frame, outcome


def write_portfolio(root, frame, outcome, *, extra_fields=()):
    """A table portfolio of two dates with the toy loans in it."""
    fields = (
        Field("loan", "Loan", "category", ("id",)),
        Field("bad", "Default", "number", ("target",)),
        Field("sex", "Sex", "category", ("protected",)),
        *(
            Field(f.name, f.name, f.kind, ("feature", "segment") if f.kind == "category" else ("feature",),
                  expected_sign=f.sign)
            for f in FEATURES
        ),
        *extra_fields,
    )  # fmt: skip
    first, second = datetime.date(2019, 12, 31), datetime.date(2021, 12, 31)
    schema = Schema("Toy", "table", fields, splits=Splits(first, second))
    (root / "snapshots").mkdir(parents=True)
    save_schema(schema, root / "schema.toml")
    half = len(frame) // 2
    for key, part in ((first, slice(0, half)), (second, slice(half, None))):
        rows = frame.iloc[part].copy()
        rows.insert(0, "loan", [f"L{i}" for i in range(len(rows))])
        held = pd.Series(rows["loan"]).str[1:].astype(int) % 5 == 0
        rows = rows.assign(
            bad=outcome[part],
            sex="F",
            observation_date=key,
            label_mature=True,
            sample=np.where(held, "out-of-sample", "development") if key == first else "out-of-time",
        )
        rows.to_parquet(root / "snapshots" / f"{key}.parquet", index=False)
    write_manifest(root, "made by a test")
    return Portfolio(root)
