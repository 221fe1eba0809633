"""Which model families there are: name → class, imported when asked for."""

from typing import TYPE_CHECKING

from portfolio.errors import HypothecError

if TYPE_CHECKING:
    from models.base import PdModel

TRAINABLE = ("scorecard", "boosting", "neural")
TITLES = {"scorecard": "Scorecard", "boosting": "Boosting", "neural": "Neural network", "external": "External model"}


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
    raise HypothecError(f"a model family is one of {', '.join(TRAINABLE)}; got {name!r}")
