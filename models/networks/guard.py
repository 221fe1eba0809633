"""What watches a network while it learns: early stopping, best weights, and the end of a loss that explodes."""

from typing import Any

import numpy as np

EXPLODED = 100.0  # times the untrained network's loss, which starts at the class prior


def make_guard(keras: Any, patience: int) -> Any:
    """Return a callback that stops training early and leaves the best finite weights in the network.

    With validation data the best epoch is that of the lowest validation loss, and training stops after `patience`
    epochs without a lower one; without, the last epoch is the best. A loss that is not finite, or EXPLODED times
    that of the first batch, ends training: the weights go back to the best epoch before it. After training
    `best_epoch` is that epoch (None if there was none) and `warning` says what went wrong, "" if nothing did.
    """

    class Guard(keras.callbacks.Callback):  # type: ignore[misc]
        """See `make_guard`."""

        def __init__(self) -> None:
            super().__init__()
            self.best_weights: list[Any] = []
            self.best_epoch: int | None = None
            self.best, self.first_loss, self.epoch, self.warning = np.inf, np.nan, 0, ""

        def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
            self.epoch = epoch

        def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
            loss = float((logs or {}).get("loss", np.nan))
            if np.isnan(self.first_loss):
                self.first_loss = loss
            if not np.isfinite(loss) or loss > EXPLODED * self.first_loss:
                self.stop(f"the loss was {loss:.3g} in batch {batch + 1} of epoch {self.epoch + 1}")

        def stop(self, why: str) -> None:
            self.warning = self.warning or why
            self.model.stop_training = True

        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            if self.warning:
                return
            value = (logs or {}).get("val_loss")
            if value is not None and not np.isfinite(value):
                self.stop(f"the validation loss was {value:.3g} after epoch {epoch + 1}")
            elif value is None or value < self.best or self.best_epoch is None:
                self.best = np.inf if value is None else value
                self.best_weights, self.best_epoch = self.model.get_weights(), epoch
            elif epoch - self.best_epoch >= patience:
                self.model.stop_training = True

        def on_train_end(self, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
            if self.best_weights:
                self.model.set_weights(self.best_weights)

    return Guard()
