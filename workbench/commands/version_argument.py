"""How a version is written on the command line: `v2` or `2`."""

from __future__ import annotations

from typing import Any

import click


class VersionType(click.ParamType[int]):
    """`v2` or `2`, given to the command as 2."""

    name = "version"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        digits = str(value).removeprefix("v")
        if not digits.isascii() or not digits.isdigit() or not 0 < int(digits) < 10**9:
            self.fail(f"{value!r} is no version; write v1, v2, ...", param, ctx)
        return int(digits)


VERSION = VersionType()
