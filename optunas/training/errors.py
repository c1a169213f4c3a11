"""What goes wrong with a recipe, a network or a training run."""

from optunas.errors import OptunasError


class RecipeError(OptunasError):
    """A recipe, or a space of recipes, asks for something that can't be trained."""


class NetworkError(OptunasError):
    """A network can't be trained on these images: wrong output, or nothing to learn."""


class Diverged(RuntimeError):  # noqa: N818 - a fact about a run, named as people say it
    """The loss is no longer a finite number, so that training on would be in vain.

    Not an `OptunasError`: nobody typed anything wrong, a candidate simply failed, and a search
    goes on with the next one. `epoch` counts from 1; `loss` is the value that was met.
    """

    def __init__(self, epoch: int, loss: float, where: str) -> None:
        self.epoch, self.loss, self.where = epoch, loss, where
        super().__init__(
            f"training diverged: the {where} loss of epoch {epoch} is {loss}; "
            "a smaller lr or a clip_norm may help"
        )

    def __reduce__(self) -> tuple[type["Diverged"], tuple[int, float, str]]:
        # Exceptions travel between worker processes by pickle, which replays the arguments.
        return Diverged, (self.epoch, self.loss, self.where)
