"""The columns of the public loan-level formats: position, name, type and the codes that stand for a missing value."""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).with_name("layouts")

NO_DATA = {
    "ND1": "not collected: the lending criteria did not require it",
    "ND2": "collected at application, not loaded into the reporting system",
    "ND3": "collected at application, loaded into a separate system",
    "ND4": "collected, available only from a later date",
    "ND5": "not applicable",
}
"""What ESMA's no-data codes say of a value that is not there."""


@dataclass(frozen=True)
class Column:
    """One column of a layout. `kind` is text, number, yyyymm, mmyyyy or date (ISO); `missing` are its no-data codes."""

    position: int
    name: str
    kind: str
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """One kind of file: its columns in order. `width` is how many of them the file has."""

    name: str
    columns: tuple[Column, ...]

    @property
    def width(self) -> int:
        """How many fields a row of the file has."""
        return len(self.columns)

    def column(self, name: str) -> Column:
        """Return the column called `name`."""
        return next(item for item in self.columns if item.name == name)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names in the file's order."""
        return tuple(item.name for item in self.columns)

    def cut(self, width: int) -> "Layout":
        """Return the layout's first `width` columns: an earlier release of the same format."""
        return Layout(self.name, self.columns[:width])


@cache
def load_layout(name: str) -> Layout:
    """Return the layout kept in `layouts/<name>.csv`.

    >>> load_layout("freddie_performance_35").width
    35
    >>> load_layout("freddie_origination_32").column("credit_score").missing
    ('9999',)
    """
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return Layout(
        name,
        tuple(
            Column(int(row["position"]), row["name"], row["type"], tuple(filter(None, row["missing"].split("|"))))
            for row in rows
        ),
    )
