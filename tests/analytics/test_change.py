import pandas as pd
import pytest

from analytics.change import describe_change


def frame(values, start="2026-01-01"):
    return pd.DataFrame({"month": pd.date_range(start, periods=len(values), freq="MS"), "arrears": values})


def say(values, **options):
    return describe_change(frame(values), value="arrears", noun="arrears", **options)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ([0.010, 0.009, 0.0095, 0.010, 0.011], "Arrears rose for the third month to 1.1 %"),
        ([0.010, 0.009], "Arrears fell to 0.90 %"),
        ([0.010, 0.012, 0.011], "Arrears fell to 1.1 %"),
        ([0.011, 0.01101], "Arrears unchanged at 1.1 %"),
        ([0.0101], "Arrears stood at 1.0 % in January 2026"),
        ([0.011, None, 0.012, None], "Arrears rose to 1.2 %"),
        ([], "Arrears: nothing to show"),
        ([k / 100 for k in range(1, 14)], "Arrears rose for 12 months to 13.0 %"),
    ],
)
def test_sentences(values, sentence):
    assert say(values) == sentence


def test_the_order_of_rows_does_not_matter():
    mixed = frame([0.010, 0.009, 0.0095]).sample(frac=1, random_state=1)
    assert describe_change(mixed, value="arrears", noun="arrears") == "Arrears rose to 0.95 %"


def test_units_and_periods():
    sentence = describe_change(
        frame([1e9, 1.1e9, 1.2e9]), value="arrears", noun="exposure", unit="EUR", period="quarter"
    )
    assert sentence == "Exposure rose for the second quarter to €1.20bn"


def test_the_part_that_moved_most_is_named_unless_small():
    months = pd.date_range("2026-01-01", periods=2, freq="MS")
    parts = pd.DataFrame(
        [
            (region, when, value, small)
            for region, before, after, small in [
                ("Lazio", 0.010, 0.011, False),
                ("Campania", 0.020, 0.025, False),
                ("Molise", 0.0, 0.5, True),
                ("Sicily", 0.030, 0.010, False),
            ]
            for when, value in zip(months, (before, after), strict=True)
        ],
        columns=["region", "month", "arrears", "small"],
    )
    assert say([0.010, 0.012], parts=parts).endswith("to 1.2 %, most in Campania")
    assert say([0.012, 0.010], parts=parts).endswith("to 1.0 %, most in Sicily")
    assert say([0.012, 0.010], parts=parts[parts["region"] == "Lazio"]).endswith("to 1.0 %")  # none fell: none named
