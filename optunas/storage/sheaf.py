"""What is to be written of a trial, collected, and then written in one go."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

from optuna.distributions import BaseDistribution, distribution_to_json, json_to_distribution
from optuna.storages import BaseStorage

from optunas.storage.proxy import Proxy
from optunas.storage.quick import QuickStorage


@dataclass
class Sheaf:
    """Parameters and attributes of one trial, in the order they came; its methods are a storage's,
    without the trial."""

    params: dict[str, tuple[float, BaseDistribution]] = field(default_factory=dict)
    user: dict[str, Any] = field(default_factory=dict)
    system: dict[str, Any] = field(default_factory=dict)

    def set_trial_param(
        self, name: str, internal_value: float, distribution: BaseDistribution
    ) -> None:
        self.params[name] = internal_value, distribution

    def set_trial_user_attr(self, key: str, value: Any) -> None:
        self.user[key] = value

    def set_trial_system_attr(self, key: str, value: Any) -> None:
        self.system[key] = value

    def write(self, storage: BaseStorage, trial_id: int) -> None:
        """Write all of it; a storage that knows no better way gets one after the other."""
        if not (self.params or self.user or self.system):
            return
        if isinstance(storage, QuickStorage):
            storage.write(trial_id, params=self.params, user=self.user, system=self.system)
            return
        if isinstance(storage, Proxy):
            with suppress(NotImplementedError):
                storage.write(self.packed(trial_id))
                return
        for name, (value, distribution) in self.params.items():
            storage.set_trial_param(trial_id, name, value, distribution)
        for key, value in self.system.items():
            storage.set_trial_system_attr(trial_id, key, value)
        for key, value in self.user.items():
            storage.set_trial_user_attr(trial_id, key, value)

    def packed(self, trial_id: int) -> bytes:
        """All of it in one message, in order, which Optuna's own messages do not keep."""
        params = [
            (name, value, distribution_to_json(law)) for name, (value, law) in self.params.items()
        ]
        return json.dumps([trial_id, params, self.user, self.system]).encode()

    @classmethod
    def unpacked(cls, message: bytes) -> tuple[int, Self]:
        """The trial, and what is to be written of it. Raises ValueError for any other message."""
        try:
            trial_id, params, user, system = json.loads(message)
            drawn = {str(n): (float(value), json_to_distribution(law)) for n, value, law in params}
            return int(trial_id), cls(drawn, dict(user), dict(system))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise ValueError(f"no parameters and attributes of a trial: {error}") from error
