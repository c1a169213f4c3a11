"""One storage for many tests: to make its tables takes longer than any of them."""

from collections.abc import Iterator

from optuna.storages import BaseStorage


def emptied(storage: BaseStorage) -> Iterator[BaseStorage]:
    """The storage; when the test is over, its studies are deleted."""
    yield storage
    for study in storage.get_all_studies():
        storage.delete_study(study._study_id)
