"""What is to be written of a trial, collected, and then written in one go."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.storages import BaseStorage

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
        if isinstance(storage, QuickStorage):
            if self.params or self.user or self.system:
                storage.write(trial_id, params=self.params, user=self.user, system=self.system)
            return
        for name, (value, distribution) in self.params.items():
            storage.set_trial_param(trial_id, name, value, distribution)
        for key, value in self.system.items():
            storage.set_trial_system_attr(trial_id, key, value)
        for key, value in self.user.items():
            storage.set_trial_user_attr(trial_id, key, value)
