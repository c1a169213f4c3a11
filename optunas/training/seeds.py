"""Random numbers that belong to one epoch of one run, and disturb nobody else's."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor


def derived(seed: int, *path: int | str) -> int:
    """A 63-bit seed for one purpose, unrelated to those of other purposes and other seeds."""
    text = "/".join(str(part) for part in (seed, *path))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


@contextmanager
def global_seed(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch's global generators (dropout draws from them) and put them back afterwards.

    Only the CPU's and this device's generator are touched; Python's and NumPy's are not.
    """
    gpus = [_index(device)] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=gpus):
        torch.default_generator.manual_seed(seed)
        for gpu in gpus:
            torch.cuda.default_generators[gpu].manual_seed(seed)
        yield


def random_states(device: torch.device) -> dict[str, Tensor]:
    """Where torch's global generators stand: the CPU's, and this device's."""
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    return states


def set_random_states(states: Mapping[str, Tensor], device: torch.device) -> None:
    """Let the global generators go on from there, as far as they are known there."""
    if "cpu" in states:
        torch.set_rng_state(states["cpu"])
    if "cuda" in states and device.type == "cuda":
        torch.cuda.set_rng_state(states["cuda"], device)


def _index(device: torch.device) -> int:
    return torch.cuda.current_device() if device.index is None else device.index
