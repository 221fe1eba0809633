"""Writes deliveries from the public layouts: small books of made-up loans in Freddie's, Fannie's and ESMA's form."""

import csv
import datetime
import gzip
import io
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from portfolio.sources.layouts import load_layout

MONTHS = [str(period) for period in pd.period_range("2019-01", "2021-06", freq="M")]  # thirty, so that labels mature


@dataclass(frozen=True)
class Loan:
    """A made-up loan: granted in 2018-12, first payment 2019-01, 360 months; `months` overrides single months."""

    number: str
    amount: int = 200_000
    state: str = "CA"
    score: str = "720"
    dti: str = "35"
    ltv: str = "80"
    last: str = MONTHS[-1]
    months: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def rows(self) -> Iterable[tuple[str, int, dict[str, Any]]]:
        """Yield month, age and what the month holds."""
        for age, month in enumerate(MONTHS, start=1):
            if month <= self.last:
                yield month, age, {"balance": self.amount - 500 * age, "status": 0} | dict(self.months.get(month, {}))


# F19Q1… are Freddie's numbers; the loans tell one story each
BOOK = (
    Loan("F19Q10000001"),
    Loan("F19Q10000002", state="TX", months={"2020-03": {"status": 1}, "2020-04": {"status": 2},
                                            "2020-05": {"status": 3}, "2020-06": {"status": 0}}),
    Loan("F19Q10000003", score="", dti="", ltv="95", last="2020-07",
         months={"2020-07": {"balance": 0, "zero": "01", "removed": 190_500}}),
    Loan("F19Q10000004", amount=300_000, state="FL", last="2020-10",
         months={"2020-08": {"status": 4}, "2020-09": {"status": "RA"},
                 "2020-10": {"balance": 0, "status": "RA", "zero": "09", "removed": 290_000, "proceeds": 240_000,
                             "expenses": -10_000, "interest": 5_000}}),
    Loan("F19Q10000005", months={"2019-11": {"status": "XX"}}),
    Loan("F19Q10000006", last="2020-02", months={"2020-02": {"balance": 0, "zero": "96", "removed": 190_000}}),
)  # fmt: skip


def _line(layout: str, width: int | None, values: Mapping[str, Any]) -> str:
    names = load_layout(layout).names[:width]
    return "|".join(str(values.get(name, "")) for name in names)


def freddie_origination(loan: Loan, width: int = 32) -> str:
    values = {
        "credit_score": loan.score or "9999", "first_payment_date": "201901", "first_time_homebuyer_flag": "N",
        "maturity_date": "204812", "msa": "31080", "mi_pct": "999", "number_of_units": "1", "occupancy_status": "P",
        "orig_cltv": loan.ltv, "orig_dti": loan.dti or "999", "orig_upb": loan.amount, "orig_ltv": loan.ltv,
        "orig_interest_rate": "4.5", "channel": "R", "ppm_flag": "N", "amortization_type": "FRM",
        "property_state": loan.state, "property_type": "SF", "postal_code": "90000",
        "loan_sequence_number": loan.number, "loan_purpose": "P", "orig_loan_term": "360",
        "number_of_borrowers": "02", "seller_name": "Other Sellers", "servicer_name": "Other servicers",
        "interest_only_indicator": "N", "mi_cancellation_indicator": "7", "special_eligibility_program": "9",
        "vantage_score": "700",
    }  # fmt: skip
    return _line(f"freddie_origination_{width}", width, values)


def freddie_months(loan: Loan, width: int = 32) -> list[str]:
    lines = []
    for month, age, now in loan.rows():
        status = now["status"] if isinstance(now["status"], str) or width == 32 else f"{now['status']:02d}"
        values = {
            "loan_sequence_number": loan.number, "monthly_reporting_period": month.replace("-", ""),
            "current_actual_upb": f"{now['balance']:.2f}", "current_loan_delinquency_status": status,
            "loan_age": age, "remaining_months_to_legal_maturity": 360 - age, "current_interest_rate": "4.5",
            "zero_balance_code": now.get("zero", ""), "zero_balance_removal_upb": now.get("removed", ""),
            "net_sale_proceeds": now.get("proceeds", ""), "total_expenses": now.get("expenses", ""),
            "delinquent_accrued_interest": now.get("interest", ""), "eltv": now.get("eltv", "999"),
        }  # fmt: skip
        lines.append(_line(f"freddie_performance_{width}", width, values))
    return lines


def fannie_months(loan: Loan, width: int = 113) -> list[str]:
    lines = []
    for month, age, now in loan.rows():
        year, number = month.split("-")
        status = now["status"] if isinstance(now["status"], str) else f"{now['status']:02d}"
        values = {
            "loan_identifier": loan.number, "monthly_reporting_period": number + year, "channel": "R",
            "seller_name": "Other Sellers", "original_interest_rate": "4.5", "current_interest_rate": "4.5",
            "original_upb": loan.amount, "current_actual_upb": f"{now['balance']:.2f}", "original_loan_term": "360",
            "origination_date": "122018", "first_payment_date": "012019", "loan_age": age, "maturity_date": "122048",
            "remaining_months_to_legal_maturity": 360 - age, "original_ltv": loan.ltv, "original_cltv": loan.ltv,
            "number_of_borrowers": "2", "dti": loan.dti, "borrower_credit_score_at_origination": loan.score,
            "first_time_home_buyer_indicator": "N", "loan_purpose": "P", "property_type": "SF",
            "number_of_units": "1", "occupancy_status": "P", "property_state": loan.state,
            "amortization_type": "FRM", "interest_only_loan_indicator": "N",
            # Fannie Mae has no code for a foreclosed property: the months go on
            "current_loan_delinquency_status": "05" if status == "RA" else status,
            "zero_balance_code": now.get("zero", ""), "upb_at_time_of_removal": now.get("removed", ""),
            "net_sales_proceeds": now.get("proceeds", ""), "foreclosure_costs": abs(now.get("expenses", 0)) or "",
            "misc_holding_expenses_and_credits": now.get("interest", ""),
        }  # fmt: skip
        lines.append(_line("fannie_113", width, values))
    return lines


ESMA_STATUS = {0: "PERF", 1: "ARRE", 2: "ARRE", 3: "DFLT", 4: "DFLT", "RA": "DFLT", "XX": "OTHR"}


def esma_rows(loan: Loan, month: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return a loan's exposure and collateral at a month end, or None if it is no longer reported."""
    held = {when: now for when, _, now in loan.rows()}
    if month not in held:
        return None
    now = held[month]
    date = (pd.Period(month, "M").to_timestamp("D") + pd.offsets.MonthEnd(0)).date().isoformat()
    lost = "proceeds" in now
    values = dict.fromkeys(load_layout("esma_annex2").names, "ND5")
    values |= {
        "RREL1": "549300", "RREL2": loan.number, "RREL3": loan.number, "RREL4": f"B{loan.number}", "RREL6": date,
        "RREL11": "NL329", "RREL13": "EMRS", "RREL16": "ND2" if not loan.score else "60000", "RREL20": "ND5",
        "RREL23": "2018-12-15", "RREL24": "2048-12-31", "RREL25": "360", "RREL26": "BROK", "RREL27": "PURC",
        "RREL28": "EUR", "RREL29": loan.amount, "RREL30": now["balance"], "RREL35": "FRXX", "RREL37": "MNTH",
        "RREL39": "1013.37", "RREL40": "ND1", "RREL42": "FXPR", "RREL43": "4.5", "RREL67": "0",
        "RREL68": 30 * now["status"] if isinstance(now["status"], int) else {"RA": 150, "XX": 0}[now["status"]],
        "RREL69": {"96": "REBR"}.get(now["zero"], "RDMD") if "zero" in now else ESMA_STATUS[now["status"]],
        "RREL71": now.get("removed", 0) if lost else 0, "RREL73": 65_000 if lost else 0, "RREL81": "NL",
        "RREL82": "Bank, \"N.V.\"", "RREL84": "NL", "RREC1": "549300", "RREC2": loan.number, "RREC6": "NL329",
        "RREC7": "FOWN", "RREC8": "1", "RREC9": "RHOS", "RREC10": "EPCB", "RREC12": "75.5", "RREC13": "280000",
        "RREC16": loan.ltv, "RREC17": "250000", "RREC23": "NHGX", "Sec_Id": "XS1", "Pool_Cutoff_Date": date,
    }  # fmt: skip
    split = {kind: {name: value for name, value in values.items() if name.startswith((kind, "Sec", "Pool"))}
             for kind in ("RREL", "RREC")}  # fmt: skip
    return split["RREL"], split["RREC"]


def write_csv(path: Path, rows: list[dict[str, Any]], encoding: str = "utf-8") -> Path:
    """Write rows with a header, quoted where needed."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes(stream.getvalue().encode(encoding))
    return path


def write_esma(folder: Path, book: tuple[Loan, ...] = BOOK, months: list[str] = MONTHS, number: int = 1) -> list[Path]:
    """Write a pair of files a month and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for month in months:
        pairs = [pair for loan in book if (pair := esma_rows(loan, month))]
        date = pairs[0][0]["RREL6"]
        for place, kind in enumerate(("UE", "Collateral")):
            name = f"1_RMB_{kind}_RMBMNL000001_{date}_{number}.csv"
            made.append(write_csv(folder / name, [pair[place] for pair in pairs]))
    return made


def write_lines(path: Path, lines: list[str]) -> Path:
    """Write lines to .txt, .gz or, as the only member, .zip."""
    body = ("\n".join(lines) + "\n").encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(body, mtime=0))
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(path.with_suffix(".txt").name, body)
    else:
        path.write_bytes(body)
    return path


def month_end(text: str) -> datetime.date:
    return (pd.Period(text, "M").to_timestamp("D") + pd.offsets.MonthEnd(0)).date()


def write_freddie(folder: Path, widths: tuple[int, int] = (32, 32), book: tuple[Loan, ...] = BOOK) -> list[Path]:
    """Write an origination and a performance file and return their paths."""
    return [
        write_lines(folder / "orig.txt", [freddie_origination(loan, widths[0]) for loan in book]),
        write_lines(folder / "perf.txt", [line for loan in book for line in freddie_months(loan, widths[1])]),
    ]
