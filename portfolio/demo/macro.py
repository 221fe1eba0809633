"""The demo's economy by region and month: unemployment, house prices, mortgage and reference rates.

Country paths are piecewise linear through rounded anchors that resemble what happened (Eurostat and
ECB series, from memory of their shape): the long fall of unemployment, the shock of 2020, falling rates
until 2021, the rise of some three points in 2022-23 and a slight easing. Regions deviate from
their country by a level and a small autoregressive noise drawn from the seed.
"""

import datetime
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from portfolio.demo.arrays import FloatArray
from portfolio.demo.geography import COUNTRIES, COUNTRY_OF_REGION, REGION_NAMES, REGIONS

FIRST_YEAR = 2000
LAST_MONTH = 26 * 12 + 5  # 2026-06, counted in months from 2000-01
MONTHS = LAST_MONTH + 1

Anchors = tuple[tuple[float, float], ...]  # (decimal year, value)

# fmt: off
UNEMPLOYMENT: tuple[Anchors, ...] = (  # per cent
    ((2000, 3.7), (2003, 4.8), (2005, 5.9), (2008.5, 3.7), (2010, 5), (2012, 5.8), (2014.1, 7.4), (2016, 6.1),
     (2018, 4.2), (2020.15, 3.4), (2020.6, 5.3), (2021.5, 4.2), (2022.3, 3.4), (2023.5, 3.6), (2026.5, 3.8)),
    ((2000, 6.9), (2003, 8), (2005, 8.5), (2008, 7), (2010, 8.3), (2012, 7.5), (2014.5, 8.6), (2016, 7.9),
     (2018, 6.1), (2020.15, 5.2), (2020.7, 6.8), (2021.5, 6.3), (2022.5, 5.5), (2024, 5.6), (2026.5, 5.8)),
    ((2000, 10.4), (2003, 8.4), (2007, 6.1), (2010, 8.4), (2012, 10.5), (2014, 12.6), (2014.9, 13), (2016, 11.7),
     (2018, 10.7), (2020.15, 9.6), (2020.7, 10.8), (2021.5, 9.6), (2022.5, 8.1), (2023.5, 7.7), (2024.5, 6.8),
     (2026.5, 6.3)),
)
HOUSE_PRICES: tuple[Anchors, ...] = (  # middle of 2015 = 100
    ((2000, 70), (2004, 92), (2008.6, 117), (2013.5, 95), (2015.5, 100), (2018, 118), (2020, 135), (2022.6, 182),
     (2023.4, 172), (2024.5, 187), (2026.5, 211)),
    ((2000, 50), (2005, 75), (2008.5, 92), (2015.5, 100), (2020, 116), (2022.5, 138), (2023.5, 141), (2026.5, 155)),
    ((2000, 72), (2007.8, 122), (2011.5, 119), (2014, 103), (2015.5, 100), (2019, 98), (2022.5, 107), (2024, 110),
     (2026.5, 118)),
)
MORTGAGE_RATE: tuple[Anchors, ...] = (  # per cent, new loans fixed for ten years or more
    ((2000, 6), (2001, 6.2), (2003.5, 4.4), (2005.7, 3.9), (2008.7, 5.4), (2010.5, 4.6), (2012, 4.5),
     (2014, 3.6), (2015.3, 2.9), (2016.8, 2.5), (2018.5, 2.4), (2019.9, 2), (2021.7, 1.65), (2022.1, 1.75),
     (2022.5, 3), (2022.95, 4), (2023.8, 4.6), (2024.9, 3.9), (2026.5, 3.8)),
    ((2000, 6.2), (2003.5, 4.5), (2005.7, 3.7), (2008.7, 5), (2010.5, 4), (2012, 3.8), (2014, 3.4),
     (2015.3, 2.5), (2016.8, 2), (2018.5, 2.1), (2019.9, 1.65), (2021.7, 1.45), (2022.1, 1.6), (2022.5, 2.6),
     (2022.95, 3.5), (2023.8, 4.1), (2024.9, 3.3), (2026.5, 3.3)),
    ((2000, 6), (2003.5, 4.6), (2005.7, 4.1), (2008.7, 5.6), (2010.5, 4.4), (2012, 4.9), (2014, 4),
     (2015.3, 3), (2016.8, 2.2), (2018.5, 2.1), (2019.9, 1.55), (2021.7, 1.45), (2022.1, 1.6), (2022.5, 2.8),
     (2022.95, 3.9), (2023.8, 4.55), (2024.9, 3.5), (2026.5, 3.4)),
)
REFERENCE_RATE: Anchors = (  # per cent, three-month money, which variable-rate loans follow
    (2000, 3.5), (2000.9, 5), (2003.5, 2.1), (2005.7, 2.1), (2008.7, 5), (2009.5, 1), (2011.5, 1.5),
    (2012.9, 0.2), (2014.5, 0.2), (2016, -0.2), (2019, -0.3), (2022.35, -0.4), (2022.55, 0.1), (2022.95, 2.1),
    (2023.4, 3.3), (2023.8, 3.96), (2024.45, 3.75), (2025, 2.8), (2025.5, 2), (2026.5, 2.1))
WAGES: tuple[Anchors, ...] = (  # middle of 2015 = 1
    ((2000, 0.70), (2008.5, 0.88), (2015.5, 1.0), (2021.5, 1.14), (2022.5, 1.18), (2024.5, 1.32), (2026.5, 1.42)),
    ((2000, 0.70), (2008.5, 0.87), (2015.5, 1.0), (2021.5, 1.11), (2022.5, 1.19), (2024.5, 1.31), (2026.5, 1.37)),
    ((2000, 0.76), (2008.5, 0.92), (2015.5, 1.0), (2021.5, 1.06), (2022.5, 1.075), (2024.5, 1.14), (2026.5, 1.20)),
)
# fmt: on


@dataclass(frozen=True)
class Macro:
    """The economy as arrays: months from 2000-01 down, regions (or countries) across; shares, not per cent."""

    unemployment: FloatArray  # month × region
    house_prices: FloatArray  # month × region, country = 100 in mid-2015
    market_rate: FloatArray  # month × country
    reference_rate: FloatArray  # month
    wages: FloatArray  # month × country, mid-2015 = 1


def month_end(month: int) -> datetime.date:
    """Return the last day of month number `month` (0 is January 2000).

    >>> month_end(0), month_end(317)
    (datetime.date(2000, 1, 31), datetime.date(2026, 6, 30))
    """
    year, following = FIRST_YEAR + (month + 1) // 12, (month + 1) % 12 + 1
    return datetime.date(year, following, 1) - datetime.timedelta(days=1)


def month_number(year: int, month: int) -> int:
    """Return the number of a calendar month, 2000-01 being 0."""
    return (year - FIRST_YEAR) * 12 + month - 1


def make_macro(seed: int) -> Macro:
    """Return the economy of `seed`: the country paths, and regions that deviate from them."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))
    country = np.array(COUNTRY_OF_REGION)
    years = FIRST_YEAR + (np.arange(MONTHS) + 0.5) / 12
    multiple = np.array([region.unemployment for region in REGIONS])
    tilt = np.array([region.price_tilt for region in REGIONS])
    unemployment = _paths(UNEMPLOYMENT)[:, country] / 100 * multiple * np.exp(_noise(rng, 0.025))
    prices = _paths(HOUSE_PRICES)[:, country] * np.exp(tilt * (years - 2015.5)[:, None] + _noise(rng, 0.008))
    return Macro(
        unemployment=np.round(unemployment, 5),
        house_prices=np.round(prices, 3),
        market_rate=np.round(_paths(MORTGAGE_RATE) / 100, 5),
        reference_rate=np.round(_path(REFERENCE_RATE) / 100, 5),
        wages=_paths(WAGES),
    )


def _paths(anchors: tuple[Anchors, ...]) -> FloatArray:
    return np.column_stack([_path(item) for item in anchors])


def _path(anchors: Anchors) -> FloatArray:
    """Return the straight lines between anchors at the middle of each month."""
    years = FIRST_YEAR + (np.arange(MONTHS) + 0.5) / 12
    at, value = zip(*anchors, strict=True)
    return np.asarray(np.interp(years, at, value), dtype=np.float64)


def _noise(rng: np.random.Generator, deviation: float, persistence: float = 0.95) -> FloatArray:
    """Return a stationary AR(1) path a region with the given standard deviation."""
    shocks = rng.standard_normal((MONTHS, len(REGIONS)))
    path = np.empty_like(shocks)
    path[0] = shocks[0]
    for month in range(1, MONTHS):
        path[month] = persistence * path[month - 1] + np.sqrt(1 - persistence**2) * shocks[month]
    return deviation * path


def macro_table(macro: Macro) -> pa.Table:
    """Return the economy as rows (month end, country, region), from 2000-01: early loans need early prices."""
    regions = len(REGIONS)
    country = np.array(COUNTRY_OF_REGION)
    ends = np.array([month_end(month) for month in range(MONTHS)], dtype="datetime64[D]")
    return pa.table({
        "month": pa.array(np.repeat(ends, regions)),
        "country": [COUNTRIES[index] for index in COUNTRY_OF_REGION] * MONTHS,
        "region": list(REGION_NAMES) * MONTHS,
        "unemployment": macro.unemployment.ravel(),
        "house_price_index": macro.house_prices.ravel(),
        "market_rate": macro.market_rate[:, country].ravel(),
        "reference_rate": np.repeat(macro.reference_rate, regions),
    })  # fmt: skip
