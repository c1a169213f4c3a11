import pytest
import torch
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, log_loss

from optunas.training.metrics import Tally


def draw(seed: int, count: int, classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(count, classes, generator=generator)
    labels = torch.randint(0, classes, (count,), generator=generator)
    logits[torch.arange(count), labels] += 1  # better than chance
    return logits, labels


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_the_same_numbers_as_scikit_learn(classes: int) -> None:
    logits, labels = draw(classes, 203, classes)
    tally = Tally(classes)
    for start in range(0, 203, 50):
        tally.add(logits[start : start + 50], labels[start : start + 50])
    scores = tally.scores(confusion=True)
    answers = logits.argmax(1)
    names = list(range(classes))
    assert scores.accuracy == pytest.approx(accuracy_score(labels, answers))
    assert scores.f1 == pytest.approx(f1_score(labels, answers, average="macro"))
    expected_loss = log_loss(labels, logits.double().softmax(1), labels=names)
    assert scores.loss == pytest.approx(expected_loss, rel=1e-5)
    matrix = confusion_matrix(labels, answers, labels=names)
    assert scores.confusion == tuple(tuple(row) for row in matrix.tolist())


def test_a_class_that_nobody_sees_does_not_count() -> None:
    """scikit-learn's macro F1 too is over the classes that occur."""
    labels = torch.tensor([0, 0, 1, 1, 2])
    answers = torch.tensor([0, 1, 1, 1, 3])  # 3 is answered but never right; 4 never occurs
    tally = Tally(5)
    tally.add(torch.nn.functional.one_hot(answers, 5).float(), labels)
    expected = f1_score(labels, answers, average="macro")
    assert tally.scores().f1 == pytest.approx(expected)


def test_the_matrix_only_where_it_is_asked_for() -> None:
    tally = Tally(3)
    tally.add(*draw(0, 9, 3))
    assert tally.scores().confusion is None


def test_half_precision_is_summed_in_single() -> None:
    logits, labels = draw(0, 5000, 3)
    halves, single = Tally(3), Tally(3)
    halves.add(logits.bfloat16(), labels)
    single.add(logits.bfloat16().float(), labels)
    assert halves.scores() == single.scores()
