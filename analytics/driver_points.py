"""Attributions in PD points: the log-odds' attributions rescaled, loan by loan, so that they add up to the PD.

A loan's attributions add up to z − b, its log-odds less the background's. In PD points each becomes

    φ_f · (σ(z) − σ(b)) / (z − b),        σ(x) = 1 / (1 + exp(−x)),

the secant's slope between b and z, so that Σ_f of them is σ(z) − σ(b) exactly: the loan's PD less the PD at the
background's mean log-odds. This is the rescale rule of DeepLIFT for the last link (Shrikumar, Greenside and Kundaje
2017, "Learning important features through propagating activation differences", ICML, section 3.5.1). They are not the
Shapley values of the PD itself, which would need every model explained twice; signs and ranks within a loan stay.
"""

import ibis.expr.types as ir

from analytics.attributions import PHI, list_explained

CLOSE = 1e-5  # below it the difference quotient loses digits; the slope in the middle is right to 1e-11


def to_points(scored: ir.Table) -> ir.Table:
    """Return `scored` with base and every phi_<feature> in PD (fractions) instead of log-odds, lazily.

    base becomes σ(base), so that base + Σ φ = PD for every row. Needs the columns base, log_odds and phi_…; all
    other columns stay. Raises ValueError without base or log_odds.
    """
    missing = [name for name in ("base", "log_odds") if name not in scored.columns]
    if missing:
        raise ValueError(f"attributions in PD points need the columns base and log_odds; {', '.join(missing)} missing")
    base, distance = scored.base, scored.log_odds - scored.base
    middle = _pd(base + distance / 2)
    slope = (distance.abs() < CLOSE).ifelse(
        middle * (1 - middle), (_pd(scored.log_odds) - _pd(base)) / (distance.abs() < CLOSE).ifelse(1.0, distance)
    )
    # the slope is a column of its own first: one exponential a row, not one a feature
    sloped = scored.mutate(_slope=slope)
    scaled = {f"{PHI}{name}": sloped[f"{PHI}{name}"] * sloped["_slope"] for name in list_explained(scored)}
    return sloped.mutate(base=_pd(sloped.base), **scaled).drop("_slope")


def _pd(log_odds: ir.NumericValue) -> ir.NumericValue:
    return 1 / (1 + (-log_odds).exp())
