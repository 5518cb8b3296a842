"""What other distributions add through entry points, found and loaded. Never fails for one that
is broken: it is listed with the reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any

STRATEGIES = "loopai.strategies"
#: Entry point groups and what stands in them.
GROUPS = {
    STRATEGIES: "strategy",
    "loopai.oracles": "oracle",
    "loopai.comparators": "comparator",
}
UNKNOWN = "unknown"
#: What we bring ourselves by an entry point (the hub as an oracle) is no plugin.
OURS = "loopai-workbench"


@dataclass(frozen=True, slots=True)
class Plugin:
    """One entry point: who brings it and what it holds, or why it cannot be used."""

    group: str
    name: str
    distribution: str
    version: str
    target: str
    value: Any = field(default=None, repr=False)
    problem: str | None = None

    @property
    def kind(self) -> str:
        return GROUPS[self.group]

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "name": self.name,
            "distribution": self.distribution,
            "version": self.version,
            "target": self.target,
            "loaded": self.problem is None,
            "problem": self.problem,
        }


def find_plugins(group: str) -> list[Plugin]:
    """The entry points of `group`, by name; of two with one name only the first is used."""
    found: list[Plugin] = []
    taken: dict[str, str] = {}
    points = [point for point in entry_points(group=group) if _distribution(point) != OURS]
    for point in sorted(points, key=lambda point: (point.name, _distribution(point))):
        plugin = _load(point)
        owner = taken.setdefault(point.name, plugin.distribution)
        if owner != plugin.distribution:
            plugin = _refused(point, f"{owner} has a {plugin.kind} of this name already")
        found.append(plugin)
    return found


def explain_failure(error: BaseException) -> str:
    """An exception of somebody else's code as one line."""
    text = " ".join(str(error).split())[:300]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _load(point: EntryPoint) -> Plugin:
    try:
        value = point.load()
    except (Exception, SystemExit) as error:
        # Anything may go wrong while a stranger's module is imported.
        return _refused(point, f"cannot be loaded: {explain_failure(error)}")
    return Plugin(
        point.group, point.name, _distribution(point), _version(point), point.value, value
    )


def _refused(point: EntryPoint, problem: str) -> Plugin:
    return Plugin(
        point.group,
        point.name,
        _distribution(point),
        _version(point),
        point.value,
        problem=problem,
    )


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else UNKNOWN


def _version(point: EntryPoint) -> str:
    return point.dist.version if point.dist is not None else UNKNOWN
