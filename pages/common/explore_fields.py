"""What can be asked of a portfolio: measures, dimensions and filters from its schema, by the names used in links."""

from dataclasses import dataclass, replace

from analytics.banding import Dimension
from pages.common import explore_data
from pages.common.shell import View
from portfolio.observed import PD
from portfolio.schema import OBSERVATION_DATE, Field

NONE = "nothing"
CATEGORIES = {"bars": 15, "lines": 24, "heat map": 20, "boxes": 15, "points": 8, "pivot": 25}
SPLITS = {"bars": 4, "lines": 6, "heat map": 12, "boxes": 3, "points": 6, "pivot": 12}


@dataclass(frozen=True)
class Choice:
    """A dimension that can be chosen: its label and how it groups."""

    label: str
    dimension: Dimension


class Fields:
    """The fields of one portfolio as Explore offers them."""

    def __init__(self, view: View) -> None:
        self.view, self.schema, self.selection = view, view.schema, view.selection
        self.columns = set(explore_data.columns(self.selection))
        self.champion = explore_data.champion(self.selection) if PD not in self.columns else ""
        hidden = {"id", "target"}
        self.fields = [
            item for item in self.schema.fields if item.name in self.columns and not hidden & set(item.roles)
        ]
        # A category that no role uses is a number of a borrower or a contract: nothing to group by.
        self.fields = [item for item in self.fields if not ("ignore" in item.roles and item.kind == "category")]

    def label(self, name: str) -> str:
        """Return a field's label; protected fields are marked."""
        if name == PD:
            return "Champion's PD"
        if name == OBSERVATION_DATE:
            return "Observation date"
        item = self.schema.get(name)
        return f"{item.label} (protected)" if "protected" in item.roles else item.label

    def unit(self, name: str) -> str:
        """Return a field's unit."""
        if name in (PD, OBSERVATION_DATE, ""):
            return "share" if name == PD else ""
        return self.schema.get(name).unit

    def measures(self) -> dict[str, str]:
        """Return the measures by their name in links."""
        found = {"rate": f"{self.schema.event.capitalize()} rate"} if self.target else {}
        found["loans"] = f"Number of {self.schema.subject}s"
        if self.exposure:
            found["exposure"] = "Exposure"
        return found | {"mean": "Average of", "median": "Median of", "spread": "10–90 % range of", "sum": "Sum of",
                        "missing": "Share missing of"}  # fmt: skip

    @property
    def target(self) -> str:
        """The outcome's column, "" without one."""
        return next((name for name in self.schema.names("target") if name in self.columns), "")

    @property
    def exposure(self) -> str:
        """The amount's column, "" without one."""
        return self.schema.exposure.name if self.schema.exposure else ""

    def numbers(self) -> list[str]:
        """Return the number fields, features first."""
        own = [item for item in self.fields if item.kind == "number"]
        own.sort(key=lambda item: "feature" not in item.roles)
        return [item.name for item in own] + ([PD] if self.champion else [])

    def measurable(self, measure: str) -> list[str]:
        """Return the fields that a measure can be of: any for the share missing, numbers for the others."""
        return self.numbers() if measure != "missing" else [item.name for item in self.fields]

    def dimensions(self) -> dict[str, Choice]:
        """Return what can be grouped by, by its name in links: segments first, then the other fields."""
        ordered = sorted(self.fields, key=lambda item: ("segment" not in item.roles, "protected" in item.roles))
        found: dict[str, Choice] = {}
        for item in ordered:
            found |= self._dimensions_of(item)
        if self.champion:
            found[PD] = Choice(self.label(PD), Dimension(PD, "number", "share"))
        if len(explore_data.snapshot_keys(self.selection)) > 1:
            date, year = Dimension(OBSERVATION_DATE, "date"), Dimension(OBSERVATION_DATE, "year")
            dates = {
                "observation": Choice("Observation date", date),
                "observation.year": Choice("Observation year", year),
            }
            found = dates | found
        return found

    def _dimensions_of(self, item: Field) -> dict[str, Choice]:
        label = self.label(item.name)
        if item.kind == "date":
            year, quarter = Dimension(item.name, "year"), Dimension(item.name, "quarter")
            return {
                f"{item.name}.year": Choice(f"{label}: year", year),
                f"{item.name}.quarter": Choice(f"{label}: quarter", quarter),
            }
        if item.kind == "category":
            return {item.name: Choice(label, Dimension(item.name))}
        step = 0.1 if item.meaning in ("ltv", "original_ltv") and item.unit == "share" else 0.0
        unit = "" if item.unit and item.unit in item.label.lower() else item.unit
        return {item.name: Choice(label, Dimension(item.name, "number", unit, step=step))}

    def dimension(self, name: str | None, chart: str, bands: int, *, split: bool) -> Dimension | None:
        """Return the dimension called `name` with as many groups as the chart can show."""
        choice = self.dimensions().get(name or NONE)
        if choice is None:
            return None
        most = (SPLITS if split else CATEGORIES)[chart]
        wanted = min(bands, most) if choice.dimension.kind == "number" else most
        step = choice.dimension.step if not split or most > 8 else 0.0
        return replace(choice.dimension, count=wanted, step=step)

    def default_rows(self) -> str:
        """Return the dimension that the page opens with: loan-to-value, else the first number, else the first."""
        known = self.schema.meaning("ltv")
        names = self.dimensions()
        numbers = [name for name in self.numbers() if name in names]
        return known.name if known is not None and known.name in names else next(iter([*numbers, *names]))

    def default_split(self) -> str:
        """Return the split that the page opens with: the country, else the first segment, else none."""
        segments = [item.name for item in self.schema.with_role("segment") if item.name in self.dimensions()]
        country = self.schema.meaning("country")
        first = country.name if country is not None and country.name in segments else next(iter(segments), NONE)
        return first if first != self.default_rows() else NONE
