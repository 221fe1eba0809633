"""How each test of the validate page is computed: words, formula and the supervisor's paragraph."""

from typing import Any

SOURCE = "ECB, Instructions for reporting the validation results of internal models, February 2019"

_METHODS: dict[str, tuple[str, str]] = {
    "grades": (
        "By grade and for the portfolio: the probability, under Jeffreys' prior, that the true PD is below the applied "
        "one; a small p says that the PD is too low ({source}, 2.5.3.1). Beside it the exact binomial p-value. "
        "The tests take loans as independent; in one economy they are not, so p is too small in a bad year.",
        "p = BetaCDF(PD; D + ½, N − D + ½)        binomial: P(X ≥ D), X ~ Binomial(N, PD)",
    ),
    "auc": (
        "The AUC on grades (ties count ½) of the validated year against that of initial validation, which is taken as "
        "known ({source}, 2.5.4.1 and Annex 3.1). With fewer than {few} {event}s in the year, three years are pooled "
        "by the share of the own year's loans with the same or a better grade. Intervals of the course: 95 %.",
        "S = (AUC initial − AUC now)/s, p = 1 − Φ(S);  s² = var(V10)/defaults + var(V01)/non-defaults",
    ),
    "migrations": (
        "Counts by grade at the start and a year later; defaulted, rated by another model (not recorded here) and "
        "ended apart. The bandwidths say how far loans moved of how far they could, 0 to 1 ({source}, 2.5.5.1).",
        "upper = Σ_(i<j) |i − j|·N_ij / Σ_i max(|i − K|, |i − 1|)·Σ_(j>i) N_ij;  lower likewise for j < i",
    ),
    "neighbours": (
        "Each cell against its neighbour nearer the diagonal: a loan should rather move a little than far. p is that "
        "of the cell not being more frequent; coloured below {level:.0%} ({source}, 2.5.5.2). Of so many cells some "
        "fall below by chance.",
        "z = (p_near − p_ij)/√([p_ij(1 − p_ij) + p_near(1 − p_near) + 2·p_ij·p_near]/N_i), p = Φ(z)",
    ),
    "psi": (
        "Shares of the grades at each date against {against}. Above its critical value at {level:.0%} a PSI is more "
        "than chance (Yurdakul 2018), which on many loans a small one is too: the limits {amber:g} and {red:g} are "
        "conventions about its size. {empty}",
        "PSI = Σ (p₂ − p₁)·ln(p₂/p₁);  critical value χ²_(1−α, B−1)·(1/n₁ + 1/n₂)",
    ),
    "exclusions": (
        "N = M less outdated ratings (older than 12 months), transferred ratings and process exclusions ({source}, "
        "2.5.2). A loan that this model has not rated, or whose outcome is not known, is a process exclusion. What "
        "the data do not record is said to be so and never taken for 0: give a field of the schema the meaning "
        "outdated, transferred, process, override or technical_default to have it counted.",
        "",
    ),
    "long_run": (
        "The long-run average is the mean of one-year rates, every year counting the same. Dates are twelve months "
        "apart, so that no {event} counts twice; nothing after the validated date is used. A point-in-time PD may "
        "lie below it in good years.",
        "",
    ),
    "lgd": (
        "Estimated: Σ losses / Σ exposure by loan-to-value band of earlier defaults, whose losses were known before "
        "the first tested date (no hindsight). Realised: what each later default lost of its exposure at the "
        "observation date within {months} months, undiscounted, without costs; cured ones lost nothing. Each loan "
        "once ({source}, 2.6.2.1). It does not depend on the model or the date chosen above. A small p says that "
        "estimates are too low.",
        "T = √N·mean(R − E)/s, p = 1 − t_(N−1)(T);  shortfall = 1 − Σ E·EAD/Σ R·EAD;  gAUC = (D(C|R) + 1)/2",
    ),
}


def describe_method(name: str, **values: Any) -> tuple[str, str]:
    """Return how a figure's test is computed, and its formula."""
    text, formula = _METHODS[name]
    return text.format(source=SOURCE, **values), formula
