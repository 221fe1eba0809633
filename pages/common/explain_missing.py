"""Why a loan that was asked for cannot be shown, in a sentence, and the ways on."""

from dataclasses import dataclass
from typing import NoReturn

import streamlit as st

from analytics.words import format_list, format_month
from pages.common import explain_loan_data, shell
from pages.common.explain_loan_words import LoanWords
from portfolio.selection import Selection

SNAPSHOT = "explain_snapshot"


@dataclass(frozen=True)
class Missing:
    """Why there is nothing to show, and on which button what is set: widget key → value.

    `exact` says that the portfolio has a loan of exactly this id.
    """

    sentence: str
    advice: str = ""
    button: str = ""
    sets: tuple[tuple[str, str], ...] = ()
    exact: bool = True


def describe(words: LoanWords, loan_id: str) -> Missing:
    """Return why the snapshot has no loan of this id for the chosen filters, and where it is."""
    whole = Selection(words.selection.workspace, words.selection.portfolio)
    where = explain_loan_data.whereabouts(whole, loan_id)
    subject, key = words.schema.subject, words.key
    if key in where.snapshots and words.selection.where:
        return Missing(
            f"The {subject} {loan_id!r} is in the snapshot {key}, but outside the sidebar's filters "
            f"({shell.describe_filters(words.view)}).",
            "Press *Clear all filters* in the sidebar, or choose filters that it meets.",
        )
    if key in where.snapshots:
        return Missing(
            f"The {subject} {loan_id!r} is in the snapshot {key}, but not every model has scored it.",
            f"`python cli.py score --portfolio {words.selection.portfolio}` scores it.",
        )
    if where.known:
        return _elsewhen(words, loan_id, where)
    return _elsewhere(words, loan_id)


def _elsewhen(words: LoanWords, loan_id: str, where: explain_loan_data.Whereabouts) -> Missing:
    """Return that the portfolio has the loan, but not in this snapshot, and how its history ended."""
    subject, said = words.schema.subject, ""
    if where.past is not None:
        ending = f", {where.past.ending}" if where.past.ending else ""
        said = f"; its last month is {format_month(where.past.last)}{ending}"
    start = f"The {subject} {loan_id!r} is in this portfolio, but not in the snapshot {words.key}: "
    if not where.snapshots:
        return Missing(f"{start}it is in no snapshot{said}.", _NEVER)
    first, last = where.snapshots[0], where.snapshots[-1]
    count = len(where.snapshots)
    seen = f"it is in {count} snapshots, {first} to {last}" if count > 1 else f"it is in that of {last} only"
    return Missing(
        f"{start}{seen}{said}.", _NEVER, f"Open the snapshot {last}", ((SNAPSHOT, last), ("explain_loan", loan_id))
    )


def _elsewhere(words: LoanWords, loan_id: str) -> Missing:
    """Return which other portfolio has the loan, or that none has."""
    subject, portfolio = words.schema.subject, words.selection.portfolio
    others, unread = explain_loan_data.elsewhere(words.selection, loan_id)
    broken = f" ({format_list(unread)} could not be read.)" if unread else ""
    if others:
        return Missing(
            f"There is no {subject} {loan_id!r} in the portfolio {portfolio!r}, but there is one of this id in "
            f"{format_list([repr(name) for name in others])}.{broken}",
            "",
            f"Open it in {others[0]}",
            (("portfolio", others[0]), ("explain_loan", loan_id)),
            exact=False,
        )
    return Missing(
        f"There is no {subject} {loan_id!r} in the snapshot {words.key}, nor elsewhere in the workspace, and no id "
        f"that holds this text for the chosen filters.{broken}",
        "Check the id, clear the field to see an example, or find one under *List* or *Chart*.",
        exact=False,
    )


def stop(words: LoanWords, loan_id: str) -> NoReturn:
    """Say why the loan cannot be shown, offer the way to where it is, and end the page."""
    found = describe(words, loan_id)
    if found.button:
        st.info(shell.plain(found.sentence), icon=":material/info:")
        st.button(found.button, icon=":material/arrow_forward:", on_click=_go, args=(found.sets,), key="explain_go")
        st.caption(found.advice)
        st.stop()
    shell.stop_with(shell.plain(found.sentence), found.advice)


def _go(sets: tuple[tuple[str, str], ...]) -> None:
    for key, value in sets:
        st.session_state[key] = value


_NEVER = (
    "A snapshot holds the loans that were performing at its date: those repaid, matured, written off or in default by "
    "then, and those granted later, are not in it."
)
