"""What the portfolio's measures are called, measured in and how they are computed: the pages' definitions."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """A measure's words. `unit` "money" stands for the portfolio's currency; `noun` is its name in a sentence."""

    label: str
    noun: str
    unit: str
    definition: str


MEASURES: dict[str, Measure] = {
    "loans": Measure("Loans", "the number of loans", "", "Loans on the book at the end of the month."),
    "exposure": Measure("Exposure", "exposure", "money", "Sum of the balances outstanding at the end of the month."),
    "arrears_30": Measure(
        "Arrears, 30 days or more",
        "arrears",
        "share",
        "Loans 30 days past due or more, as a share of the loans on the book at the end of the month, by number. Loans "
        "whose days past due are unknown count as current.",
    ),
    "arrears_90": Measure(
        "Arrears, 90 days or more",
        "arrears of 90 days or more",
        "share",
        "Loans 90 days past due or more, as a share of the loans on the book at the end of the month, by number.",
    ),
    "arrears_30_exposure": Measure(
        "Exposure in arrears",
        "exposure in arrears",
        "share",
        "Balances of loans 30 days past due or more, as a share of all balances at the end of the month.",
    ),
    "prepayment": Measure(
        "Prepayment, trailing year",
        "prepayment",
        "share",
        "1 − Π (1 − SMM) over the last 12 months. SMM, the single monthly mortality, is the amount repaid ahead of "
        "schedule in the month (in full or in part) over the exposure at the end of the month before; where the "
        "portfolio has no amounts, loans prepaid in full over loans on the book in the month.",
    ),
    "prepayment_month": Measure(
        "Prepayment, annualised month",
        "prepayment",
        "share",
        "1 − (1 − SMM)^12 of the month alone; see the trailing year for SMM. Moves a lot from month to month.",
    ),
    "default_rate": Measure(
        "Default rate",
        "the default rate",
        "share",
        "Loans with the event within the outcome window after the observation date, as a share of the loans observed "
        "then, by number, only where the whole window has passed. Jeffreys interval.",
    ),
    "average": Measure(
        "Average",
        "the average",
        "",
        "Mean weighted by exposure, over the loans where both are known; by number where there is no exposure.",
    ),
}
