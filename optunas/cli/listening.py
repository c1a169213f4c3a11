"""Addresses that a command listens on: whether one is free, and who can reach it."""

from __future__ import annotations

import ipaddress
import socket

from optunas.errors import StudyError


def check_free(what: str, host: str, port: int, option: str = "--port") -> None:
    """Raise `StudyError` where this port can't be had; `option` chooses another."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise StudyError(
            f"{what} needs a free port; {written(host, port)} is not to be had "
            f"({error.strerror}): take another with {option}"
        ) from None


def written(host: str, port: int) -> str:
    """host:port, as it stands in a URL."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_private(host: str) -> bool:
    """Whether only this machine reaches that address; a name counts by what it stands for."""
    found = {str(row[4][0]).partition("%")[0] for row in socket.getaddrinfo(host, None)}
    return all(ipaddress.ip_address(address).is_loopback for address in found)
