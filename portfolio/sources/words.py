"""What a column's name says: its label, and whether it sounds like an id, a date, an outcome, a protected trait."""

import re
from collections.abc import Sequence

# fmt: off
IDS = (
    "id", "loan_id", "loanid", "loan_number", "loan_nr", "loan_no", "account_id", "account_number", "contract_id",
    "application_id", "case_id", "facility_id", "mortgage_id",
)
"""Columns that identify a row; one that repeats within a date is refused."""
OTHER_IDS = (
    "applicant_id", "customer_id", "client_id", "borrower_id", "reference", "key",
)
"""Columns that identify a row only if they happen to be unique."""
DATES = (
    "date", "reporting_date", "report_date", "snapshot_date", "as_of_date", "asof_date", "cutoff_date",
    "cut_off_date", "pool_cutoff_date", "period", "month", "quarter", "reporting_month", "reporting_period",
    "application_date", "decision_date", "time", "year",
)
TARGETS = (
    "default", "default_12m", "default_flag", "is_default", "defaulted", "default_time", "bad", "is_bad", "target",
    "event", "outcome", "label", "y", "status", "loan_status", "denied", "reject", "rejected", "approve", "approved",
    "accepted", "good", "repaid",
)
GOOD_TARGETS = (
    "approve", "approved", "accepted", "good", "repaid",
)
"""Outcomes whose 1 is the good end: the event is 0."""
EVENTS = (
    "1", "true", "yes", "y", "t", "bad", "default", "defaulted", "denied", "rejected", "charged off",
)
NON_EVENTS = (
    "0", "false", "no", "n", "f", "good", "current", "performing", "approved", "fully paid", "repaid",
)
EARLIER = ("previous", "past", "prior", "earlier", "ever", "historic", "history", "last", "former")
"""A default of the past is a feature, not the outcome."""
EXPOSURES = (
    "exposure", "ead", "balance", "current_balance", "outstanding", "outstanding_balance", "balance_time",
    "loan_amount", "loanamt", "loan_amt", "amount", "principal", "credit_amount", "loan",
)
PROTECTED = (
    "race", "races", "black", "white", "asian", "hispan", "hispanic", "latino", "latina", "sex", "gender", "male",
    "female", "age", "dob", "birth", "birthdate", "married", "marital", "nationality", "citizen", "citizenship",
    "religion", "disability", "disabled", "minority", "pregnant", "pregnancy", "orientation",
)
PROTECTED_STARTS = (
    "ethnic", "relig", "disab", "nationalit", "birth", "hispan",
)
THINGS = (
    "loan", "account", "property", "house", "building", "dwelling", "collateral", "vehicle", "car", "file", "score",
    "mortgage", "contract", "application", "arrears",
)
"""Whose age is no person's: loan_age is not protected."""
ACRONYMS = (
    "id", "ltv", "cltv", "dti", "dsti", "lti", "fico", "hpi", "gdp", "uer", "pd", "lgd", "ead", "apr", "pmi", "nhg",
    "epc", "msa", "usd", "eur",
)
# fmt: on


def split_name(name: str) -> list[str]:
    """Return a column name's words in lower case.

    >>> split_name("Interest_Rate_orig"), split_name("loanAmount"), split_name("LTV_time")
    (['interest', 'rate', 'orig'], ['loan', 'amount'], ['ltv', 'time'])
    """
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return [word.lower() for word in re.split(r"[\W_]+", spaced) if word]


def plain_name(name: str) -> str:
    """Return a column name as the lists above spell it: lower case, words joined by underscores."""
    return "_".join(split_name(name))


def make_label(name: str) -> str:
    """Return a readable label for a column name.

    >>> make_label("LTV_orig_time"), make_label("loan_amount"), make_label("💶")
    ('LTV orig time', 'Loan amount', '💶')
    """
    words = [word.upper() if word in ACRONYMS else word for word in split_name(name)]
    label = " ".join(words)
    return label[:1].upper() + label[1:] if label else name


def is_protected(name: str) -> bool:
    """Say whether a column's name speaks of a person's protected trait.

    >>> is_protected("applicant_age"), is_protected("loan_age"), is_protected("mortgage"), is_protected("hispan")
    (True, False, False, True)
    """
    words = split_name(name)
    found = [word for word in words if word in PROTECTED or word.startswith(PROTECTED_STARTS)]
    return bool(found) and not (set(found) <= {"age", "white", "black"} and set(words) & set(THINGS))


def rank(name: str, wanted: Sequence[str]) -> int:
    """Return the place of a column's name among the `wanted`, earliest first; after them all if it is not there."""
    plain = plain_name(name)
    return wanted.index(plain) if plain in wanted else len(wanted)


def find_by_name(names: Sequence[str], wanted: Sequence[str]) -> str | None:
    """Return the first of `names` that is called like the earliest of `wanted`, or None."""
    best = min(names, key=lambda name: rank(name, wanted), default="")
    return best if best and rank(best, wanted) < len(wanted) else None


def could_be_id(name: str) -> bool:
    """Say whether a column's name allows it to be an id: it says so, or the file names the column not at all.

    >>> could_be_id("loan_number"), could_be_id("deal_id"), could_be_id("column_1"), could_be_id("income")
    (True, True, True, False)
    """
    return plain_name(name) in (*IDS, *OTHER_IDS) or split_name(name)[-1:] == ["id"] or name.startswith("column_")


def sounds_like_default(name: str) -> bool:
    """Say whether a column's name leaves no doubt that it is the outcome.

    >>> sounds_like_default("default_12m"), sounds_like_default("status"), sounds_like_default("previous_default")
    (True, False, False)
    """
    words = set(split_name(name))
    return bool(words & {"default", "defaulted", "bad", "target"}) and not words & set(EARLIER)


def find_event(values: Sequence[str], *, good: bool) -> str | None:
    """Return which of an outcome's two values is the event, or None if they do not say.

    `good` says that the column's name is of the good end (approved), so that the event is its no.

    >>> find_event(["0", "1"], good=False), find_event(["yes", "no"], good=True), find_event(["x", "y"], good=False)
    ('1', 'no', None)
    """
    bad, fine = (NON_EVENTS, EVENTS) if good else (EVENTS, NON_EVENTS)
    spelled = {value: value.lower().removesuffix(".0") for value in values}
    found = [value for value, word in spelled.items() if word in bad]
    rest = [word for value, word in spelled.items() if value not in found]
    if len(found) != 1 or (spelled[found[0]] in "ynft" and not set(rest) <= set(fine)):
        return None  # a letter alone says too little: y is yes only beside n or no
    return found[0]
