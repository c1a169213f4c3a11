"""Who looked at the test split, and how often: the study remembers."""

from __future__ import annotations

import time
import uuid
from pathlib import Path

from optuna import Study

from optunas.atomic import replacing

LOOKS = "test_looks"
"""The study's user attribute that holds who looked at the test split, and when."""

MOST_LOOKS = 100
LOOK = "look"  # the file, beside the checkpoints, with the name of this delivery's look


def noted(study: Study, name: str, data: str, folder: Path) -> int:
    """Write into the study that the test split of this data is looked at, before it is; gives how
    often it was, this time included.

    A delivery that was interrupted after its look, and goes on with the same checkpoints in
    `folder`, looks at the same network: that is the same look.
    """
    mine = _this_look(folder / LOOK)
    before = study.user_attrs.get(LOOKS)
    looks = [one for one in before if isinstance(one, dict)] if isinstance(before, list) else []
    if all(one.get("look") != mine for one in looks):
        found = {"network": name, "data": data, "time": round(time.time()), "look": mine}
        looks.append(found)
        study.set_user_attr(LOOKS, looks[-MOST_LOOKS:])
    return sum(one.get("data") == data for one in looks)


def _this_look(path: Path) -> str:
    if not path.exists():
        with replacing(path) as file:
            file.write(uuid.uuid4().hex.encode())
    return path.read_text(encoding="utf-8")[:32]
