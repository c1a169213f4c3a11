"""A worker keeps to its share: what goes beyond is an error that a trial can fail with."""

import json
import subprocess
import sys

import pytest
import torch

from optunas.errors import StudyError
from optunas.objective import share
from optunas.objective.share import CONTEXT_BYTES, gpu_fraction, take_share

GIB = 2**30

ON_A_CPU = """
import json
import torch
from optunas.objective.failure import reason
from optunas.objective.share import take_share

torch.ones(64, 64) @ torch.ones(64, 64)
net = torch.nn.Conv2d(3, 64, 3)
take_share("cpu", of=4, threads=1, ram=2 * 2**30)
said = {"threads": torch.get_num_threads(), "free": []}
for images in (8, 40_000, 8):
    try:
        net(torch.zeros(images, 3, 32, 32)).sum().backward()
        said["free"].append("fine")
    except Exception as error:
        said["free"].append(reason(error, "cpu"))
    net.zero_grad()
print(json.dumps(said))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="no other system is asked to keep the limit")
def test_on_a_cpu_more_than_the_share_is_an_error_and_the_next_candidate_is_fine() -> None:
    done = subprocess.run([sys.executable, "-c", ON_A_CPU], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    before, beyond, after = said["free"]
    assert said["threads"] == 1
    assert (before, after) == ("fine", "fine")
    assert beyond.startswith("out of memory on cpu: ")  # 40,000 x 64 x 30 x 30 x 4 bytes: 8.6 GiB


@pytest.mark.skipif(sys.platform != "linux", reason="no other system is asked to keep the limit")
def test_a_share_that_is_spent_before_the_start_is_said() -> None:
    before = torch.get_num_threads()
    with pytest.raises(StudyError, match=r"each worker has 0\.00098 GiB .* take fewer workers"):
        take_share("cpu", of=2, threads=before, ram=2**20)


@pytest.mark.parametrize("of", [2, 4, 8])
def test_on_a_gpu_there_is_room_for_all_and_for_what_the_driver_takes(of: int) -> None:
    total = 80 * GIB
    each = gpu_fraction(total, of) * total + CONTEXT_BYTES
    assert 0.9 * total < of * each < total


def test_more_workers_than_a_gpu_has_room_for_are_refused() -> None:
    with pytest.raises(StudyError, match=r"40 workers don't fit on a GPU of 16 GiB"):
        gpu_fraction(16 * GIB, 40)


@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_torch_is_told_the_share_of_a_gpu(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Gpu:
        total_memory = 80 * GIB

    told: list[tuple[float, int]] = []
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: Gpu)
    monkeypatch.setattr(
        torch.cuda, "set_per_process_memory_fraction", lambda *args: told.append(args)
    )
    monkeypatch.setattr(share, "_limit_ram", lambda ram: pytest.fail("the CPU is not the device"))
    take_share(device, of=4, threads=torch.get_num_threads(), ram=GIB)
    assert told == [(gpu_fraction(80 * GIB, 4), 1 if device == "cuda:1" else 0)]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_refuses_what_goes_beyond() -> None:
    code = (
        "import torch; from optunas.objective.share import take_share\n"
        "take_share('cuda:0', of=4, threads=1, ram=0)\n"
        "torch.empty(int(0.15 * torch.cuda.get_device_properties(0).total_memory), "
        "dtype=torch.uint8, device='cuda:0')\n"
        "torch.empty(int(0.15 * torch.cuda.get_device_properties(0).total_memory), "
        "dtype=torch.uint8, device='cuda:0')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "OutOfMemoryError" in done.stderr
