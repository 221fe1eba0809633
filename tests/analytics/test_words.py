import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.words import (
    format_interval,
    format_money,
    format_number,
    format_pd_business,
    format_share,
    format_value,
)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0, "share", "0 %"),
        (1.0, "share", "100 %"),
        (0.01, "share", "1.0 %"),
        (0.0101, "share", "1.0 %"),
        (0.00004, "share", "0.0040 %"),
        (-0.05, "share", "−5.0 %"),
        (999_499, "EUR", "€999k"),
        (1_000_000, "EUR", "€1.00m"),
        (999_999_999, "EUR", "€1.00bn"),
        (12_345, "EUR", "€12.3k"),
        (0, "EUR", "€0"),
        (-1500, "GBP", "−£1.50k"),
        (12, "months", "12 months"),
        (1, "months", "1 month"),
        (4.25, "%", "4.2 %"),
        (3, "", "3"),
        (np.int64(70_000), "", "70,000"),
        (np.float64("nan"), "share", "not known"),
        (float("inf"), "", "not known"),
        (None, "EUR", "not known"),
        (pd.NA, "", "not known"),
        (pd.NaT, "", "not known"),
        (pd.Timestamp("2026-06-30"), "", "2026-06-30"),
        (datetime.date(2026, 6, 30), "", "2026-06-30"),
        ("fixed", "share", "fixed"),
    ],
)
def test_values(value, unit, text):
    assert format_value(value, unit) == text


def test_a_rounded_zero_has_no_sign():
    assert format_number(-0.0001, 2) == "0.00"


@given(st.floats(1e-6, 1))
def test_shares_are_within_half_a_digit(value):
    shown = float(format_share(value).removesuffix(" %").replace(",", "")) / 100
    assert shown == pytest.approx(value, rel=0.051)


@given(st.floats(0, 1))
def test_business_words_are_near_the_pd(pd_):
    words = format_pd_business(pd_)
    if words.startswith(("fewer", "more")):
        assert pd_ <= 0.5e-4 or pd_ >= 0.995
    else:
        part, whole = words.split(" of ")
        crowd = int(whole.split()[0].replace(",", ""))
        assert abs(int(part.replace(",", "")) / crowd - pd_) <= 0.5 / crowd + 1e-12
        assert int(part.replace(",", "")) >= 1


@given(st.floats(0, 1e12))
def test_money_is_within_half_a_percent(value):
    text = format_money(value).removeprefix("€")
    scale = next((k for name, k in (("bn", 1e9), ("m", 1e6), ("k", 1e3)) if text.endswith(name)), 1)
    shown = float(text.rstrip("bnmk").replace(",", "")) * scale
    assert shown == pytest.approx(value, rel=0.0051, abs=0.5)


def test_intervals_keep_one_number_of_digits():
    assert format_interval(0.0, 0.292) == "[0.00, 0.29]"
    assert format_interval(-0.5, 0.25, digits=1) == "[−0.5, 0.2]"
    assert format_interval(float("nan"), 1) == "[not known]"
