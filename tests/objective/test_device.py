"""Devices by name."""

import pytest
import torch

from optunas.errors import StudyError
from optunas.objective.device import chosen_device, device_name


def test_auto_is_the_first_gpu_or_the_cpu() -> None:
    expected = "cuda:0" if torch.cuda.is_available() else "cpu"
    assert str(chosen_device("auto")) == expected
    assert device_name("cpu") == "cpu"


@pytest.mark.parametrize(
    ("device", "way_out"),
    [
        ("gpu", "a device is auto, cpu, cuda or cuda:N"),
        ("", "a device is auto"),
        ("cuda:-1", "a device is auto"),
        ("cuda:99", r"torch sees \d+ GPUs here: take --device auto"),
        ("meta", "can't compute on device 'meta'"),
    ],
)
def test_what_is_not_there_is_said(device: str, way_out: str) -> None:
    with pytest.raises(StudyError, match=way_out):
        chosen_device(device)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_is_named_by_its_model() -> None:
    assert chosen_device("cuda").type == "cuda"
    assert device_name("cuda:0") == torch.cuda.get_device_name(0)
