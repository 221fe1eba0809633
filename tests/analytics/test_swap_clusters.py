"""Swap sets of loans seen on several dates: no surer than the loans are many."""

import numpy as np
import pandas as pd

from analytics.swap_set import compute_swap_drivers, compute_swap_set

ROLES = {"champion": "old", "challenger": "new", "approval_rate": 0.8, "outcome": "default"}


def test_every_loan_twice_is_as_sure_as_once():
    """A design effect of 2 on twice the rows: the same effective number, so the same Jeffreys intervals."""
    random = np.random.default_rng(0)
    once = pd.DataFrame({"loan": np.arange(400), "old": random.random(400), "new": random.random(400)})
    once = once.assign(default=(random.random(400) < once["new"]).astype(int))
    twice = pd.concat([once, once], ignore_index=True).assign(row=np.arange(800))
    plain = compute_swap_set(once, tie=["loan"], **ROLES)
    clustered = compute_swap_set(twice, tie=["row"], loan="loan", **ROLES)
    blind = compute_swap_set(twice, tie=["row"], **ROLES)
    for name in ("cells", "totals"):
        a, b, c = (getattr(found, name) for found in (plain, clustered, blind))
        np.testing.assert_allclose(b[["rate", "rate_low", "rate_high"]], a[["rate", "rate_low", "rate_high"]])
        assert (c["rate_high"] - c["rate_low"] < b["rate_high"] - b["rate_low"]).all()


def test_a_side_of_zeros_only_has_the_same_zeros_as_the_other():
    """0 read as "no" on one side and as "0" on the other would be a difference that is none."""
    old = np.arange(1, 9) / 10
    frame = pd.DataFrame({"loan": range(8), "old": old, "new": np.roll(old, 4), "other": [0] * 7 + [5]})
    found = compute_swap_set(frame, champion="old", challenger="new", approval_rate=0.5, tie=["loan"])
    drivers = compute_swap_drivers(frame, found, numbers=["other"], categories=[])
    assert abs(drivers["difference"].iloc[0]) == 0.25  # one of the four swapped in has 5, none of the swapped out
