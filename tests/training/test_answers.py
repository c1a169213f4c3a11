"""What a network answers: held against answers that are counted by hand."""

import torch
from torch import Tensor, nn

from optunas import Recipe
from optunas.data import Data, Split
from optunas.training.answers import MOST_SIDE, answers
from optunas.training.loop import evaluate

from ..small import few


class Oracle(nn.Module):
    """Answers by a fixed table, looked up by the image's pixels, as sure as it is told."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.weight = nn.Parameter(torch.randn(64, classes, generator=generator))

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1) @ self.weight


def test_confusion_and_surest_mistakes_are_those_counted_by_hand() -> None:
    data, network = few(), Oracle(10)
    found = answers(network, data, Recipe(epochs=1), device="cpu", mistakes=7)
    images, labels = data.validation.images, data.validation.labels
    mean, std = torch.tensor(data.mean), torch.tensor(data.std)
    with torch.no_grad():
        sure, said = network((images / 255 - mean) / std).softmax(1).max(1)
    matrix = [[0] * 10 for _ in range(10)]
    for true, answer in zip(labels.tolist(), said.tolist(), strict=True):
        matrix[true][answer] += 1
    assert [list(row) for row in found.confusion] == matrix
    wrong = [i for i in sure.argsort(descending=True).tolist() if said[i] != labels[i]][:7]
    assert [m.true for m in found.mistakes] == labels[wrong].tolist()
    assert [m.answer for m in found.mistakes] == said[wrong].tolist()
    for mistake, i in zip(found.mistakes, wrong, strict=True):
        assert (torch.from_numpy(mistake.image)[:, :, 0] == images[i, 0]).all()
        assert abs(mistake.confidence - float(sure[i])) < 1e-4


def test_it_agrees_with_evaluate_and_leaves_the_mode() -> None:
    data, network = few(), Oracle(10).train()
    scores = evaluate(network, data.validation, data, confusion=True)
    assert answers(network, data, Recipe(epochs=1), device="cpu").confusion == scores.confusion
    assert network.training


def test_a_large_image_is_made_smaller_as_it_is_only_looked_at() -> None:
    class Corner(Oracle):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x[:, :1, :8, :8])

    images = torch.arange(4 * 3 * 200 * 150).remainder(251).to(torch.uint8).view(4, 3, 200, 150)
    split = Split(images, torch.tensor([0, 1, 2, 3]))
    data = Data.from_splits("large", (split, split, split), tuple("0123456789"))
    found = answers(Corner(10), data, Recipe(epochs=1), device="cpu", mistakes=1)
    (mistake,) = found.mistakes
    assert mistake.image.shape == (67, 50, 3)
    assert max(mistake.image.shape) <= MOST_SIDE
    assert (mistake.image == images[mistake.true, :, ::3, ::3].permute(1, 2, 0).numpy()).all()
