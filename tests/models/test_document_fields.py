"""Models and fields from documents: a new one learns from them, one trained before goes on as it was."""

import json

import numpy as np
import pandas as pd

from models.registry import load_model, load_registry
from models.scoring import score_portfolio
from models.training import TrainConfig, load_training_data, train
from portfolio.engine import Engine
from portfolio.sources.documents import ingest_documents
from portfolio.workspace import open_portfolio

MAPPING = """
[[field]]
name = "doubts"
label = "Doubts"
kind = "number"
roles = ["feature"]
path = "application.incomes[verified=false]"
reduce = "share"
"""


def score(engine, entry, key):
    """Return a snapshot's scores, made anew, by loan."""
    score_portfolio(engine, [entry], keys=[key], explain=[], again=True)
    return engine.fetch(engine.scores(str(entry.ref), [key])).sort_values("loan", ignore_index=True)


def test_a_model_learns_from_documents_and_the_former_one_is_unmoved(toy, tmp_path, loans):
    _, outcome = loans
    former = train(Engine(toy), TrainConfig("boosting"))
    key = toy.snapshot_keys()[0]
    before = score(Engine(toy), former, key)
    background = pd.read_parquet(toy.models / "background.parquet")
    # in both halves the loan L<i> has an outcome; whoever fails in the first has an income that was not verified
    draw = np.random.default_rng(1)
    lines = [
        {"kind": "application", "loan": f"L{place}", "date": "2019-01-01",
         "incomes": [{"verified": bool(draw.random() < (0.25 if bad else 0.75))} for _ in range(2)]}
        for place, bad in enumerate(outcome[: len(outcome) // 2])
    ]  # fmt: skip
    (tmp_path / "application.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
    (tmp_path / "paths.toml").write_text(MAPPING)
    ingest_documents(toy.root.parent, [tmp_path / "application.jsonl"], name=toy.root.name,
                     mapping=tmp_path / "paths.toml")  # fmt: skip
    now = open_portfolio(toy.root.parent, toy.root.name)
    engine = Engine(now)
    after = score(engine, load_registry(now).entries[0], key)
    pd.testing.assert_frame_equal(after, before)  # the same features, the same rows, the same scores
    data = load_training_data(engine)
    assert data.features[-1].name == "doubts"
    wide = pd.read_parquet(now.models / "background.parquet")
    pd.testing.assert_frame_equal(wide[background.columns], background)  # the same background rows, one column more
    assert wide["doubts"].notna().all()
    entry = train(engine, TrainConfig("boosting"), data=data)
    model = load_model(now, entry)
    X = data.rows.X.iloc[:500]
    verified, unverified = (model.predict_log_odds(X.assign(doubts=value)).mean() for value in (0.0, 1.0))
    # likelihood ratio of two unverified against two verified incomes: (.75 / .25)² / (.25 / .75)² = 81, log 4.4
    assert 2.5 < unverified - verified < 5.5
    explained = model.explain(X.iloc[:50], data.background)
    assert explained.values["doubts"].abs().mean() > 0.3
