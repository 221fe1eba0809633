"""What the Explain page knows of one selection: the models that explained a snapshot, labels, units, loans."""

from typing import Any

import pandas as pd

from analytics.words import format_list
from models.families import PREDICTIONS
from pages.common import explain_data, explain_loan_data, model_data, score_offer
from pages.common.cached import portfolio
from pages.common.shell import View, describe_filters, plain
from portfolio.histories import SEQUENCES


class Words:
    """What the Explain page says about one selection."""

    def __init__(self, view: View) -> None:
        self.view, self.schema, self.selection = view, view.schema, view.selection
        scored = model_data.models(self.selection) if view.schema.with_role("target") else ()
        self.without_model = [item.label for item in scored if item.family == PREDICTIONS]
        self.views = [item for item in scored if explain_data.explained_keys(self.selection, item.ref)]
        self.key = explain_data.explained_keys(self.selection, self.views[0].ref)[0] if self.views else ""
        self.views = [item for item in self.views if self.key in explain_data.explained_keys(self.selection, item.ref)]
        # What other model files made, or another background, explains nothing of the model of today.
        self.stale = [item for item in self.views if score_offer.state(self.selection, item.ref, self.key) == "stale"]
        self.views = [item for item in self.views if item not in self.stale]
        self.colours = {item.ref: item.colour for item in self.views}
        self.labels = {item.ref: item.label for item in self.views}
        self.fields = {item.name for item in self.schema.fields}
        self.feature_labels = {item.name: item.label for item in SEQUENCES.values()}
        self.feature_labels |= {item.name: item.label for item in self.schema.fields}
        # "Months on book of 12 months" says it twice: a unit that the label names is left out.
        self.units = dict.fromkeys(SEQUENCES, "") | {
            item.name: "" if item.unit and item.unit in item.label.lower() else item.unit for item in self.schema.fields
        }

    def problem(self) -> tuple[str, str] | None:
        """Return why there is nothing to explain and the way on, or None."""
        name = self.selection.portfolio
        if not self.views and self.to_score()[0]:
            return (
                "No model of this portfolio has explained a snapshot as it is now.",
                f"*Score it now* scores and explains the snapshot {self.to_score()[1]}; "
                f"`python cli.py score --portfolio {name}` does so for all.",
            )
        if not self.views and self.without_model:
            way = f"`python cli.py train --portfolio {name}` trains models that can be explained."
            return plain(self.left_out()), way
        if not self.views:
            return (
                "No model of this portfolio has explained a snapshot yet.",
                f"`python cli.py train --portfolio {name}` trains, `python cli.py score --portfolio {name}` scores and "
                "explains the latest snapshot.",
            )
        if not self.counted():
            return (
                f"No {self.schema.subject} of the snapshot {self.key} matches {describe_filters(self.view)}.",
                "Take a filter away, or press *Clear all filters* in the sidebar.",
            )
        return None

    def to_score(self) -> tuple[list[str], str]:
        """Return the model versions that could be explained here but are not, and the snapshot that is lacking.

        Those whose stored attributions are stale; where nothing is explained at all, all models at the latest snapshot.
        """
        from models.registry import load_registry

        if self.stale:
            return [item.ref for item in self.stale], self.key
        keys = portfolio(self.selection).snapshot_keys()
        if self.views or not keys or not self.schema.with_role("target"):
            return [], self.key
        known = load_registry(portfolio(self.selection)).latest()
        return [str(entry.ref) for entry in known if entry.family != PREDICTIONS], keys[-1]

    def left_out(self) -> str:
        """Return why some entries are not here, "" where all are."""
        if not self.without_model:
            return ""
        are = "is a column" if len(self.without_model) == 1 else "are columns"
        return f"{format_list(self.without_model)} {are} of predictions: without the model they cannot be explained."

    def models(self) -> str:
        """Return the model versions with the start of their cards' SHA-256."""
        return ", ".join(f"{item.ref} ({item.sha256[:10]}…)" for item in self.views)

    def default_model(self) -> str:
        """Return the champion, or the first model."""
        return next((item.ref for item in self.views if item.is_champion), self.views[0].ref)

    def features(self, ref: str) -> list[str]:
        """Return a model's features, most important first; those it does not use are left out."""
        frame = explain_data.importance(self.selection, ref, self.key)
        return list(frame.loc[frame["importance"] > 0, "feature"]) or list(frame["feature"])

    def histories(self, ref: str) -> list[str]:
        """Return the labels of the histories that a model reads: sequences, which are no fields."""
        return [self.feature_labels[name] for name in model_data.histories(self.selection, ref)]

    def values(self, row: pd.Series, names: list[str]) -> dict[str, Any]:
        """Return a loan's value of each feature; "" for a history, whose label says its months already."""
        return {name: row[name] if name in self.fields else "" for name in names}

    def feature_name(self, feature: str) -> str:
        """Return a feature's label; a group is called what it is."""
        return self.feature_labels.get(feature, feature)

    def counted(self) -> int:
        """Return how many loans of the snapshot the filters leave."""
        return explain_loan_data.counted(self.selection, self.key, tuple(self.labels))

    def when(self) -> str:
        """Return of when the explained loans are."""
        return f"snapshot {self.key}" if self.key != "all" else "all loans"
