"""The schema of a history that an adapter brings: words, units and roles for every column the format has."""

import datetime
from dataclasses import replace
from pathlib import Path

import duckdb

from portfolio.schema import Field, Kind, Role, Schema, Splits
from portfolio.snapshots import HORIZON, available_features, quarter_ends
from portfolio.sources.cells import quote

OUT_OF_TIME_QUARTERS = 6
EMBARGO_QUARTERS = 5  # from the last development date to the first out-of-time date
CATEGORIES = 500  # with more different values a category is a name: no feature, no segment
SEGMENTS = ("country", "region", "channel", "occupancy", "rate_type")


def _number(
    name: str, label: str, description: str, unit: str = "", sign: int = 0, group: str = "", meaning: str = "",
    minimum: float | None = None, roles: tuple[Role, ...] = ("feature",),
) -> Field:  # fmt: skip
    return Field(name, label, "number", roles, description, unit, (), sign, group, meaning, minimum)


def _category(
    name: str, label: str, description: str, group: str = "", meaning: str = "", roles: tuple[Role, ...] = ("feature",)
) -> Field:
    return Field(name, label, "category", roles, description, "", (), 0, group, meaning)


KEYS = (
    Field("loan_id", "Loan", "category", ("id",), "The loan's number."),
    Field("borrower_id", "Borrower", "category", ("ignore",), "The first borrower's number.", meaning="borrower"),
    Field("default_12m", "Default within 12 months", "number", ("target",),
          "1 if the loan is 90 days past due or worse in any of the 12 months after the observation date, 0 if not; "
          "unknown until 12 months have passed.", meaning="default"),
    Field("origination_date", "Granted on", "date", ("ignore",), "The day or month in which the loan was granted.",
          meaning="origination_date"),
    Field("maturity_date", "Matures on", "date", ("ignore",), "When the loan is to be repaid.",
          meaning="maturity_date"),
)  # fmt: skip
NUMBERS = (
    _number("balance", "Balance", "What the borrower owes at the observation date: the exposure.", "money", 0, "size",
            "exposure", 0, ("exposure", "feature")),
    _number("original_balance", "Amount granted", "The amount of the loan when it was granted.", "money", 0, "size",
            "original_balance", 0),
    _number("income", "Income", "The borrowers' yearly income.", "money", -1, "affordability", "income", 0),
    _number("debt_service", "Debt service", "Twelve monthly payments as a share of yearly income.", "share", 1,
            "affordability", "debt_service", 0),
    _number("loan_to_income", "Loan-to-income", "Balance as a multiple of yearly income.", "×", 0, "affordability",
            "lti", 0),
    _number("debt_to_income", "Debt-to-income", "Monthly debts as a share of income when the loan was granted.",
            "share", 1, "affordability", "debt_to_income", 0),
    _number("current_ltv", "Current loan-to-value", "Balance as a share of the property's value now.", "share", 1,
            "equity", "ltv", 0),
    _number("original_ltv", "Original loan-to-value", "Amount granted as a share of the property's value then.",
            "share", 1, "equity", "original_ltv", 0),
    _number("original_cltv", "Original combined loan-to-value",
            "All loans on the property as a share of its value when this one was granted.", "share", 1, "equity",
            "original_cltv", 0),
    _number("property_value", "Property value", "The property's value when the loan was granted.", "money", 0,
            "equity", "property_value", 0),
    _number("mi_share", "Mortgage insurance", "Share of the loan that mortgage insurance covers.", "share", 0,
            "equity", "mortgage_insurance", 0),
    _number("credit_score", "Credit score", "The borrower's credit score when the loan was granted.", "points", -1,
            "borrower", "credit_score", 0),
    _number("vantage_score", "VantageScore", "The borrower's VantageScore when the loan was granted.", "points", -1,
            "borrower", "", 0),
    _number("borrowers", "Borrowers", "How many people owe the loan.", "", -1, "borrower", "borrowers", 0),
    _number("units", "Units", "How many dwellings the property has.", "", 0, "property", "units", 0),
    _number("rate", "Interest rate", "The loan's yearly interest rate.", "share", 1, "rate", "rate"),
    _number("original_rate", "Original rate", "The yearly interest rate when the loan was granted.", "share", 1,
            "rate", "original_rate"),
    _number("rate_incentive", "Rate incentive", "The loan's rate less the market rate of new loans.", "share", 0,
            "rate", "rate_incentive"),
    _number("payment_change_12m", "Payment change, 12 months",
            "This month's payment over that of twelve months ago, less one.", "share", 1, "rate", "payment_change"),
    _number("term_months", "Term", "The loan's term when it was granted.", "months", 0, "age", "term", 0),
    _number("months_on_book", "Months on book", "Months since the loan was granted.", "months", 0, "age",
            "months_on_book"),
    _number("remaining_months", "Months remaining", "Months until the loan matures.", "months", 0, "age",
            "remaining_months"),
    _number("unemployment", "Unemployment", "The region's unemployment rate in the month.", "share", 1, "economy",
            "unemployment", 0),
    _number("unemployment_change_12m", "Unemployment change, 12 months",
            "The region's unemployment rate less that of twelve months ago.", "share", 1, "economy",
            "unemployment_change"),
    _number("house_price_growth_12m", "House-price growth, 12 months",
            "Growth of the region's house-price index over twelve months.", "share", -1, "economy",
            "house_price_growth"),
    _number("days_past_due", "Days past due", "Days past due at the observation date.", "days", 1, "arrears",
            "days_past_due", 0),
    _number("worst_arrears_12m", "Worst arrears, 12 months",
            "The most days past due in the twelve months up to the observation date.", "days", 1, "arrears",
            "worst_arrears", 0),
    _number("months_in_arrears_12m", "Months in arrears, 12 months",
            "Months at 30 days past due or more in the twelve months up to the observation date.", "months", 1,
            "arrears", "months_in_arrears", 0),
    _number("borrower_age", "Borrower's age", "The first borrower's age when the loan was granted.", "years", 0,
            "borrower", "age", 0, ("protected",)),
)  # fmt: skip
WORDS = (
    _category("country", "Country", "Where the property is.", "place", "country"),
    _category("region", "Region", "The state, province or NUTS 2 region of the property.", "place", "region",
              ("segment",)),
    _category("channel", "Channel", "Through which channel the loan was sold.", "origination", "channel"),
    _category("occupancy", "Occupancy", "Whether the owner lives in the property.", "property", "occupancy"),
    _category("rate_type", "Rate type", "Fixed or variable rate.", "rate", "rate_type"),
    _category("property_type", "Property type", "The kind of property.", "property", "property_type"),
    _category("purpose", "Purpose", "What the loan is for.", "origination", "purpose"),
    _category("energy_label", "Energy label", "The property's energy label, A best.", "property", "energy_label"),
    _category("guarantee", "Guarantee", "Who guarantees the loan.", "equity", "guarantee"),
    _category("employment", "Employment", "The first borrower's work when the loan was granted.", "borrower",
              "employment"),
    _category("first_time_buyer", "First-time buyer", "Whether this was the borrower's first property.", "borrower",
              "first_time_buyer"),
    _category("amortisation", "Amortisation", "How the loan is repaid.", "rate", "amortisation"),
    _category("interest_only", "Interest only", "Whether only interest is paid at first.", "rate", "interest_only"),
    _category("seller", "Seller", "Who granted or sold the loan.", "origination", "", ("ignore",)),
    _category("pool", "Pool", "The securitised pool that the loan was reported in.", "origination", "", ("ignore",)),
    _category("gender", "Gender", "The first borrower's gender.", "borrower", "gender", ("protected",)),
    _category("nationality_group", "Nationality", "The first borrower's nationality group.", "borrower", "nationality",
              ("protected",)),
    _category("race", "Race", "The first borrower's race as reported.", "borrower", "race", ("protected",)),
)  # fmt: skip
CATALOGUE = {item.name: item for item in (*KEYS, *NUMBERS, *WORDS)}


def make_schema(folder: Path, first: datetime.date, last: datetime.date, *, title: str, currency: str) -> Schema:
    """Return the schema of the history in `folder`: the known columns that it has, the others as delivered.

    `first` and `last` are its first and last month.
    """
    return Schema(title, "history", tuple(_list_fields(folder, currency)), currency=currency, horizon_months=HORIZON,
                  splits=choose_splits(first, last))  # fmt: skip


def choose_splits(first: datetime.date, last: datetime.date) -> Splits:
    """Return the splits: at most the last six mature quarters out-of-time, before them an embargo of over a year.

    A history that leaves no quarter before the embargo has no out-of-time sample.

    >>> choose_splits(datetime.date(2014, 1, 31), datetime.date(2026, 6, 30)).out_of_time_from
    datetime.date(2024, 3, 31)
    """
    last_mature = datetime.date(last.year - 1, last.month, 28)
    quarters = [day for day in quarter_ends(first, last) if day.replace(day=28) <= last_mature]
    if not quarters:
        return Splits()
    ahead = min(OUT_OF_TIME_QUARTERS, (len(quarters) - EMBARGO_QUARTERS) // 2)
    if ahead < 1:
        return Splits(quarters[-1], None)
    return Splits(quarters[-ahead - EMBARGO_QUARTERS], quarters[-ahead])


def _list_fields(folder: Path, currency: str) -> list[Field]:
    with duckdb.connect() as connection:
        loans = _columns(connection, folder / "loans.parquet")
        present = _with_values(connection, folder / "loans.parquet", loans)
        months = folder / "performance" / "*" / "*.parquet"
        monthly = _with_values(connection, months, _columns(connection, months))
        known = {"default_12m", *present, *monthly, *available_features(folder)}
        skipped = {"month", "status", "event", "payment", "prepaid_amount", "recovered_share", "loss", "curtailment"}
        fields = [item for name, item in CATALOGUE.items() if name in known]
        fields += [_unknown(name, kind) for name, kind in present.items() if name not in CATALOGUE]
        fields += [_unknown(name, kind) for name, kind in monthly.items() if name not in {*CATALOGUE, *skipped, *loans}]
        return [_complete(connection, folder, item, currency, item.name in present) for item in fields]


def _columns(connection: duckdb.DuckDBPyConnection, file: Path) -> dict[str, str]:
    rows = connection.execute(f"DESCRIBE SELECT * FROM read_parquet({quote(str(file))}, hive_partitioning=false)")  # noqa: S608
    return {str(row[0]): str(row[1]) for row in rows.fetchall()}


def _with_values(connection: duckdb.DuckDBPyConnection, file: Path, columns: dict[str, str]) -> dict[str, str]:
    """Return the columns that hold a value in at least one row, as the files' own statistics say."""
    rows = connection.execute(
        "SELECT path_in_schema FROM parquet_metadata(?) GROUP BY path_in_schema "
        "HAVING sum(num_values) > sum(coalesce(stats_null_count, 0))",
        [str(file)],
    ).fetchall()
    found = {str(row[0]) for row in rows}
    return {name: kind for name, kind in columns.items() if name in found}


def _unknown(name: str, kind: str) -> Field:
    """Return the field of a column that the catalogue does not know: kept, shown, not learnt from."""
    said: Kind = "date" if kind == "DATE" else "category" if kind == "VARCHAR" else "number"
    return Field(name, name.replace("_", " ").capitalize(), said, ("ignore",), "As delivered.")


def _complete(connection: duckdb.DuckDBPyConnection, folder: Path, item: Field, currency: str, in_loans: bool) -> Field:
    """Add the currency to money, and to a category its values and, where pages may filter by it, the segment role."""
    if item.unit == "money":
        return replace(item, unit=currency)
    if item.kind != "category" or "id" in item.roles or item.name == "borrower_id" or not in_loans:
        return item
    file = quote(str(folder / "loans.parquet"))
    rows = connection.execute(
        f'SELECT "{item.name}" AS v, count(*) AS n FROM read_parquet({file}) WHERE v IS NOT NULL '  # noqa: S608
        f"GROUP BY v ORDER BY v LIMIT {CATEGORIES + 1}"
    ).fetchall()
    if len(rows) > CATEGORIES:
        return replace(item, roles=("ignore",))
    roles = item.roles
    if item.name in SEGMENTS and "segment" not in roles:
        roles = ("segment", *roles)
    return replace(item, categories=tuple(str(row[0]) for row in rows), roles=roles)
