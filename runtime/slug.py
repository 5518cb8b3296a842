"""What a task may be called. Imports next to nothing: every command line starts here."""

from __future__ import annotations

import re

SLUG = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*\Z")
MAX_SLUG_LENGTH = 63


def check_slug(name: str) -> str:
    """Return `name` when it may be a folder and a route; raise ValueError when not."""
    if not SLUG.match(name) or len(name) > MAX_SLUG_LENGTH:
        raise ValueError(
            f"{name!r} must be lower-case letters and digits with single '-' or '_' between, "
            f"at most {MAX_SLUG_LENGTH} long, such as 'spam-detection'"
        )
    return name
