"""How proxies are written."""

import pytest

from optunas.errors import StudyError
from optunas.proxies import PROXIES, check_proxies


def test_each_once_and_in_one_way() -> None:
    assert check_proxies(PROXIES) == PROXIES
    assert check_proxies("swap") == ("swap",)
    assert check_proxies([" SWAP ", "grad-norm", "swap()", "swap"]) == ("swap", "grad_norm")
    said = {
        "swap(mu=1500000, sigma=2.5)",
        "swap( sigma=2.5,mu = 1.5e6 )",
        "swap(mu=1500000.0,sigma=2.5)",
    }
    assert check_proxies(said) == ("swap(mu=1500000, sigma=2.5)",)
    assert check_proxies(["swap(mu=1234567, sigma=1)"]) == ("swap(mu=1234567, sigma=1)",)
    assert check_proxies([]) == ()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("swop", "no proxy is called 'swop'. Did you mean 'swap'"),
        ("swap(mu=3)", "takes mu and sigma; got 'swap"),
        ("swap(mu=3, sigma=4, tau=5)", "takes mu and sigma"),
        ("naswot(mu=3)", "takes no settings"),
        ("swap(mu=3, sigma=0)", "sigma is a number above 0; got 0"),
        ("swap(mu=big, sigma=4)", "mu is a number above 0; got 'big'"),
        ("swap(mu=True, sigma=4)", "mu is a number above 0; got True"),
        ("swap(mu=1e999, sigma=4)", "mu is a number above 0; got inf"),
        ("swap(3, 4)", "written as name or name"),
        ("", "written as name"),
    ],
)
def test_what_is_no_proxy(name: str, message: str) -> None:
    with pytest.raises(StudyError, match=message):
        check_proxies([name])
