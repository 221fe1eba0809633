"""The bank's own criteria, from `policy.toml` in the portfolio's folder over documented defaults.

No supervisor sets the limits of traffic lights, margins or masses; they are the bank's. What the file does not say is
the default given here; what it says wrongly is refused by name.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from portfolio.errors import HypothecError
from portfolio.settings import format_section, read_section, setting
from portfolio.workspace import Portfolio

FILE = "policy.toml"

PRIMARY = ("gini", "auc", "ks", "brier", "log_loss")
LGD_SOURCES = ("realised", "fixed")


@dataclass(frozen=True)
class Comparison:
    """What a challenger must show to be called better than the champion."""

    primary_metric: str = setting("gini", "Metric that decides", among=PRIMARY, kind="word")
    margin: float = setting(
        0.01, "A challenger this much worse on the primary metric is still called no worse", low=0, high=1
    )
    level: float = setting(0.95, "Confidence of intervals", low=0.5, high=0.999)
    calibration_low: float = setting(0.8, "Observed / expected below this fails calibration", low=0, high=1)
    calibration_high: float = setting(1.25, "Observed / expected above this fails calibration", low=1, high=100)
    stability_limit: float = setting(
        0.01, "Largest standard deviation of Gini over training seeds that passes", low=0, high=1
    )
    resamples: int = setting(1000, "Bootstrap resamples, whole loans at a time", low=100, high=20_000)


@dataclass(frozen=True)
class Profit:
    """What a mortgage earns and costs: what the expected maximum profit takes for granted."""

    share_no_loss: float = setting(
        0.55, "Share of defaults that lose nothing (published default: consumer credit)", low=0, high=1
    )
    share_full_loss: float = setting(
        0.1, "Share of defaults that lose everything (published default: consumer credit)", low=0, high=1
    )
    roi: float = setting(
        0.2644, "Return on a good loan over its life, of the amount lent (published: consumer credit)", low=0, high=10
    )
    lgd_source: str = setting(
        "realised", "LGD of expected losses: realised by loan-to-value band, or fixed", among=LGD_SOURCES, kind="word"
    )
    lgd: float = setting(0.2, "LGD where lgd_source is fixed, and where the portfolio has realised none", low=0, high=1)


@dataclass(frozen=True)
class Validation:
    """How the validation battery is run: master scale, pooling, initial validation, levels."""

    grades: int = setting(15, "Grades of the master scale before neighbours are merged", low=10, high=20)
    bounds: tuple[float, ...] = setting(
        (), "Inner bounds of the bank's own master scale, rising PDs; empty: the scale is built", kind="numbers",
        low=0, high=1,
    )  # fmt: skip
    scale_level: float = setting(0.05, "Level at which neighbouring grades must differ", low=0.001, high=0.5)
    few_defaults: int = setting(
        20, "Below this many defaults in the year three years are pooled for the AUC", low=0, high=1_000_000
    )
    auc_initial: float | None = setting(None, "AUC at initial validation", kind="number?", low=0.5, high=1)
    cv_initial: float | None = setting(
        None, "Coefficient of variation of the grades at initial validation", kind="number?", low=0, high=10
    )
    gauc_initial: float | None = setting(
        None, "Generalised AUC of the LGD at initial validation", kind="number?", low=0.5, high=1
    )
    psi_level: float = setting(0.05, "Level of the critical value of the PSI", low=0.001, high=0.5)
    neighbour_level: float = setting(
        0.05, "Level at which a migration is called more frequent than its neighbour", low=0.001, high=0.5
    )
    interval: float = setting(0.95, "Confidence of the intervals of observed rates", low=0.5, high=0.999)


@dataclass(frozen=True)
class Lights:
    """Where amber and red begin, test by test: [amber, red]."""

    portfolio_pd: tuple[float, float] = setting((0.05, 0.01), "Jeffreys p of the whole portfolio", bad="low", high=1)
    grade_pds: tuple[float, float] = setting(
        (0.05, 0.01), "Smallest Jeffreys p of the grades, adjusted for their number (Holm)", bad="low", high=1
    )
    grade_p: tuple[float, float] = setting(
        (0.05, 0.01), "Jeffreys p of one grade (its own light in the table)", bad="low", high=1
    )
    hosmer_lemeshow: tuple[float, float] = setting(
        (0.05, 0.01), "p of the Hosmer-Lemeshow test over the grades", bad="low", high=1
    )
    discrimination: tuple[float, float] = setting(
        (0.05, 0.01), "p of the AUC against initial validation", bad="low", high=1
    )
    bandwidth: tuple[float, float] = setting(
        (0.3, 0.5), "Larger of the two matrix-weighted bandwidths", bad="high", high=1
    )
    neighbours: tuple[float, float] = setting(
        (0.1, 0.2),
        "Share of tested cells of the migration matrix more frequent than their neighbour",
        bad="high",
        high=1,
    )
    concentration: tuple[float, float] = setting(
        (0.05, 0.01), "p of the coefficient of variation against initial", bad="low", high=1
    )
    concentration_index: tuple[float, float] = setting(
        (0.3, 0.5), "Concentration index HI by number of loans", bad="high", high=1
    )
    psi: tuple[float, float] = setting(
        (0.1, 0.25), "PSI of the grades against the reference; within its critical value it is green", bad="high"
    )
    long_run: tuple[float, float] = setting((1.0, 0.9), "Mean PD over the long-run average default rate", bad="low")
    lgd_level: tuple[float, float] = setting(
        (0.05, 0.01), "p of the t-test of realised against estimated LGD", bad="low", high=1
    )
    lgd_shortfall: tuple[float, float] = setting(
        (0.1, 0.25), "Loss shortfall, the share of losses not estimated", bad="high", high=1
    )
    lgd_ranking: tuple[float, float] = setting(
        (0.05, 0.01), "p of the generalised AUC of the LGD against initial", bad="low", high=1
    )


# What the opinion counts: every light but that of a single grade, and the test that no mortgage book can run.
TESTS = (*(item.name for item in fields(Lights) if item.name != "grade_p"), "ccf")


@dataclass(frozen=True)
class OpinionRule:
    """How lights become an opinion from 1 (no deficiencies) to 4 (severe ones)."""

    amber: float = setting(1.0, "Points of an amber light", low=0, high=1000)
    red: float = setting(3.0, "Points of a red light", low=0, high=1000)
    minor: float = setting(1.0, "Minor deficiencies (2) from this many points", low=0.001, high=10_000)
    major: float = setting(5.0, "Major deficiencies (3) from this many points", low=0.001, high=10_000)
    severe: float = setting(10.0, "Severe deficiencies (4) from this many points", low=0.001, high=10_000)
    key: tuple[str, ...] = setting(
        ("portfolio_pd", "discrimination"), "Red in one of these is at least a major deficiency", kind="names",
        among=TESTS,
    )  # fmt: skip
    required: tuple[str, ...] = setting(
        ("portfolio_pd", "grade_pds", "discrimination"), "One of these not run is at least a minor deficiency",
        kind="names", among=TESTS,
    )  # fmt: skip
    weights: Mapping[str, float] = setting(
        {}, "Weight of a test's points, as { discrimination = 2 }; 1 where none is given", kind="weights", among=TESTS,
        low=0, high=1000,
    )  # fmt: skip


@dataclass(frozen=True)
class ExplanationRule:
    """When an explanation is called unstable and a changed loan an extrapolation."""

    rarest: float = setting(
        0.005,
        "A loan is outside the training range beyond this share of training loans: on either side of one field, "
        "or rarer in its combination of numbers",
        low=0.0001,
        high=0.1,
    )
    stable_share: float = setting(
        0.9, "A reason is stable if at least this share of other backgrounds and seeds give it too", low=0.5, high=1
    )


@dataclass(frozen=True)
class Policy:
    """A portfolio's criteria. `source` is "policy.toml" where the portfolio has one, else "defaults"."""

    comparison: Comparison = field(default_factory=Comparison)
    profit: Profit = field(default_factory=Profit)
    validation: Validation = field(default_factory=Validation)
    lights: Lights = field(default_factory=Lights)
    opinion: OpinionRule = field(default_factory=OpinionRule)
    explanation: ExplanationRule = field(default_factory=ExplanationRule)
    source: str = "defaults"


SECTIONS: dict[str, type] = {
    "comparison": Comparison,
    "profit": Profit,
    "validation": Validation,
    "lights": Lights,
    "opinion": OpinionRule,
    "explanation": ExplanationRule,
}


def policy_file(portfolio: Portfolio) -> Path:
    """Return where the portfolio's policy is, if it has its own."""
    return portfolio.root / FILE


def load_policy(portfolio: Portfolio) -> Policy:
    """Return the portfolio's policy; an unknown key, a wrong type or an impossible value is refused by name."""
    path = policy_file(portfolio)
    if not path.exists():
        return Policy()
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise HypothecError(f"{path}: cannot read the policy ({error}); mend or delete the file") from None
    return build_policy(raw, where=str(path))


def build_policy(raw: Mapping[str, Any], *, where: str = FILE) -> Policy:
    """Return the policy of a parsed TOML document, over the defaults; HypothecError names `where` and the key."""
    if unknown := sorted(set(raw) - set(SECTIONS)):
        raise HypothecError(f"{where}: unknown section {', '.join(unknown)}; a policy has {', '.join(SECTIONS)}")
    built = {name: read_section(f"{where}: [{name}]", cls, raw.get(name, {})) for name, cls in SECTIONS.items()}
    policy = Policy(**built, source=FILE)
    for wrong in _conflicts(policy):
        raise HypothecError(f"{where}: {wrong}")
    return policy


def _conflicts(policy: Policy) -> Iterator[str]:
    """Yield what contradicts each other in values that are each possible."""
    lost = policy.profit.share_no_loss + policy.profit.share_full_loss
    if lost > 1:
        yield f"[profit] share_no_loss and share_full_loss must add up to at most 1, got {lost:g}"
    rule = policy.opinion
    if not rule.minor <= rule.major <= rule.severe:
        yield f"[opinion] minor, major and severe must rise, got {rule.minor:g}, {rule.major:g}, {rule.severe:g}"
    if rule.amber > rule.red:
        yield f"[opinion] red must count at least as much as amber, got amber {rule.amber:g}, red {rule.red:g}"


def format_policy(policy: Policy) -> str:
    """Return `policy` as the text of a policy.toml, every key with what it means; `build_policy` reads it back."""
    lines = [f"# Criteria in force ({policy.source}). Keep what differs from the defaults, delete the rest."]
    for name, cls in SECTIONS.items():
        lines += ["", f"# {_first_line(cls)}", f"[{name}]", *format_section(getattr(policy, name))]
    return "\n".join(lines) + "\n"


def _first_line(cls: type) -> str:
    return str(cls.__doc__).splitlines()[0]
