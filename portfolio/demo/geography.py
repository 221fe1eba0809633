"""The demo's three countries and their regions: how big, where on the tile map, how much out of work."""

from dataclasses import dataclass

NETHERLANDS, BELGIUM, ITALY = "Netherlands", "Belgium", "Italy"
COUNTRIES: tuple[str, ...] = (NETHERLANDS, BELGIUM, ITALY)
COUNTRY_SHARES: tuple[float, ...] = (0.40, 0.25, 0.35)


@dataclass(frozen=True)
class Region:
    """One region of the demo.

    `weight` is its share of the country's loans (weights of a country need not add up to 1), `tile` its
    place on the tile map (column from the left, row from the top), `unemployment` its rate as a multiple
    of the country's, `price_tilt` its house-price growth a year above the country's and `price_level`
    its prices and incomes as a multiple of the country's.
    """

    name: str
    country: str
    weight: float
    tile: tuple[int, int]
    unemployment: float
    price_tilt: float = 0.0
    price_level: float = 1.0


# Weights follow the populations, multiples of unemployment the ranking known from Eurostat's regional
# statistics (rounded); they give the demo its shape and are not estimates of anything.
REGIONS: tuple[Region, ...] = (
    Region("Groningen", NETHERLANDS, 3.4, (3, 0), 1.20, -0.004, 0.88),
    Region("Friesland", NETHERLANDS, 3.7, (2, 0), 1.05, -0.003, 0.89),
    Region("Drenthe", NETHERLANDS, 2.8, (3, 1), 1.02, -0.004, 0.89),
    Region("Overijssel", NETHERLANDS, 6.6, (3, 2), 0.95, -0.001, 0.95),
    Region("Flevoland", NETHERLANDS, 2.6, (2, 1), 1.15, 0.004, 0.97),
    Region("Gelderland", NETHERLANDS, 12.0, (2, 2), 0.90, 0.000, 1.00),
    Region("Utrecht", NETHERLANDS, 7.9, (1, 2), 0.90, 0.004, 1.10),
    Region("North Holland", NETHERLANDS, 16.5, (1, 1), 1.02, 0.007, 1.12),
    Region("South Holland", NETHERLANDS, 21.0, (0, 2), 1.15, 0.002, 1.02),
    Region("Zeeland", NETHERLANDS, 2.3, (0, 3), 0.80, -0.003, 0.90),
    Region("North Brabant", NETHERLANDS, 15.0, (1, 3), 0.88, 0.000, 1.00),
    Region("Limburg (NL)", NETHERLANDS, 6.2, (2, 3), 1.00, -0.004, 0.91),
    Region("West Flanders", BELGIUM, 10.5, (0, 5), 0.50, 0.000, 0.96),
    Region("East Flanders", BELGIUM, 13.5, (1, 5), 0.60, 0.002, 1.02),
    Region("Antwerp", BELGIUM, 16.5, (2, 5), 0.85, 0.002, 1.03),
    Region("Limburg (BE)", BELGIUM, 7.7, (3, 5), 0.75, -0.001, 0.95),
    Region("Brussels", BELGIUM, 10.0, (1, 6), 2.30, 0.003, 1.10),
    Region("Flemish Brabant", BELGIUM, 10.2, (2, 6), 0.60, 0.002, 1.12),
    Region("Hainaut", BELGIUM, 11.5, (0, 6), 1.65, -0.006, 0.84),
    Region("Walloon Brabant", BELGIUM, 3.6, (1, 7), 0.95, 0.001, 1.15),
    Region("Namur", BELGIUM, 4.4, (2, 7), 1.20, -0.003, 0.92),
    Region("Liège", BELGIUM, 9.6, (3, 6), 1.50, -0.004, 0.88),
    Region("Luxembourg (BE)", BELGIUM, 2.5, (3, 7), 0.85, 0.000, 0.96),
    Region("Aosta Valley", ITALY, 0.3, (6, 0), 0.60, -0.002, 1.05),
    Region("Piedmont", ITALY, 7.8, (6, 1), 0.80, -0.004, 0.95),
    Region("Liguria", ITALY, 2.9, (6, 2), 0.85, -0.010, 1.02),
    Region("Lombardy", ITALY, 19.5, (7, 1), 0.62, 0.006, 1.16),
    Region("Trentino-Alto Adige", ITALY, 2.1, (8, 0), 0.42, 0.008, 1.15),
    Region("Veneto", ITALY, 9.0, (8, 1), 0.58, 0.002, 1.03),
    Region("Friuli-Venezia Giulia", ITALY, 2.2, (9, 0), 0.64, 0.000, 0.98),
    Region("Emilia-Romagna", ITALY, 8.6, (7, 2), 0.60, 0.003, 1.08),
    Region("Tuscany", ITALY, 7.0, (7, 3), 0.78, 0.000, 1.02),
    Region("Umbria", ITALY, 1.5, (8, 3), 0.86, -0.008, 0.90),
    Region("Marche", ITALY, 2.4, (9, 3), 0.80, -0.008, 0.92),
    Region("Lazio", ITALY, 11.5, (8, 4), 0.98, -0.003, 1.08),
    Region("Abruzzo", ITALY, 1.9, (9, 4), 1.00, -0.007, 0.86),
    Region("Molise", ITALY, 0.4, (10, 5), 1.18, -0.010, 0.78),
    Region("Campania", ITALY, 7.2, (9, 5), 1.80, -0.002, 0.86),
    Region("Apulia", ITALY, 5.4, (11, 6), 1.50, -0.004, 0.82),
    Region("Basilicata", ITALY, 0.6, (10, 6), 1.15, -0.008, 0.76),
    Region("Calabria", ITALY, 1.8, (10, 7), 1.85, -0.010, 0.74),
    Region("Sicily", ITALY, 5.6, (9, 8), 1.80, -0.007, 0.78),
    Region("Sardinia", ITALY, 2.3, (6, 5), 1.45, -0.002, 0.85),
)
REGION_NAMES: tuple[str, ...] = tuple(region.name for region in REGIONS)
TILES: dict[str, tuple[int, int]] = {region.name: region.tile for region in REGIONS}
COUNTRY_OF_REGION: tuple[int, ...] = tuple(COUNTRIES.index(region.country) for region in REGIONS)


def regions_of(country: int) -> list[int]:
    """Return the indices in `REGIONS` of the regions of country number `country`."""
    return [index for index, owner in enumerate(COUNTRY_OF_REGION) if owner == country]
