"""What the demo's columns mean: the schema of the synthetic book."""

from portfolio.demo.book import CHANNELS, ENERGY_LABELS, GUARANTEES, OCCUPANCIES, PROPERTY_TYPES, RATE_TYPES, YES_NO
from portfolio.demo.borrowers import EMPLOYMENT, GENDERS, NATIONALITIES
from portfolio.demo.geography import COUNTRIES, REGION_NAMES, TILES
from portfolio.demo.macro import LAST_MONTH, month_end
from portfolio.schema import Actionable, Field, Role, Schema, Splits
from portfolio.snapshots import HORIZON

TITLE = "Demo: synthetic mortgage book"
OUT_OF_TIME_QUARTERS = 6
EMBARGO_QUARTERS = 5  # from the last development date to the first out-of-time date


def make_schema(months: int) -> Schema:
    """Return the schema of a demo whose history has `months` months."""
    fields = (*_keys(), *_money(), *_rates(), *_terms(), *_people(), *_economy(), *_behaviour(), *_documents())
    return Schema(
        title=TITLE,
        kind="history",
        fields=fields,
        event="default",
        within="within 12 months",
        subject="loan",
        currency="EUR",
        synthetic=True,
        horizon_months=HORIZON,
        splits=choose_splits(months),
        tiles=dict(TILES),
    )


def choose_splits(months: int) -> Splits:
    """Return the splits: the last mature quarters out-of-time, before them an embargo of over a year.

    With 150 months development ends at 2022-12-31 and out-of-time starts at 2024-03-31; a shorter
    history gives half of the quarters that the embargo leaves to out-of-time.
    """
    first = LAST_MONTH - months + HORIZON  # the first month end with twelve months of history
    quarters = [month for month in range(first, LAST_MONTH - HORIZON + 1) if month % 3 == 2]
    last = max(1, min(OUT_OF_TIME_QUARTERS, (len(quarters) - EMBARGO_QUARTERS) // 2))
    out_of_time = quarters[-last]
    return Splits(month_end(out_of_time - 3 * EMBARGO_QUARTERS), month_end(out_of_time))


def _number(
    name: str, label: str, description: str, *, unit: str = "", sign: int = 0, group: str = "", meaning: str = "",
    minimum: float | None = None, maximum: float | None = None, roles: tuple[Role, ...] = ("feature",),
    actionable: Actionable = "",
) -> Field:  # fmt: skip
    return Field(name, label, "number", roles, description, unit, (), sign, group, meaning, minimum, maximum,
                 actionable=actionable)  # fmt: skip


def _category(
    name: str, label: str, description: str, categories: tuple[str, ...], *, roles: tuple[Role, ...] = ("feature",),
    group: str = "", meaning: str = "", actionable: Actionable = "",
) -> Field:  # fmt: skip
    return Field(name, label, "category", roles, description, "", categories, 0, group, meaning,
                 actionable=actionable)  # fmt: skip


def _keys() -> tuple[Field, ...]:
    return (
        Field("loan_id", "Loan", "category", ("id",), "The loan's number."),
        Field(
            "borrower_id", "Borrower", "category", ("ignore",), "The borrower's number; some have two loans.",
            meaning="borrower",
        ),
        Field(
            "default_12m", "Default within 12 months", "number", ("target",),
            "1 if the loan is 90 days past due or worse in any of the 12 months after the observation date, "
            "0 if not; unknown until 12 months have passed.", meaning="default",
        ),
        Field("origination_date", "Granted on", "date", ("ignore",), "The day the loan was granted.",
              meaning="origination_date"),
        Field("maturity_date", "Matures on", "date", ("ignore",), "The month end by which the loan is repaid.",
              meaning="maturity_date"),
    )  # fmt: skip


def _money() -> tuple[Field, ...]:
    return (
        _number("balance", "Balance", "What the borrower owes at the observation date: the exposure.", unit="EUR",
                roles=("exposure", "feature"), group="size", meaning="exposure", minimum=0, actionable="down"),
        _number("income", "Income", "The borrowers' gross yearly income as last reported.", unit="EUR", sign=-1,
                group="affordability", meaning="income", minimum=0, actionable="up"),
        _number("debt_service", "Debt service", "Twelve monthly payments as a share of reported yearly income.",
                unit="share", sign=1, group="affordability", meaning="debt_service", minimum=0, actionable="down"),
        _number("loan_to_income", "Loan-to-income", "Balance as a multiple of reported yearly income.", unit="×",
                group="affordability", meaning="lti", minimum=0),
        _number("current_ltv", "Current loan-to-value",
                "Balance as a share of the property's value, indexed from origination by regional house prices.",
                unit="share", sign=1, group="equity", meaning="ltv", minimum=0, actionable="no"),
        _number("original_ltv", "Original loan-to-value", "Amount granted as a share of the property's value then.",
                unit="share", sign=1, group="equity", meaning="original_ltv", minimum=0, maximum=1.2),
    )  # fmt: skip


def _rates() -> tuple[Field, ...]:
    return (
        _number("rate", "Interest rate", "The loan's yearly interest rate.", unit="share", sign=1, group="rate",
                meaning="rate", minimum=0, actionable="down"),
        _number("rate_incentive", "Rate incentive",
                "The loan's rate less the market rate of new fixed-rate loans in its country.", unit="share",
                group="rate", meaning="rate_incentive"),
        _category("rate_type", "Rate type", "Fixed for a period, or variable with the money market.", RATE_TYPES,
                  roles=("segment", "feature"), group="rate", meaning="rate_type", actionable="any"),
        _number("payment_change_12m", "Payment change, 12 months",
                "This month's payment over that of twelve months ago, less one; missing in a loan's first year.",
                unit="share", sign=1, group="rate", meaning="payment_change"),
    )  # fmt: skip


def _terms() -> tuple[Field, ...]:
    return (
        _number("months_on_book", "Months on book", "Months since the loan was granted.", unit="months", group="age",
                meaning="months_on_book", minimum=0),
        _number("remaining_months", "Months remaining", "Months until the loan matures.", unit="months", group="age",
                meaning="remaining_months", actionable="up"),
        _category("country", "Country", "Where the property is.", COUNTRIES, roles=("segment", "feature"),
                  group="place", meaning="country"),
        _category("region", "Region", "The province or region of the property.", REGION_NAMES, roles=("segment",),
                  group="place", meaning="region"),
        _category("channel", "Channel", "Through which channel the loan was sold.", CHANNELS,
                  roles=("segment", "feature"), group="origination", meaning="channel"),
        _category("occupancy", "Occupancy", "Whether the owner lives in the property or lets it.", OCCUPANCIES,
                  roles=("segment", "feature"), group="property", meaning="occupancy"),
        _category("property_type", "Property type", "House, apartment or other.", PROPERTY_TYPES, group="property",
                  meaning="property_type"),
        _category("energy_label", "Energy label", "The property's energy label, A best; unknown for some.",
                  ENERGY_LABELS, group="property", meaning="energy_label", actionable="any"),
        _category("guarantee", "Guarantee", "Whether the Dutch mortgage guarantee NHG covers the loan.", GUARANTEES,
                  group="equity", meaning="guarantee"),
    )  # fmt: skip


def _people() -> tuple[Field, ...]:
    return (
        _category("employment", "Employment", "The first borrower's work when the loan was granted.", EMPLOYMENT,
                  group="borrower", meaning="employment"),
        _category("first_time_buyer", "First-time buyer", "Whether this was the borrower's first property.", YES_NO,
                  group="borrower", meaning="first_time_buyer"),
        _number("borrower_age", "Borrower's age", "The first borrower's age when the loan was granted.", unit="years",
                roles=("protected",), group="borrower", meaning="age", minimum=0),
        _category("gender", "Gender", "The first borrower's gender.", GENDERS, roles=("protected",), group="borrower",
                  meaning="gender"),
        _category("nationality_group", "Nationality", "The first borrower's nationality, in three groups.",
                  NATIONALITIES, roles=("protected",), group="borrower", meaning="nationality"),
    )  # fmt: skip


def _economy() -> tuple[Field, ...]:
    return (
        _number("unemployment", "Unemployment", "The region's unemployment rate in the month.", unit="share", sign=1,
                group="economy", meaning="unemployment", minimum=0, maximum=1),
        _number("unemployment_change_12m", "Unemployment change, 12 months",
                "The region's unemployment rate less that of twelve months ago.", unit="share", sign=1,
                group="economy", meaning="unemployment_change"),
        _number("house_price_growth_12m", "House-price growth, 12 months",
                "Growth of the region's house-price index over twelve months.", unit="share", sign=-1, group="economy",
                meaning="house_price_growth"),
    )  # fmt: skip


def _behaviour() -> tuple[Field, ...]:
    return (
        _number("days_past_due", "Days past due", "Days past due at the observation date: 0, 30 or 60.", unit="days",
                sign=1, group="arrears", meaning="days_past_due", minimum=0, actionable="down"),
        _number("worst_arrears_12m", "Worst arrears, 12 months",
                "The most days past due in the twelve months up to the observation date.", unit="days", sign=1,
                group="arrears", meaning="worst_arrears", minimum=0),
        _number("months_in_arrears_12m", "Months in arrears, 12 months",
                "Months at 30 days past due or more in the twelve months up to the observation date.", unit="months",
                sign=1, group="arrears", meaning="months_in_arrears", minimum=0, maximum=12),
    )  # fmt: skip


def _from_documents(
    name: str, label: str, description: str, path: str, reduce: str, *, unit: str = "", sign: int = 0,
    group: str = "", window_months: int = 0, roles: tuple[Role, ...] = ("feature",), maximum: float | None = None,
) -> Field:  # fmt: skip
    return Field(name, label, "number", roles, description, unit, (), sign, group, "", 0, maximum, path, reduce,
                 window_months=window_months)  # fmt: skip


def _documents() -> tuple[Field, ...]:
    return (
        _from_documents("applicants", "Applicants", "How many people applied for the loan.",
                        "application.applicants[*]", "count", group="borrower"),
        _from_documents("verified_income_share", "Verified income",
                        "The share of the income in the application that was verified.",
                        "application.applicants[*].incomes[verified=true].amount", "share", unit="share", sign=-1,
                        group="affordability", maximum=1),
        _from_documents("self_employed_income_share", "Income from self-employment",
                        "The share of the income in the application that comes from self-employment.",
                        "application.applicants[*].incomes[type=self-employment].amount", "share", unit="share",
                        group="borrower", maximum=1),
        _from_documents("other_debts_monthly", "Payments on other debts",
                        "What the applicants paid a month on other debts when they applied.",
                        "application.debts[*].monthly", "sum", unit="EUR", roles=("ignore",), group="affordability"),
        _from_documents("last_valuation", "Last valuation", "The property's value by its latest valuation.",
                        "valuation.value", "last", unit="EUR", roles=("ignore",), group="equity"),
        _from_documents("months_since_valuation", "Months since valuation",
                        "Months from the property's latest valuation to the observation date.", "valuation",
                        "months_since", unit="months", group="equity"),
        _from_documents("contacts_12m", "Contacts, 12 months",
                        "Contacts with the borrower in the twelve months up to the observation date.", "contact",
                        "count", sign=1, group="arrears", window_months=12),
    )  # fmt: skip
