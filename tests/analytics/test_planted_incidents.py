"""The demo's planted data faults, found on books with seeds on which nothing was calibrated."""

import json

import pandas as pd
import pytest

from analytics.anomalies import MONTHS_PER_ALARM, detect_anomalies
from analytics.incidents import merge_anomalies
from portfolio.demo.generate import generate_history
from portfolio.demo.schema import make_schema
from portfolio.monthly_profile import compute_profile

MONTHS = 72  # from July 2020: both faults lie within


@pytest.mark.parametrize(
    "seed", [31, pytest.param(32, marks=pytest.mark.slow), pytest.param(33, marks=pytest.mark.slow)]
)
def test_both_faults_are_found_with_few_false_alarms(tmp_path, seed):
    generate_history(tmp_path, loans=10_000, months=MONTHS, seed=seed)
    found = merge_anomalies(detect_anomalies(compute_profile(tmp_path, make_schema(MONTHS))))
    answers = {item["kind"]: item for item in json.loads((tmp_path / "answers.json").read_text())["incidents"]}
    told = {(row.table, row.field, row.segment, row.value, row.kind): row for row in found.itertuples()}
    unit = told.pop(("performance", "income", "region", "Campania", "unit"))
    assert unit.factor == pytest.approx(answers["unit_error"]["factor"])
    assert (unit.first, unit.last) == (pd.Timestamp("2023-02-28"), pd.Timestamp("2023-03-31"))
    lost = told.pop(("loans", "employment", "channel", "online", "missing"))
    # a month in which no loan was sold online shows no loss, so the ends may lie within
    assert lost.first >= pd.Timestamp(answers["field_lost"]["from"])
    assert lost.last <= pd.Timestamp(answers["field_lost"]["to"])
    assert lost.after == 1
    assert len(told) <= MONTHS / MONTHS_PER_ALARM, list(told)
