"""Which model families there are: name → class, imported when asked for."""

from typing import TYPE_CHECKING

from portfolio.errors import HypothecError

if TYPE_CHECKING:
    from models.base import PdModel

TRAINABLE = ("scorecard", "boosting", "neural")
PREDICTIONS = "predictions"  # score columns of the data: no model behind them, hence no class
UNKNOWN_TRAINING = ("external", PREDICTIONS)  # what these were trained on is not known
TITLES = {
    "scorecard": "Scorecard",
    "boosting": "Boosting",
    "neural": "Neural network",
    "external": "External model",
    PREDICTIONS: "Predictions",
}


def family_class(name: str) -> "type[PdModel]":
    """Return the class of a family; each family's libraries load only when it is used."""
    if name == "scorecard":
        from models.scorecard import Scorecard

        return Scorecard
    if name == "boosting":
        from models.boosting import Boosting

        return Boosting
    if name == "neural":
        from models.neural import Neural

        return Neural
    if name == "external":
        from models.external import External

        return External
    if name == PREDICTIONS:
        raise HypothecError(
            "predictions are a column of the data: without the model they can be compared, not explained or refitted"
        )
    raise HypothecError(f"a model family is one of {', '.join(TRAINABLE)}; got {name!r}")
