"""Reading and making a toy portfolio's scores: its models, its files, small blocks."""

from models import scoring
from models.registry import load_registry
from models.score_stamp import score_path

FIRST, LAST = "2019-12-31", "2021-12-31"


def entry(engine, name="scorecard"):
    return load_registry(engine.portfolio).find(name)


def path(engine, key, name="scorecard"):
    return score_path(engine.portfolio, entry(engine, name), key)


def small_blocks(monkeypatch, rows=400):
    monkeypatch.setattr(scoring, "_block_rows", lambda _: rows)
