"""How the work of a training is done, as opposed to what is trained: speed, not results.

A `Recipe` decides what a network learns. An `Engine` decides where the images lie and how a step
is run; whatever it says, the same recipe and seed give the same network (up to the rounding of
other kernels). It is plain data without torch, so that a study file can say it.
"""

from dataclasses import dataclass

from optunas.training.errors import RecipeError

IMAGES = ("auto", "device", "stream")
STEPS = ("auto", "eager", "captured", "compiled")


@dataclass(frozen=True)
class Engine:
    """Where images lie, how steps are run; ``Engine()`` chooses what is fastest and works.

    Raises `RecipeError` for a word that it does not know.
    """

    images: str = "auto"
    """"device": all of them, as uint8, in the memory that is computed with; "stream": a
    `DataLoader` brings them batch by batch; "auto": on the device where they fit"""
    steps: str = "auto"
    """"captured": on CUDA a whole step is one CUDA graph, eager where that fails; "compiled":
    `torch.compile`, and captured on CUDA; "eager": neither; "auto": captured on CUDA"""
    workers: int | None = None
    """processes that decode streamed files; None: one for each core"""
    deterministic: bool = False
    """ask CUDA for its deterministic kernels, where it has them; a CPU always repeats itself"""

    def __post_init__(self) -> None:
        for name, known in (("images", IMAGES), ("steps", STEPS)):
            value = getattr(self, name)
            if value not in known:
                raise RecipeError(f"an engine's {name} are {', '.join(known)}; got {value!r}")
        if self.workers is not None and (type(self.workers) is not int or self.workers < 0):
            raise RecipeError(
                f"images are decoded by 0 (this process) or more workers; got {self.workers!r}"
            )
