"""Strategies of one's own: installed ones made ready to take part, whatever they may do.

A strategy that fails is left out with its reason, as one that has nothing to propose.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from runtime.errors import InvalidInputError
from runtime.models import Example, Strategy, TaskSpecification
from runtime.slug import check_slug
from workbench.plugins import STRATEGIES, Plugin, explain_failure, find_plugins
from workbench.synthesis.strategy import (
    Candidate,
    NotApplicableError,
    Progress,
    SynthesisStrategy,
)


class PluginStrategy:
    """A strategy of somebody else's under its registered name; its faults become reasons."""

    def __init__(self, name: str, strategy: SynthesisStrategy) -> None:
        self.name = name
        self._strategy = strategy

    def propose(
        self,
        task: TaskSpecification,
        train: Sequence[Example],
        *,
        seed: int,
        progress: Progress = lambda message: None,
    ) -> Iterator[Candidate]:
        """See `SynthesisStrategy.propose`."""
        try:
            for candidate in self._strategy.propose(task, train, seed=seed, progress=progress):
                yield self._checked(candidate)
        except NotApplicableError:
            raise
        except Exception as error:
            # One faulty plugin must not cost the programs of all others.
            raise NotApplicableError(f"the plugin failed: {explain_failure(error)}") from error

    def _checked(self, candidate: Any) -> Candidate:
        if not isinstance(candidate, Candidate) or not isinstance(candidate.source, str):
            raise NotApplicableError(
                f"the plugin proposed a {type(candidate).__name__}, which is no Candidate"
            )
        return replace(candidate, strategy=self.name)


def plugin_strategies() -> list[tuple[Plugin, SynthesisStrategy | None]]:
    """Every installed strategy with its plugin; None where `problem` says why not."""
    return [_ready(plugin) for plugin in find_plugins(STRATEGIES)]


def _ready(plugin: Plugin) -> tuple[Plugin, SynthesisStrategy | None]:
    if plugin.problem is not None:
        return plugin, None
    if plugin.name in set(Strategy):
        return replace(plugin, problem=f"{plugin.name} is the name of one that ships"), None
    try:
        check_slug(plugin.name)
        made = plugin.value() if isinstance(plugin.value, type) else plugin.value
    except (ValueError, InvalidInputError) as error:
        return replace(plugin, problem=f"has no usable name: {error}"), None
    except Exception as error:  # as above: it is not our code
        return replace(plugin, problem=f"cannot be made: {explain_failure(error)}"), None
    if not callable(getattr(made, "propose", None)):
        return replace(
            plugin, problem="has no method propose(task, train, *, seed, progress)"
        ), None
    return plugin, PluginStrategy(plugin.name, made)
