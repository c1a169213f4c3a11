"""What may run on the page: our own scripts, by their digests, and nothing else.

Content Security Policy Level 3 (https://www.w3.org/TR/CSP3/): a script runs where the SHA-256 of
its text is in the policy, whatever a study puts beside it; nothing is loaded from anywhere.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup


def policy(scripts: Sequence[str]) -> str:
    """The policy that lets these scripts run. Pictures are data, or what plotly saves as one."""
    allowed = " ".join(map(_digest, scripts)) or "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def data_block(value: Any) -> Markup:
    """JSON for a `<script type="application/json">`: no sign of it ends that element."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def _digest(script: str) -> str:
    found = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"'sha256-{found}'"
