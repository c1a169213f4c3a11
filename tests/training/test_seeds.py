import pytest
import torch

from optunas.training.seeds import derived, global_seed

CPU = torch.device("cpu")


def test_derived_seeds_differ_and_stay() -> None:
    made = [derived(seed, n, what) for seed in range(20) for n in range(20) for what in "ab"]
    assert len(set(made)) == len(made)
    assert all(0 <= seed < 2**63 for seed in made)
    assert derived(-1, 2) != derived(1, 2)
    # printf 0/1/batches | b2sum -l 64
    assert derived(0, 1, "batches") == 0xF1541CFD04DAE1B5 >> 1


def test_the_global_generator_is_put_back() -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    with global_seed(1, CPU):
        inside = torch.rand(3)
    assert torch.equal(torch.rand(3), expected)
    with global_seed(1, CPU):
        assert torch.equal(torch.rand(3), inside)


def test_it_is_put_back_after_an_error_too() -> None:
    before = torch.get_rng_state()
    with pytest.raises(ValueError, match=r"^$"), global_seed(1, CPU):
        raise ValueError(str(torch.rand(3))[:0])
    assert torch.equal(torch.get_rng_state(), before)
