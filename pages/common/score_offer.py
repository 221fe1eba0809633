"""The offer to score a snapshot in the page: what is missing, and a button with progress and time left."""

import time
from concurrent.futures import ThreadPoolExecutor, wait

import streamlit as st

from analytics.words import format_list
from models.families import PREDICTIONS
from pages.common import cached
from pages.common.cached import remember
from pages.common.shell import View, plain
from portfolio.errors import HypothecError
from portfolio.progress import Report, format_seconds
from portfolio.selection import Selection

EVERY = 0.2  # seconds between two looks at the progress
WAITING = 0.02  # before this share is done nothing is said of the time left
DONE = "score_offer_done"


@remember
def state(selection: Selection, ref: str, key: str) -> str:
    """Return what is stored of a model version's scores of a snapshot: see `models.stored.check_scores`.

    Predictions from a column of the data are "current" once they are scored: they cannot be explained.
    """
    from models.registry import load_registry
    from models.stored import check_scores

    here = cached.portfolio(selection)
    entry = load_registry(here).find(ref)
    found = check_scores(here, entry, key)
    return "current" if entry.family == PREDICTIONS and found == "not explained" else found


def offer(view: View, ref: str, key: str) -> bool:
    """Draw what a model version's scores of snapshot `key` lack and a button that makes them; True if they lack any.

    Pressed, the button scores and explains this one snapshot and runs the page again. HypothecError for an unknown
    model or snapshot.
    """
    return offer_all(view, [ref], key)


def offer_all(view: View, refs: list[str], key: str) -> bool:
    """Do as `offer` for several model versions at once, with one button."""
    found = {ref: state(view.selection, ref, key) for ref in refs}
    lacking = [ref for ref in refs if found[ref] != "current"]
    if done := st.session_state.pop(DONE, ""):
        st.toast(done, icon=":material/check:")
    if not lacking:
        return False
    for kind in ("missing", "not explained", "stale"):
        if names := [_label(view, ref) for ref in lacking if found[ref] == kind]:
            st.info(plain(describe(kind, names, key)), icon=":material/info:")
    place = st.empty()
    name = f"score_offer_{key}_{'_'.join(lacking).replace('/', '-')}"
    if place.button("Score it now", icon=":material/play_arrow:", key=name, type="primary"):
        place.empty()
        _run(view, lacking, key)
    return True


def describe(state: str, names: list[str], key: str) -> str:
    """Return in a sentence what models called `names` lack at snapshot `key`."""
    one = len(names) == 1
    who = format_list(names)
    if state == "missing":
        return f"{who} {'has' if one else 'have'} not scored the snapshot {key} yet."
    if state == "not explained":
        return f"{who} {'has' if one else 'have'} scored the snapshot {key} but not explained it yet."
    return (
        f"What is stored of {who} at {key} was made by other model files, against another background, or before this "
        "was recorded: it is stale and not shown."
    )


def _label(view: View, ref: str) -> str:
    from models.registry import display_name, load_registry

    registry = load_registry(cached.portfolio(view.selection))
    return display_name(registry, registry.find(ref))


def _run(view: View, refs: list[str], key: str) -> None:
    """Score in another thread, show how far it is, and run the page again."""
    told: list[tuple[float, str]] = [(0.0, f"Scoring the snapshot {key}")]
    bar, started = st.progress(0.0, told[-1][1]), time.monotonic()
    with ThreadPoolExecutor(1) as pool:  # what computes may not draw: this thread looks at the other's progress
        task = pool.submit(_score, view.selection, refs, key, lambda share, doing: told.append((share, doing)))
        while not wait([task], timeout=EVERY).done:
            share, doing = told[-1]
            bar.progress(min(share, 1.0), plain(f"{doing}{time_left(share, time.monotonic() - started)}"))
    bar.empty()
    try:
        task.result()
    except HypothecError as error:
        st.error(plain(str(error)), icon=":material/block:")
        return
    # Nothing needs to be cleared: every cache's key holds the time at which the score folders last changed.
    st.session_state[DONE] = f"Scored {key} in {format_seconds(time.monotonic() - started)}"
    st.rerun()


def time_left(share: float, elapsed: float) -> str:
    """Return what to say of the time left after `elapsed` seconds, "" as long as it cannot be told.

    >>> time_left(0.25, 10.0), time_left(0.0, 10.0)
    (', about 30 s left', '')
    """
    return f", about {format_seconds(elapsed * (1 - share) / share)} left" if WAITING < share < 1 else ""


def _score(selection: Selection, refs: list[str], key: str, report: Report) -> None:
    """Score and explain a snapshot under the writer's lock; HypothecError if another run holds it."""
    from models.registry import load_registry
    from models.scoring import score_portfolio
    from portfolio.atomic import lock_folder
    from portfolio.engine import Engine
    from portfolio.workspace import Portfolio

    here = Portfolio(cached.portfolio(selection).root)
    with lock_folder(here.root):
        registry = load_registry(here)
        entries = [registry.find(ref) for ref in refs]
        score_portfolio(Engine(here), entries, keys=[key], explain=[key], report=report)
