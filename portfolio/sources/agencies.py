"""What Freddie Mac's and Fannie Mae's files have in common: codes in words and how a loan leaves the book."""

UNITED_STATES = "United States"
OCCUPANCY = {"P": "owner-occupied", "I": "investment", "S": "second home"}
CHANNEL = {"R": "retail", "B": "broker", "C": "correspondent", "T": "third party"}
PROPERTY = {
    "SF": "single-family",
    "CO": "condominium",
    "PU": "planned unit",
    "MH": "manufactured",
    "CP": "co-operative",
}
PURPOSE = {
    "P": "purchase",
    "C": "refinance, cash out",
    "N": "refinance, no cash out",
    "R": "refinance",
    "U": "refinance",
}
YES_NO = {"Y": "yes", "N": "no"}
RATE_TYPE = {"FRM": "fixed", "ARM": "variable"}

PREPAID_OR_MATURED = ("1",)
CREDIT_EVENT = ("2", "3", "9", "15", "97", "98")  # sold, short sale, disposition, sold while not performing
LEFT = ("6", "16", "96")  # repurchased, securitised again, removed: no longer followed, neither paid nor lost

REASONS = {
    "current_loan_delinquency_status:XX": "unknown to the servicer",
    "current_loan_delinquency_status:RA": "foreclosed property: in default, days are no longer counted",
}


def in_words(column: str, words: dict[str, str]) -> str:
    """Return SQL that gives a code its words; a code without words stays as it is.

    >>> in_words("x", {"Y": "yes"})
    "CASE x WHEN 'Y' THEN 'yes' ELSE x END"
    """
    cases = " ".join(f"WHEN '{code}' THEN '{word}'" for code, word in words.items())
    return f"CASE {column} {cases} ELSE {column} END"


def listed(codes: tuple[str, ...]) -> str:
    """Return codes as an SQL list."""
    return ", ".join(f"'{code}'" for code in codes)


def outcome_columns(
    *, month: str, matures: str, removed: str, proceeds: str, costs: str, fallback: str
) -> dict[str, str]:
    """Return SQL for days past due, status, event and loss from the arrears status and the zero balance code.

    `month` and `matures` are dates, `removed` the balance when the loan left, `proceeds` and `costs` sums of what
    came in and went out, `fallback` the loss as reported.
    Loss = balance when it left − proceeds + accrued interest and costs, the layouts' own formula; costs are
    taken without their sign, which differs between releases.
    """
    status = "current_loan_delinquency_status"
    code = "ltrim(zero_balance_code, '0')"
    lost, paid = f"{code} IN ({listed(CREDIT_EVENT)})", f"{code} IN ({listed(PREPAID_OR_MATURED)})"
    days = f"30 * TRY_CAST({status} AS SMALLINT)::INTEGER"
    defaulted = f"({lost} OR raw_{status} = 'RA' OR {days} >= 90)"
    return {
        "days_past_due": f"TRY_CAST(CASE WHEN {paid} THEN coalesce({days}, 0) ELSE {days} END AS SMALLINT)",
        "status": f"CASE WHEN coalesce({defaulted}, false) THEN 'default' WHEN {days} > 0 THEN 'arrears' "
        f"WHEN {days} = 0 OR {paid} THEN 'performing' END",
        "event": f"CASE WHEN {paid} AND {month} >= {matures} THEN 'matured' WHEN {paid} THEN 'prepaid' "
        f"WHEN {lost} THEN 'written off' WHEN {code} IN ({listed(LEFT)}) THEN 'left' ELSE '' END",
        "prepaid_amount": f"CASE WHEN {paid} AND NOT coalesce({month} >= {matures}, false) THEN {removed} END",
        "removed_balance": f"CASE WHEN zero_balance_code IS NOT NULL THEN {removed} END",
        "loss": f"CASE WHEN {lost} THEN coalesce({removed} - ({proceeds}) + ({costs}), {fallback}) END",
    }
