"""Freddie Mac's loan-level files, both layouts, as a portfolio with history."""

import re
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
from portfolio.sources.delivered import Delivered, Lines, find_files, first_lines, most_common_width, open_lines_of
from portfolio.sources.history import Book, HistoryResult, build_history
from portfolio.sources.intake import Intake
from portfolio.sources.layouts import Layout, load_layout
from portfolio.sources.recipe import Recipe, Rule

SEQUENCE = re.compile(r"[A-Z]\d\dQ[1-4][A-Z0-9]{7}")
LOAN_PLACE, PERIOD = 19, re.compile(r"\d{6}")  # where an origination row has the loan's number
ORIGINATION = {32: "freddie_origination_32", 31: "freddie_origination_31"}
PERFORMANCE = {32: "freddie_performance_32", 35: "freddie_performance_35"}
EXPECTED = "origination files of 32 (until 2025-10) or 31 fields (from 2026-07), performance files of 32 or 35"


def ingest_freddie(
    workspace: Path, files: Sequence[str | Path], *, name: str, encoding: str = "utf-8", report: Report = silent
) -> HistoryResult:
    """Build portfolio `name` from Freddie Mac origination and performance files, or change nothing.

    `files` are paths, folders, globs, .zip and .gz in any order; which is which is told by the number of
    fields and, where both have 32, by where the loan's number stands.
    """

    def stage(intake: Intake, told: Report) -> None:
        found = find_files(files)
        for done, item in enumerate(found):
            told(done / len(found), f"reading {item.name}")
            with open_lines_of(item, intake.scratch, "|", quotes=False, encoding=encoding) as lines:
                intake.stage_lines(lines, recipe_of(find_layout(item, lines)))

    return build_history(workspace, name, Book("Freddie Mac loans", "freddie", "USD"), stage, report=report)


def find_layout(item: Delivered, lines: Lines) -> Layout:
    """Return which of the four layouts a file has, by its number of fields and the place of the loan's number."""
    rows = first_lines(lines.text)
    width = most_common_width(rows, "|")
    cells = [row.split("|") for row in rows if row.count("|") + 1 == width]
    monthly = sum(bool(SEQUENCE.fullmatch(row[0].strip())) for row in cells)
    granted = sum(bool(SEQUENCE.fullmatch(row[LOAN_PLACE].strip())) for row in cells if width > LOAN_PLACE)
    names = PERFORMANCE if monthly >= granted and width in PERFORMANCE else ORIGINATION
    if width not in names:
        raise HypothecError(f"{item.name}: line 1 has {width} fields when cut at |; Freddie Mac delivers {EXPECTED}")
    if not monthly and not granted:
        raise HypothecError(
            f"{item.name}: no loan sequence number (such as F20Q10000001) in field 1 or 20 of the first rows; "
            f"Freddie Mac delivers {EXPECTED}"
        )
    return load_layout(names[width])


def recipe_of(layout: Layout) -> Recipe:
    """Return how a file of `layout` becomes rows of loans or of performance."""
    return _performance(layout) if "performance" in layout.name else _origination(layout)


def _origination(layout: Layout) -> Recipe:
    vantage = "vantage_score" if "vantage_score" in layout.names else "NULL::DOUBLE"
    columns = {
        "loan_id": "loan_sequence_number",
        # the layout has no date of origination: payments start in the month after it
        "origination_date": "CAST(date_trunc('month', first_payment_date) - INTERVAL 1 MONTH AS DATE)",
        "maturity_date": "maturity_date",
        "term_months": "TRY_CAST(orig_loan_term AS SMALLINT)",
        "original_balance": "orig_upb",
        "original_ltv": "orig_ltv / 100",
        "original_cltv": "orig_cltv / 100",
        "debt_to_income": "orig_dti / 100",
        "credit_score": "credit_score",
        "vantage_score": vantage,
        "original_rate": "orig_interest_rate / 100",
        "mi_share": "mi_pct / 100",
        "units": "number_of_units",
        "borrowers": "number_of_borrowers",
        "country": f"'{UNITED_STATES}'",
        "region": "property_state",
        "channel": in_words("channel", CHANNEL),
        "occupancy": in_words("occupancy_status", OCCUPANCY),
        "property_type": in_words("property_type", PROPERTY),
        "purpose": in_words("loan_purpose", PURPOSE),
        "first_time_buyer": in_words("first_time_homebuyer_flag", YES_NO),
        "rate_type": in_words("amortization_type", RATE_TYPE),
        "interest_only": in_words("interest_only_indicator", YES_NO),
        "seller": "seller_name",
    }
    rules = (
        Rule("loan number", "loan_sequence_number", "loan_sequence_number IS NULL", "the loan's number is missing"),
        Rule("negative", "orig_upb", "orig_upb < 0", "an amount granted cannot be negative"),
        Rule("dates", "maturity_date", "maturity_date <= first_payment_date", "matures before the first payment"),
    )
    return Recipe("loans", layout, columns, rules, month="first_payment_date", reasons=REASONS,
                  optional=frozenset({"vantage_score"}))  # fmt: skip


def _performance(layout: Layout) -> Recipe:
    remaining = "remaining_months_to_legal_maturity"
    later = f"monthly_reporting_period + to_months({remaining}::INTEGER)"
    matures = f"CASE WHEN {remaining} BETWEEN 0 AND 1200 THEN CAST({later} AS DATE) END"
    costs = "coalesce(delinquent_accrued_interest, 0) + abs(coalesce(total_expenses, 0))"
    proceeds = "net_sale_proceeds + coalesce(mi_recoveries, 0) + coalesce(non_mi_recoveries, 0)"
    columns = {
        "loan_id": "loan_sequence_number",
        "month": "monthly_reporting_period",
        "months_on_book": "TRY_CAST(loan_age AS SMALLINT)",
        "balance": "current_actual_upb",
        "rate": "current_interest_rate / 100",
        **outcome_columns(
            month="monthly_reporting_period", matures=matures, removed="zero_balance_removal_upb", proceeds=proceeds,
            costs=costs, fallback="actual_loss",
        ),
        "current_ltv": "eltv / 100",
    }  # fmt: skip
    rules = (
        Rule("loan number", "loan_sequence_number", "loan_sequence_number IS NULL", "the loan's number is missing"),
        Rule("month", "monthly_reporting_period", "raw_monthly_reporting_period IS NULL", "the month is missing"),
        Rule("negative", "current_actual_upb", "current_actual_upb < 0", "a balance cannot be negative"),
        Rule("balance", "current_actual_upb", "raw_current_actual_upb IS NULL", "the balance is missing"),
        Rule("arrears", "current_loan_delinquency_status",
             "NOT regexp_full_match(raw_current_loan_delinquency_status, '[0-9]{1,3}|XX|RA')",
             "not a number of months, RA or XX"),
    )  # fmt: skip
    optional = {"zero_balance_code", "zero_balance_removal_upb", "net_sale_proceeds", "mi_recoveries", "actual_loss",
                "non_mi_recoveries", "total_expenses", "delinquent_accrued_interest",
                "remaining_months_to_legal_maturity"}  # fmt: skip
    return Recipe("performance", layout, columns, rules, month="monthly_reporting_period",
                  optional=frozenset(optional), reasons=REASONS)  # fmt: skip
