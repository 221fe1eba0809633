"""The demo's schema: complete, consistent, drawn like the three countries, split by time."""

import datetime
from pathlib import Path

import pandas as pd
import pytest

from portfolio.demo.geography import COUNTRIES, REGIONS, TILES
from portfolio.demo.schema import choose_splits, make_schema
from portfolio.schema import load_schema, save_schema


def test_it_survives_the_file(tmp_path: Path) -> None:
    schema = make_schema(150)
    save_schema(schema, tmp_path / "schema.toml")
    assert load_schema(tmp_path / "schema.toml") == schema


def test_it_says_synthetic_in_title_and_flag() -> None:
    schema = make_schema(150)
    assert schema.synthetic
    assert schema.title == "Demo: synthetic mortgage book"
    assert schema.horizon_months == 12


def test_protected_fields_and_region_are_no_features() -> None:
    schema = make_schema(150)
    assert schema.names("protected") == ["borrower_age", "gender", "nationality_group"]
    assert "region" in schema.names("segment")
    assert not {"region", *schema.names("protected")} & set(schema.names("feature"))
    assert {"country", "region", "rate_type", "occupancy", "channel"} == set(schema.names("segment"))


def test_every_field_is_explained() -> None:
    for field in make_schema(150).fields:
        assert field.label
        assert field.description.endswith(".")


def test_meanings_that_pages_look_for_are_there() -> None:
    schema = make_schema(150)
    for meaning, name in {"ltv": "current_ltv", "debt_service": "debt_service", "region": "region", "rate": "rate",
                          "country": "country", "days_past_due": "days_past_due", "income": "income",
                          "employment": "employment"}.items():  # fmt: skip
        found = schema.meaning(meaning)
        assert found is not None
        assert found.name == name


def test_regions_are_counted_as_on_the_map() -> None:
    counts = {country: sum(region.country == country for region in REGIONS) for country in COUNTRIES}
    assert counts == {"Netherlands": 12, "Belgium": 11, "Italy": 20}  # provinces; and Brussels; regions


def test_tiles_do_not_overlap_and_lie_like_the_countries() -> None:
    assert len(set(TILES.values())) == len(TILES) == len(REGIONS)
    place = {country: [region.tile for region in REGIONS if region.country == country] for country in COUNTRIES}
    # y grows downwards: the Netherlands above Belgium, Italy right of both
    assert max(y for _, y in place["Netherlands"]) < min(y for _, y in place["Belgium"])
    assert max(x for x, _ in place["Netherlands"] + place["Belgium"]) < min(x for x, _ in place["Italy"])
    assert TILES["Lombardy"][1] < TILES["Lazio"][1] < TILES["Sicily"][1]
    assert TILES["Groningen"][1] < TILES["Utrecht"][1] < TILES["North Brabant"][1]


def test_splits_of_the_full_history() -> None:
    splits = choose_splits(150)
    assert splits.development_until == datetime.date(2022, 12, 31)
    assert splits.out_of_time_from == datetime.date(2024, 3, 31)


@pytest.mark.parametrize("months", [42, 48, 60, 72, 100, 150, 240])
def test_outcomes_of_development_end_before_out_of_time_begins(months: int) -> None:
    splits = choose_splits(months)
    assert splits.development_until is not None
    assert splits.out_of_time_from is not None
    assert splits.development_until.replace(year=splits.development_until.year + 1) < splits.out_of_time_from
    assert splits.out_of_time_from <= datetime.date(2025, 6, 30)  # the last date with a mature label
    first_snapshot = pd.Period("2026-06", "M") - (months - 1) + 11  # the twelfth month of the history
    assert pd.Period(splits.development_until, "M") >= first_snapshot
