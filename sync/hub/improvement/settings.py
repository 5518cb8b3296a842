"""When the hub tries to improve a task, and what it takes for a version to be published."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from runtime.models import Fraction, Model, Slug

Count = Annotated[int, Field(ge=1, le=1_000_000)]


class ImprovementSettings(Model):
    """Of one tenant; the defaults hold where it has said nothing."""

    #: A task fails too often when the 95 % interval of its failure rate lies above this.
    failure_rate: Fraction = 0.15
    #: Validated executions of the newest version before anything is concluded.
    min_validated: Count = 50
    #: Failing inputs, not tried before, that make a try worth it.
    min_failures: Count = 10
    #: Unsuccessful tries in a row before it stops and opens a ticket.
    tries: Count = 3
    #: How likely luck alone may show such a gain on held-out inputs (one-sided sign test).
    max_chance: Fraction = 0.25
    #: Of the inputs that worked, the share that may be lost.
    may_lose: Fraction = 0.01
    #: Only these strategies make versions; all of them where none is named.
    strategies: Annotated[tuple[Slug, ...], Field(max_length=20)] = ()
