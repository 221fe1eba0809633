"""Named features beyond the built-in ones: made of a loan's last 24 months and of its region's economy.

A transform is a schema field with a recipe. A portfolio has those that its schema.toml names (`cli.py features add`
puts them there), so that a snapshot costs no more than is asked for. Everything comes from rows dated on or before the
observation date; months are counted, not rows.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from portfolio.months import month_index
from portfolio.schema import Field

MONTHS = 24  # how far a transform looks back
BEHIND = 30  # days past due from which a month counts as one in arrears
FREE_SHARE = 0.10  # of the balance that may be repaid early in a year without a fee (DATA: the Netherlands)

LookBack = Callable[[ir.Table, int], ir.Value]
Make = Callable[[ir.Table, int], ir.Value]


@dataclass(frozen=True)
class Transform:
    """A schema field and how it is made: `make(table, now)` of the columns in `needs`, `now` being the date's month."""

    field: Field
    needs: tuple[str, ...]
    make: Make

    @property
    def name(self) -> str:
        """The field's name."""
        return self.field.name


def _field(name: str, label: str, unit: str, group: str, sign: int, description: str) -> Field:
    return Field(name, label, "number", ("feature",), description=description, unit=unit, expected_sign=sign,
                 group=group)  # fmt: skip


def _at(window: ir.Table, column: str, month: int) -> ir.Value:
    return window[column].max(where=window.index == month)


# What of the last 24 months is needed, by loan: the columns of the performance table it takes, and the aggregate.
LOOK_BACKS: dict[str, tuple[tuple[str, ...], LookBack]] = {
    "_last_behind": (("days_past_due",), lambda w, _: w.index.max(where=w.days_past_due >= BEHIND)),
    "_episodes": (("days_past_due",), lambda w, _: w.falls.sum()),
    "_days_3m_ago": (("days_past_due",), lambda w, now: _at(w, "days_past_due", now - 3)),
    "_income_12m_ago": (("income",), lambda w, now: _at(w, "income", now - 12)),
    "_balance_12m_ago": (("balance",), lambda w, now: _at(w, "balance", now - 12)),
    "_curtailed_12m": (("curtailment",), lambda w, now: w.curtailment.sum(where=w.index > now - 12)),
}


def _number(column: ir.Column) -> ir.FloatingColumn:
    return column.cast("float64")


def _months_to_reset(t: ir.Table, now: int) -> ir.Value:
    """Return the months until the fixed rate ends; missing for a variable rate, which has no such date."""
    period = t.fixed_period_months.cast("int64").nullif(0)
    age = now - month_index(t.origination_date)
    return period - age % period


def _payment_at_market(t: ir.Table, now: int) -> ir.Value:
    """Return a year's payments over the months left at the market rate, as a share of income."""
    rate = _number(t.market_rate) / 12
    left = (month_index(t.maturity_date) - now).cast("float64")
    left = ibis.greatest(left, ibis.literal(1.0))
    annuity = ibis.ifelse(rate.abs() < 1e-9, 1 / left, rate / (1 - (1 + rate).pow(-left)).nullif(0))
    return 12 * _number(t.balance) * annuity / _number(t.income).nullif(0)


_LIST = (
    Transform(
        _field("months_since_arrears", "Months since arrears", "months", "arrears", -1,
               "Months since the loan was last 30 days or more past due, in the last 24; missing where it was not."),
        ("_last_behind",), lambda t, now: now - t["_last_behind"]),
    Transform(
        _field("arrears_episodes_24m", "Arrears episodes in 24 months", "", "arrears", 1,
               "How often the loan fell from less than 30 to 30 days past due or more, in the last 24 months."),
        ("_episodes",), lambda t, _: t["_episodes"].fill_null(0)),
    Transform(
        _field("arrears_change_3m", "Change of arrears in 3 months", "days", "arrears", 1,
               "Days past due less those three months before; missing for a loan younger than that."),
        ("days_past_due", "_days_3m_ago"), lambda t, _: _number(t.days_past_due) - t["_days_3m_ago"]),
    Transform(
        _field("prepayment_used", "Free prepayment used", "share", "repayment", 0,
               "Extra repayments of the last 12 months as a share of what may be repaid free of a fee: 10 % of the "
               "balance a year ago."),
        ("_curtailed_12m", "_balance_12m_ago"),
        lambda t, _: t["_curtailed_12m"].fill_null(0) / (FREE_SHARE * _number(t["_balance_12m_ago"])).nullif(0)),
    Transform(
        _field("income_change_12m", "Income change in 12 months", "share", "affordability", -1,
               "Reported income against that of twelve months before."),
        ("income", "_income_12m_ago"), lambda t, _: _number(t.income) / _number(t["_income_12m_ago"]).nullif(0) - 1),
    Transform(
        _field("balance_change_12m", "Balance change in 12 months", "share", "repayment", 1,
               "Balance against that of twelve months before: how fast the loan is repaid."),
        ("balance", "_balance_12m_ago"),
        lambda t, _: _number(t.balance) / _number(t["_balance_12m_ago"]).nullif(0) - 1),
    Transform(
        _field("ltv_change_12m", "Loan-to-value change in 12 months", "share", "equity", 1,
               "Indexed loan-to-value less that of twelve months before: balance and house prices together."),
        ("balance", "_balance_12m_ago", "property_value", "price_now", "price_before", "price_granted"),
        lambda t, _: _number(t.balance) / (t.property_value.nullif(0) * t.price_now / t.price_granted.nullif(0))
        - _number(t["_balance_12m_ago"]) / (t.property_value.nullif(0) * t.price_before / t.price_granted.nullif(0))),
    Transform(
        _field("months_to_reset", "Months to rate reset", "months", "rate", -1,
               "Months until the fixed rate ends and is set anew; missing for a variable rate."),
        ("fixed_period_months", "origination_date"), _months_to_reset),
    Transform(
        _field("debt_service_after_reset", "Debt service at the market rate", "share", "affordability", 1,
               "Twelve monthly payments over the months left as a share of income, were the rate today's market rate: "
               "what a reset would ask."),
        ("balance", "income", "market_rate", "maturity_date"), _payment_at_market),
    Transform(
        _field("unemployment_momentum_3m", "Regional unemployment momentum", "share", "economy", 1,
               "Three months' change of the region's unemployment less the mean change of its country's regions."),
        ("_unemployment_momentum",), lambda t, _: t["_unemployment_momentum"]),
    Transform(
        _field("house_price_momentum_6m", "Regional house-price momentum", "share", "economy", -1,
               "Six months' growth of the region's house prices less the mean growth of its country's regions."),
        ("_house_price_momentum",), lambda t, _: t["_house_price_momentum"]),
)  # fmt: skip
TRANSFORMS: dict[str, Transform] = {item.name: item for item in _LIST}
"""Each transform by its name."""
MOMENTUM = ("_unemployment_momentum", "_house_price_momentum")


def available_transforms(columns: Iterable[str], monthly: Iterable[str], *, economy: bool) -> list[str]:
    """Return the transforms that a history can give.

    `columns` are those of its loans, performance and built-in inputs; `monthly` those of performance alone: what
    stands once a loan has no value months ago.
    """
    present, by_month = set(columns), set(monthly)
    present |= {name for name, (needs, _) in LOOK_BACKS.items() if by_month.issuperset(needs)}
    present |= set(MOMENTUM) if economy else set()
    return [name for name, item in TRANSFORMS.items() if present.issuperset(item.needs)]


def add_transforms(
    table: ir.Table, known: ir.Table, macro: ir.Table | None, names: Sequence[str], now: int
) -> ir.Table:
    """Return `table` (one row a loan at month `now`) with the transforms `names` whose inputs there are.

    `known` holds the performance rows up to `now` with their month as `index`; `macro` the economy by region and month.
    """
    chosen = [TRANSFORMS[name] for name in names]
    needs = {need for item in chosen for need in item.needs}
    backs = {name: back for name, (inputs, back) in LOOK_BACKS.items()
             if name in needs and set(known.columns).issuperset(inputs)}  # fmt: skip
    if backs:
        past = _look_back(known, backs, now)
        table = table.left_join(past, table.loan_id == past.back_id)
    if macro is not None and needs & set(MOMENTUM):
        table = table.left_join(_momentum(macro, now), ["country", "region"], rname="{name}_m")
    present = set(table.columns)
    made = {item.name: item.make(table, now).cast("float64") for item in chosen if present.issuperset(item.needs)}
    return table.mutate(**made)


def _look_back(known: ir.Table, backs: Mapping[str, LookBack], now: int) -> ir.Table:
    """Return `backs` of each loan's last 24 months; a fall into arrears is counted from the month before them on."""
    window = known.filter(known.index >= now - MONTHS)
    if "days_past_due" in window.columns:
        before = ibis.window(group_by=window.loan_id, order_by=window.index)
        behind = window.days_past_due >= BEHIND
        former = window.days_past_due.lag().over(before)
        window = window.mutate(falls=(behind & (former < BEHIND)).fill_null(False).cast("int64"))
        window = window.filter(window.index > now - MONTHS)
    return window.group_by(back_id=window.loan_id).aggregate(
        **{name: back(window, now) for name, back in backs.items()}
    )


def _momentum(macro: ir.Table, now: int) -> ir.Table:
    """Return each region's change of unemployment and growth of house prices against its country's regions."""
    indexed = macro.mutate(index=month_index(macro.month))
    rows = indexed.filter(indexed.index.isin([now, now - 3, now - 6]))

    def value(name: str, month: int) -> ir.Value:
        return rows[name].max(where=rows.index == month)

    changes = rows.group_by("country", "region").aggregate(
        rise=value("unemployment", now) - value("unemployment", now - 3),
        growth=value("house_price_index", now) / value("house_price_index", now - 6).nullif(0) - 1,
    )
    nation = ibis.window(group_by=changes.country)
    return changes.select(
        "country", "region",
        _unemployment_momentum=changes.rise - changes.rise.mean().over(nation),
        _house_price_momentum=changes.growth - changes.growth.mean().over(nation),
    )  # fmt: skip
