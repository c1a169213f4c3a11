import pytest
import torch
from scipy.stats import binomtest

from optunas.data import Data, Split
from optunas.data.balance import balance, wilson
from optunas.data.finding import Finding, Whole


def told(*counts: tuple[int, ...]) -> list[Finding]:
    """What is said of data with so many images of each class in train, validation and test."""
    splits = []
    for part in counts:
        labels = torch.repeat_interleave(torch.arange(len(part)), torch.tensor(part))
        splits.append(Split(torch.zeros(len(labels), 1, 1, 1, dtype=torch.uint8), labels))
    classes = ("ant", "[red]bee[/red]", "cat\x1b[31m\n")[: len(counts[0])]
    train, validation, test = splits
    data = Data.from_splits("toy", (train, validation, test), classes)
    return list(balance(Whole(data)))


def warnings(*counts: tuple[int, ...]) -> list[str]:
    return [one.text for one in told(*counts) if one.level == "warning"]


def test_even_classes_are_a_fact_with_the_score_of_a_constant_answer() -> None:
    found = told((500, 500), (200, 200), (170, 230))
    assert {one.level for one in found} == {"fact"}
    assert found[0].line == (
        "every class has 500 train images; always answering ant is right for 50.0 % of validation, "
        "42.5 % of test"
    )
    first = told((500, 520), (200, 200), (200, 200))[0]
    assert first.level == "fact"
    assert first.text.startswith("classes are even: 500 (ant) to 520 ([red]bee[/red]) train images")


def test_uneven_classes_are_a_warning_from_5_to_1_on() -> None:
    for counts, level in (((450, 100), "fact"), ((500, 100), "warning")):
        (found,) = (one for one in told(counts, counts, counts) if "uneven" in one.text)
        assert found.level == level
        assert "--metric f1" in found.advice
    assert found.text == (
        "classes are uneven, 5.0 : 1: 500 (ant) train images against 100 ([red]bee[/red]); always "
        "answering ant is right for 83.3 % of validation"
    )


def test_few_images_of_a_class_are_named_and_harmless_to_print() -> None:
    few, enough = (200, 200, 9), (200, 200, 200)
    found, _ = warnings(enough, few, enough)
    assert found == (
        "1 class with fewer than 10 images in a split (train / validation / test): "
        "cat\\x1b[31m\\n (200 / 9 / 200)"
    )
    (found,) = (text for text in warnings((0, 3000, 9), enough, few) if "fewer" in text)
    assert found.startswith("2 classes with fewer than 10 images in a split")
    assert found.endswith(": ant (0 / 200 / 200), cat\\x1b[31m\\n (9 / 200 / 9)")
    assert not warnings(enough, (200, 200, 100), enough)


def test_another_mixture_in_test_is_said_but_not_that_of_chance() -> None:
    (found,) = warnings((500, 500), (300, 300), (500, 100))
    assert found == (
        "test has other shares of the classes than train: ant is 83.3 % there and 50.0 % in train"
    )
    assert warnings((500, 500), (300, 300), (270, 330)) == []


def test_small_splits_measure_roughly() -> None:
    (found,) = warnings((40, 40), (30, 30), (300, 300))
    assert found == (
        "95 % interval of an accuracy of 90 %: 79.9 to 95.3 % on validation (one image is 1.7 "
        "points), 87.3 to 92.2 % on test (one image is 0.17 points)"
    )


@pytest.mark.parametrize(("right", "count"), [(90, 100), (5, 10), (10, 10), (1, 4000)])
def test_wilsons_interval_is_scipys(right: int, count: int) -> None:
    expected = binomtest(right, count).proportion_ci(method="wilson")
    assert wilson(right / count, count) == pytest.approx((expected.low, expected.high), abs=1e-4)
