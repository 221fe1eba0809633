"""A workbook whose statistics stand twice: as a value and as a live formula over the inputs beside them."""

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from pages.common.exports import safe_cell

# Functions that came to Excel after 2007 are stored under a prefix, or a spreadsheet takes them for unknown names.
_LATER = ("BETA.DIST", "BETA.INV", "BINOM.DIST", "CHISQ.DIST.RT", "CHISQ.INV.RT", "NORM.S.DIST", "STDEV.S", "T.DIST.RT")


class Formula(str):
    """A formula: the only text of a workbook that a spreadsheet computes."""

    __slots__ = ()


class Book:
    """Sheets filled from the top; text is text, whatever it begins with."""

    def __init__(self) -> None:
        from openpyxl import Workbook
        from openpyxl.styles import Font

        self._book = Workbook(write_only=True)
        self._bold = Font(bold=True)
        self._sheet: Any = None
        self.row = 0  # the last row written

    def sheet(self, name: str, *, widths: Sequence[float] = ()) -> None:
        """Begin a sheet; its name has at most 31 characters."""
        self._sheet = self._book.create_sheet(name)
        self.row = 0
        for place, width in enumerate(widths):
            self._sheet.column_dimensions["ABCDEFGHIJKLMNOP"[place]].width = width

    def add(self, values: Iterable[Any], *, bold: bool = False) -> int:
        """Append a row and return its number."""
        self._sheet.append([self._cell(value, bold) for value in values])
        self.row += 1
        return self.row

    def head(self, *names: str) -> int:
        """Append a row of headings."""
        return self.add(names, bold=True)

    def facts(self, facts: Mapping[str, Any]) -> None:
        """Append one row a fact: its name and what it is."""
        for name, value in facts.items():
            self._sheet.append([self._cell(name, True), self._cell(value, False)])
            self.row += 1

    def table(self, table: pd.DataFrame) -> int:
        """Append a table of values; returns the row of its first line."""
        self.head(*map(str, table.columns))
        first = self.row + 1
        for row in table.itertuples(index=False, name=None):
            self.add(row)
        return first

    def _cell(self, value: Any, bold: bool) -> Any:
        if not isinstance(value, Formula):
            return safe_cell(self._sheet, value, self._bold if bold else None)
        from openpyxl.cell import WriteOnlyCell

        text = str(value)
        for name in _LATER:
            text = text.replace(f"{name}(", f"_xlfn.{name}(")
        return WriteOnlyCell(self._sheet, value=f"={text}")

    def save(self) -> bytes:
        """Return the file."""
        buffer = io.BytesIO()
        self._book.save(buffer)
        return buffer.getvalue()
