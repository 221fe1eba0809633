# ruff: noqa: S608 (the only values in the SQL are the intake's own paths)
"""Fannie Mae's single-family files of 108, 110 or 113 fields as a portfolio with history."""

from collections.abc import Sequence
from pathlib import Path

from portfolio.errors import HypothecError
from portfolio.progress import Report, silent
from portfolio.sources.agencies import (
    CHANNEL,
    OCCUPANCY,
    PROPERTY,
    PURPOSE,
    RATE_TYPE,
    REASONS,
    UNITED_STATES,
    YES_NO,
    in_words,
    outcome_columns,
)
from portfolio.sources.cells import quote_all
from portfolio.sources.delivered import Delivered, Lines, find_files, first_lines, most_common_width, open_lines_of
from portfolio.sources.history import Book, HistoryResult, build_history
from portfolio.sources.intake import BAD, Intake, Staged
from portfolio.sources.layouts import Layout, load_layout
from portfolio.sources.recipe import Recipe, Rule

WIDTHS = (108, 110, 113)


def ingest_fannie(
    workspace: Path, files: Sequence[str | Path], *, name: str, encoding: str = "utf-8", report: Report = silent
) -> HistoryResult:
    """Build portfolio `name` from Fannie Mae files, or change nothing.

    `files` are paths, folders, globs, .zip and .gz in any order. Every row holds the loan's facts and a month;
    the facts are taken from a loan's first month in the latest file that has it.
    """

    def stage(intake: Intake, told: Report) -> None:
        found = find_files(files)
        for done, item in enumerate(found):
            told(done / len(found), f"reading {item.name}")
            with open_lines_of(item, intake.scratch, "|", quotes=False, encoding=encoding) as lines:
                layout = find_layout(item, lines)
                months = intake.stage_lines(lines, months_recipe(layout))
                intake.stage_lines(lines, loans_recipe(layout), pick=_first_months(months), counted=False)

    return build_history(workspace, name, Book("Fannie Mae loans", "fannie", "USD"), stage, report=report)


def find_layout(item: Delivered, lines: Lines) -> Layout:
    """Return the layout that has as many fields as most of the first rows."""
    rows = first_lines(lines.text)
    width = most_common_width(rows, "|")
    if width not in WIDTHS:
        raise HypothecError(
            f"{item.name}: line 1 has {width} fields when cut at |; Fannie Mae delivers "
            f"{', '.join(map(str, WIDTHS[:-1]))} or {WIDTHS[-1]} (field 1 may be empty)"
        )
    return load_layout("fannie_113").cut(width)


def _first_months(months: Staged) -> str:
    """Return SQL that picks each loan's first good month from {rows}, as `months` has been staged."""
    files = [str(path) for path in months.folder.glob("part=*/*.parquet") if path.parent.name != f"part={BAD}"]
    firsts = f"SELECT arg_min(line, month) AS line FROM read_parquet({quote_all(files)}, hive_partitioning=false)"
    return f"SELECT * FROM {{rows}} SEMI JOIN ({firsts} GROUP BY loan_id) USING (line)"


def loans_recipe(layout: Layout) -> Recipe:
    """Return how a loan's first month becomes its row of loans."""
    score = "borrower_credit_score_at_origination"
    if "origination_classic_fico" in layout.names:
        score = f"coalesce({score}, origination_classic_fico)"
    columns = {
        "loan_id": "loan_identifier",
        "origination_date": "CAST(date_trunc('month', origination_date) AS DATE)",
        "maturity_date": "maturity_date",
        "term_months": "TRY_CAST(original_loan_term AS SMALLINT)",
        "original_balance": "original_upb",
        "original_ltv": "original_ltv / 100",
        "original_cltv": "original_cltv / 100",
        "debt_to_income": "dti / 100",
        "credit_score": score,
        "original_rate": "original_interest_rate / 100",
        "mi_share": "mortgage_insurance_percentage / 100",
        "units": "number_of_units",
        "borrowers": "number_of_borrowers",
        "country": f"'{UNITED_STATES}'",
        "region": "property_state",
        "channel": in_words("channel", CHANNEL),
        "occupancy": in_words("occupancy_status", OCCUPANCY),
        "property_type": in_words("property_type", PROPERTY),
        "purpose": in_words("loan_purpose", PURPOSE),
        "first_time_buyer": in_words("first_time_home_buyer_indicator", YES_NO),
        "rate_type": in_words("amortization_type", RATE_TYPE),
        "interest_only": in_words("interest_only_loan_indicator", YES_NO),
        "seller": "seller_name",
    }
    rules = (
        Rule("negative", "original_upb", "original_upb < 0", "an amount granted cannot be negative"),
        Rule("dates", "maturity_date", "maturity_date <= origination_date", "matures before it is granted"),
    )
    optional = {"mortgage_insurance_percentage", "origination_classic_fico"}  # blank means no insurance
    return Recipe("loans", layout, columns, rules, month="origination_date", reasons=REASONS,
                  optional=frozenset(optional))  # fmt: skip


def months_recipe(layout: Layout) -> Recipe:
    """Return how a row becomes a row of performance."""
    proceeds = " + ".join(
        f"coalesce({name}, 0)"
        for name in ("credit_enhancement_proceeds", "repurchase_make_whole_proceeds", "other_foreclosure_proceeds")
    )
    costs = " + ".join(
        f"abs(coalesce({name}, 0))"
        for name in ("foreclosure_costs", "property_preservation_and_repair_costs", "asset_recovery_costs",
                     "associated_taxes_for_holding_property")
    )  # fmt: skip
    columns = {
        "loan_id": "loan_identifier",
        "month": "monthly_reporting_period",
        "months_on_book": "TRY_CAST(loan_age AS SMALLINT)",
        "balance": "current_actual_upb",
        "rate": "current_interest_rate / 100",
        **outcome_columns(
            month="monthly_reporting_period", matures="maturity_date", removed="upb_at_time_of_removal",
            proceeds=f"net_sales_proceeds + {proceeds}",
            costs=f"{costs} + coalesce(misc_holding_expenses_and_credits, 0)",
            fallback="foreclosure_principal_write_off_amount",
        ),
    }  # fmt: skip
    rules = (
        Rule("loan number", "loan_identifier", "loan_identifier IS NULL", "the loan's number is missing"),
        Rule("month", "monthly_reporting_period", "raw_monthly_reporting_period IS NULL", "the month is missing"),
        Rule("negative", "current_actual_upb", "current_actual_upb < 0", "a balance cannot be negative"),
        Rule("balance", "current_actual_upb", "raw_current_actual_upb IS NULL", "the balance is missing"),
        Rule("arrears", "current_loan_delinquency_status",
             "NOT regexp_full_match(raw_current_loan_delinquency_status, '[0-9]{1,3}|XX')",
             "not a number of months or XX"),
    )  # fmt: skip
    always = {"loan_identifier", "monthly_reporting_period", "loan_age", "current_actual_upb", "current_interest_rate",
              "current_loan_delinquency_status"}  # fmt: skip
    optional = frozenset(name for name in layout.names if name not in always)
    return Recipe("performance", layout, columns, rules, month="monthly_reporting_period", optional=optional,
                  reasons=REASONS)  # fmt: skip
