"""Saved views: a name and the query string of a page, kept in the portfolio's folder as `views.json`."""

import contextlib
import datetime
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

from portfolio.atomic import lock_folder, write_text
from portfolio.errors import HypothecError
from portfolio.workspace import Portfolio

MOST = 100  # views of a portfolio
LONGEST = 4000  # characters of a query string
_PAGES = re.compile(r"[a-z]{1,20}")


@dataclass(frozen=True)
class SavedView:
    """One view: what it is called, its page, the query string that opens it, and the day it was saved."""

    name: str
    page: str
    query: str
    saved: str

    @property
    def link(self) -> str:
        """The address on this server, relative to another page's."""
        return f"{self.page}?{self.query}"


def views_file(portfolio: Portfolio) -> Path:
    """Return where the portfolio's views are kept."""
    return portfolio.root / "views.json"


def load_views(portfolio: Portfolio) -> list[SavedView]:
    """Return the saved views by name; a file that cannot be read is refused by name."""
    path = views_file(portfolio)
    if not path.exists():
        return []
    try:
        found = [SavedView(**item) for item in json.loads(path.read_text(encoding="utf-8"))]
        return sorted((_checked(item) for item in found), key=lambda item: item.name.casefold())
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise HypothecError(f"{path}: cannot read the saved views ({error}); mend or delete the file") from None


def save_view(portfolio: Portfolio, name: str, page: str, query: str) -> SavedView:
    """Keep a view; one of the same name is replaced. Odd names, other addresses and too many are refused."""
    view = _checked(SavedView(name.strip(), page, query, datetime.datetime.now(datetime.UTC).date().isoformat()))
    with _writing(portfolio):
        others = [item for item in load_views(portfolio) if item.name != view.name]
        if len(others) >= MOST:
            raise HypothecError(f"a portfolio keeps at most {MOST} saved views and this one has them; delete one first")
        _write(portfolio, [*others, view])
    return view


def delete_view(portfolio: Portfolio, name: str) -> None:
    """Forget the view called `name`; there being none is no error."""
    with _writing(portfolio):
        _write(portfolio, [item for item in load_views(portfolio) if item.name != name])


def query_of(parameters: dict[str, list[str]], prefixes: tuple[str, ...]) -> str:
    """Return a query string of the parameters whose names begin with one of `prefixes`, in order of names.

    >>> query_of({"explore_by": ["country"], "secret": ["x"], "only_place": ["Italy", "Malta"]}, ("explore_", "only_"))
    'explore_by=country&only_place=Italy&only_place=Malta'
    """
    kept = {name: values for name, values in sorted(parameters.items()) if name.startswith(prefixes)}
    return urlencode(kept, doseq=True)


def _checked(view: SavedView) -> SavedView:
    if not 1 <= len(view.name) <= 60 or not view.name.isprintable():
        raise HypothecError(f"a view's name has 1 to 60 printable characters, got {view.name[:80]!r}")
    if not _PAGES.fullmatch(view.page):
        raise HypothecError(f"a view belongs to a page of this app, got {view.page!r}")
    if len(view.query) > LONGEST:
        raise HypothecError(
            f"a view's address has at most {LONGEST} characters, got {len(view.query)}; use fewer filters"
        )
    if urlencode(parse_qsl(view.query, keep_blank_values=True)) != view.query:
        raise HypothecError(f"a view's query is name=value pairs joined by &, got {view.query[:80]!r}")
    return view


@contextlib.contextmanager
def _writing(portfolio: Portfolio) -> Iterator[None]:
    """Hold the views' own lock (training holds the portfolio's for minutes); say where nothing can be written."""
    try:
        with lock_folder(portfolio.root / ".views"):
            yield
    except OSError as error:
        raise HypothecError(
            f"the workspace cannot be written ({error.strerror}), so no view can be saved or deleted; "
            "copy the page's link instead"
        ) from None


def _write(portfolio: Portfolio, views: list[SavedView]) -> None:
    body = [asdict(item) for item in sorted(views, key=lambda item: item.name.casefold())]
    write_text(views_file(portfolio), json.dumps(body, indent=2, ensure_ascii=False))
