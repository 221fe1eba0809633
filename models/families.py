"""Which model families there are: name → class, imported when asked for."""

from importlib import import_module
from typing import TYPE_CHECKING

from portfolio.errors import HypothecError

if TYPE_CHECKING:
    from models.base import PdModel

TRAINABLE = ("scorecard", "boosting", "neural")  # what `demo` and `train` fit by themselves
NETWORKS = ("mlp", "tabm", "additive", "sequence", "competing")  # further networks, for the contest of architectures
FITTED_HERE = ("logistic", *TRAINABLE, *NETWORKS)
PREDICTIONS = "predictions"  # score columns of the data: no model behind them, hence no class
UNKNOWN_TRAINING = ("external", PREDICTIONS)  # what these were trained on is not known
TITLES = {
    "scorecard": "Scorecard",
    "boosting": "Boosting",
    "neural": "Neural network",
    "mlp": "MLP",
    "tabm": "TabM",
    "additive": "Additive network",
    "sequence": "Sequence network",
    "competing": "Competing risks network",
    "logistic": "Logistic regression",
    "external": "External model",
    PREDICTIONS: "Predictions",
}
CLASSES = {
    "scorecard": ("models.scorecard", "Scorecard"),
    "boosting": ("models.boosting", "Boosting"),
    "neural": ("models.neural", "Neural"),
    "mlp": ("models.networks.mlp", "Mlp"),
    "tabm": ("models.networks.tabm", "TabM"),
    "additive": ("models.networks.additive", "Additive"),
    "sequence": ("models.networks.sequence", "Sequence"),
    "competing": ("models.networks.competing", "CompetingRisks"),
    "logistic": ("models.logistic", "Logistic"),
    "external": ("models.external", "External"),
}


def family_class(name: str) -> "type[PdModel]":
    """Return the class of a family; each family's libraries load only when it is used."""
    if name == PREDICTIONS:
        raise HypothecError(
            "predictions are a column of the data: without the model they can be compared, not explained or refitted"
        )
    if name not in CLASSES:
        raise HypothecError(f"a model family is one of {', '.join(FITTED_HERE)}; got {name!r}")
    module, attribute = CLASSES[name]
    found: type[PdModel] = getattr(import_module(module), attribute)
    return found
