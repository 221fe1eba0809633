"""Memory: what is loaded for good is kept out of the garbage collections that follow every run of a page."""

import gc
import sys
import threading

MANY = 100  # modules: about what one heavy library brings
_seen = {"modules": 0}
_one = threading.Lock()


def settle() -> None:
    """Take all that is loaded out of later collections; what is garbage by now is collected first.

    Streamlit collects after every run of a page, and once more where Keras is loaded, for it clears Keras' session. A
    walk over the objects of Keras, JAX and the models takes a quarter of a second each time, before the last parts of
    the page are sent. What refers to itself and is dropped later stays until it is settled again.
    """
    with _one:
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        _seen["modules"] = len(sys.modules)


def settle_libraries() -> None:
    """Settle where heavy libraries have been loaded since it was last done; settling takes as long as a collection."""
    if len(sys.modules) >= _seen["modules"] + MANY:
        settle()
