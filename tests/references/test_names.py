"""Networks by name."""

import pytest

import optunas
from optunas.architecture import Layer
from optunas.errors import OptunasError
from optunas.references import REFERENCES, reference


def test_the_public_name():
    assert optunas.reference("resnet18") == reference("resnet18")


def test_every_name_makes_a_network():
    for name, make in REFERENCES.items():
        assert make.__name__ == name
        assert make.__doc__
        assert isinstance(reference(name), Layer)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet81", "no reference network is called 'resnet81'. Did you mean 'resnet18'?"),
        ("ResNet-50", "Did you mean 'resnet50'?"),
        ("", "There are: convnext_tiny, densenet121,"),
    ],
)
def test_an_unknown_name_is_answered_with_the_closest(name, message):
    with pytest.raises(OptunasError) as error:
        reference(name)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
