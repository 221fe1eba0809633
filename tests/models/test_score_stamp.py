"""What stored scores were made of, when they are stale, and what is said of what is not there."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.registry import load_registry, save_registry
from models.score_stamp import Stamp
from models.scorecard import Scorecard
from models.scoring import Scoring, score_portfolio
from models.stored import check_scores, explain_loan, load_loan
from portfolio.engine import Engine
from portfolio.errors import HypothecError
from tests.models.scored import FIRST, LAST, entry, path

ROOT = Path(__file__).parents[2]


def test_stamps_meet_what_is_asked_of_the_same_things_only():
    full = Stamp("m/1", "model", "data", "background", "all")
    assert full.meets(replace(full, explained="300"))
    assert replace(full, explained="300").meets(replace(full, explained="300"))
    assert not replace(full, explained="299").meets(replace(full, explained="300"))
    assert not replace(full, explained="300").meets(full)
    assert full.meets(replace(full, explained="", background_sha256=""))
    for changed in ("model_sha256", "data_sha256", "background_sha256"):
        assert not full.meets(replace(full, **{changed: "other"}))
    assert replace(full, code="2").meets(replace(full, code="1"))  # recorded, not asked: a new version keeps the scores


class TestStates:
    def test_missing_then_not_explained_then_current_then_stale(self, unscored):
        portfolio, made = unscored.portfolio, entry(unscored)
        assert check_scores(portfolio, made, LAST) == "missing"
        score_portfolio(unscored, [made], keys=[LAST], explain=[])
        assert check_scores(portfolio, made, LAST) == "not explained"
        score_portfolio(unscored, [made], keys=[LAST])
        assert check_scores(portfolio, made, LAST) == "current"
        background = portfolio.models / "background.parquet"
        kept = background.read_bytes()
        pd.read_parquet(background).assign(ltv=0.4).to_parquet(background, index=False)
        assert check_scores(portfolio, made, LAST) == "stale"
        background.write_bytes(kept)
        assert check_scores(portfolio, made, LAST) == "current"
        background.unlink()
        assert check_scores(portfolio, made, LAST) == "stale"

    def test_scores_of_another_versions_files_are_stale(self, unscored):
        made = entry(unscored)
        score_portfolio(unscored, [made])
        files = {**made.files, "scorecard.json": "0" * 64}
        registry = load_registry(unscored.portfolio)
        others = [e for e in registry.entries if e.name != "scorecard"]
        save_registry(unscored.portfolio, replace(registry, entries=(*others, replace(made, files=files))))
        assert check_scores(unscored.portfolio, entry(unscored), LAST) == "stale"

    def test_scores_that_do_not_say_what_they_are_of_are_stale(self, unscored):
        score_portfolio(unscored, [entry(unscored)])
        file = path(unscored, LAST)
        pq.write_table(pq.read_table(file).replace_schema_metadata(None), file)
        assert check_scores(unscored.portfolio, entry(unscored), LAST) == "stale"
        assert score_portfolio(unscored, [entry(unscored)]) == Scoring(1, 1)

    def test_a_stale_loan_is_explained_by_the_model_not_by_the_file(self, unscored):
        score_portfolio(unscored, [entry(unscored)])
        file = path(unscored, LAST)
        table = pq.read_table(file)
        place = table.schema.get_field_index("phi_ltv")
        pq.write_table(table.set_column(place, "phi_ltv", pa.array(np.full(len(table), 9.0))), file)  # stamp kept

        def load():
            return Scorecard.load(unscored.portfolio.models / "scorecard" / "1")

        assert explain_loan(unscored, load, "scorecard/1", LAST, "L3")[1]["ltv"] == 9.0
        pq.write_table(pq.read_table(file).replace_schema_metadata(None), file)
        base, phi = explain_loan(Engine(unscored.portfolio), load, "scorecard/1", LAST, "L3")
        log_odds = table["log_odds"][table["loan"].to_pylist().index("L3")].as_py()
        assert base + phi.sum() == pytest.approx(log_odds, abs=1e-9)

    def test_a_damaged_file_is_named(self, unscored):
        score_portfolio(unscored, [entry(unscored)])
        path(unscored, LAST).write_bytes(b"not parquet at all")
        with pytest.raises(HypothecError, match=r"2021-12-31\.parquet: the scores cannot be read .* score again"):
            check_scores(unscored.portfolio, entry(unscored), LAST)

    def test_unknown_snapshot_model_and_loan_are_refused_with_a_way_on(self, unscored):
        with pytest.raises(HypothecError, match="no snapshot '2020-06-30'; it has 2019-12-31 to 2021-12-31"):
            check_scores(unscored.portfolio, entry(unscored), "2020-06-30")
        with pytest.raises(HypothecError, match=r"no model 'forest'; there are scorecard/1, second/1"):
            entry(unscored, "forest")
        with pytest.raises(HypothecError, match=r"no loan 'X9' .* 'toy' has none of that id in any snapshot"):
            load_loan(unscored, LAST, "X9")
        own = pd.read_parquet(unscored.portfolio.snapshot_file(FIRST))
        own[own["loan"] != "L7"].to_parquet(unscored.portfolio.snapshot_file(FIRST), index=False)
        with pytest.raises(HypothecError, match=r"in the snapshot 2019-12-31; it is in that of 2021-12-31"):
            load_loan(Engine(unscored.portfolio), FIRST, "L7")
