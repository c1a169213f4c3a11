"""The storage of studies: opened by URL, and made fit for many workers. No torch."""

from optunas.storage.addresses import masked as masked
from optunas.storage.causes import explained as explained
from optunas.storage.opening import DEFAULT_URL as DEFAULT_URL
from optunas.storage.opening import address as address
from optunas.storage.opening import describe as describe
from optunas.storage.opening import need_grpc as need_grpc
from optunas.storage.opening import open_storage as open
from optunas.storage.opening import open_storage as open_storage
from optunas.storage.shared import SharedStorage as SharedStorage

__all__ = [
    "DEFAULT_URL",
    "SharedStorage",
    "address",
    "describe",
    "explained",
    "masked",
    "need_grpc",
    "open",
    "open_storage",
]
