"""Two cohorts chosen by clicks: a field, values or a range for A and for B, and a snapshot for each."""

import math

import streamlit as st

from pages.common import cohort_data
from pages.common.cohort_data import Group
from pages.common.shell import PILLS, View
from portfolio.schema import SAMPLE, Field
from portfolio.workspace import UNDATED

TWO_DATES = "two dates"
TOP = 0.8  # cohort A of a number opens with the highest fifth


def name_grouping(view: View, name: str) -> str:
    """Return what a choice of "Compare by" is called."""
    if name == TWO_DATES:
        return "Two dates, whole book"
    if name == SAMPLE:
        return "Sample (development, out-of-time …)"
    if name in view.schema.names("target"):
        return f"Outcome: {view.schema.event} {view.schema.within}"
    return view.schema.get(name).label


def choose_groups(view: View) -> tuple[Group, Group]:
    """Draw the choice and return cohorts A and B. Everything chosen is in the link."""
    keys = [str(key) for key in cohort_data.known_dates(view.selection)["key"]][::-1]
    default = cohort_data.default_date(view.selection)
    options = cohort_data.groupings(view.selection, default) + ([TWO_DATES] if len(keys) > 1 else [])
    with st.container(border=True):
        columns = st.columns([2, 1, 1] if keys != [UNDATED] else 1, gap="small")
        by = columns[0].selectbox(
            "Compare by", options, format_func=lambda name: name_grouping(view, name), key="cohorts_by",
            bind="query-params",
        )  # fmt: skip
        first, second = _dates(columns[1:], keys, default, by)
        return _groups(view, by, first, second)


def _dates(columns: list[st.delta_generator.DeltaGenerator], keys: list[str], default: str, by: str) -> tuple[str, str]:
    """Return the snapshots of A and B; B's is A's unless another is chosen, or a year before for two dates."""
    if not columns:
        return default, default
    first = columns[0].selectbox(
        "Snapshot of A", keys, index=keys.index(default), key="cohorts_date", bind="query-params"
    )
    if by == TWO_DATES:
        others = [key for key in keys if key != first]
        year_before = f"{int(first[:4]) - 1}{first[4:]}"
        place = others.index(year_before) if year_before in others else len(others) - 1
        return first, columns[1].selectbox(
            "Snapshot of B", others, index=place, key="cohorts_before", bind="query-params"
        )
    second = columns[1].selectbox(
        "Snapshot of B", ["same as A", *(key for key in keys if key != first)], key="cohorts_date_b",
        bind="query-params", help="Another date compares a group with the same group then.",
    )  # fmt: skip
    return first, first if second == "same as A" else second


def _groups(view: View, by: str, first: str, second: str) -> tuple[Group, Group]:
    if by == TWO_DATES:
        return Group(first), Group(second)
    if by in view.schema.names("target"):
        same = first == second
        return Group(first, by), Group(second, by, rest=same)
    if by == SAMPLE or cohort_data.is_category(view.schema.get(by)):
        return _choose_values(view, by, first, second)
    return _choose_range(view, view.schema.get(by), first, second)


def _choose_values(view: View, by: str, first: str, second: str) -> tuple[Group, Group]:
    values = cohort_data.values_of(view.selection, first, by)
    left, right = st.columns(2, gap="medium")
    with left:
        chosen = _pick("A", values, f"cohorts_a_{by}", values[:1])
    others = values if first != second else [value for value in values if value not in chosen]
    empty = "empty: everyone else" if first == second else "empty: the same as A"
    with right:
        rest = _pick(f"B ({empty})", others, f"cohorts_b_{by}", [])
    a = Group(first, by, values=chosen or tuple(values[:1]))
    if rest:
        return a, Group(second, by, values=rest)
    return a, Group(second, by, values=a.values, rest=first == second)


def _pick(label: str, values: list[str], key: str, default: list[str]) -> tuple[str, ...]:
    if len(values) <= PILLS:
        found = st.pills(
            label, values, selection_mode="multi", default=default, key=key, bind="query-params", wrap=True
        )
    else:
        found = st.multiselect(label, values, default=default, key=key, bind="query-params", placeholder="Choose")
    return tuple(value for value in found if value in values)


def _choose_range(view: View, field: Field, first: str, second: str) -> tuple[Group, Group]:
    """Return ranges of a number; shares are typed in per cent."""
    scale = 100.0 if field.unit == "share" else 1.0
    unit = "%" if field.unit == "share" else field.unit
    shown = f"{field.label}, {unit}" if unit else field.label
    start = cohort_data.threshold_of(view.selection, first, field.name, TOP) * scale
    places = st.columns(4, gap="small")

    def ask(place: int, label: str, end: str, value: float | None, empty: str) -> float | None:
        key = f"cohorts_{label[0].lower()}_{end}_{field.name}"
        typed = places[place].number_input(
            f"{label} {end}", value=value, key=key, bind="query-params", placeholder=empty
        )
        return None if typed is None else float(typed) / scale

    low_a, high_a = ask(0, f"A: {shown}", "from", _round(start), "any"), ask(1, "A:", "below", None, "any")
    low_b, high_b = (ask(place, "B:", end, None, "everyone else") for place, end in ((2, "from"), (3, "below")))
    a = Group(first, field.name, low=low_a, high=high_a)
    if low_b is not None or high_b is not None:
        return a, Group(second, field.name, low=low_b, high=high_b)
    return a, Group(second, field.name, low=low_a, high=high_a, rest=first == second)


def _round(value: float) -> float:
    """Return a number with two significant digits."""
    if not value or not math.isfinite(value):
        return 0.0
    return round(value, 1 - math.floor(math.log10(abs(value))))
