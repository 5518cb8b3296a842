"""The released constraints and what they constrain."""

from __future__ import annotations

import tomllib

from installations import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def test_every_dependency_is_pinned_within_its_bounds_with_hashes():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = {
        name: list(map(Requirement, needs))
        for name, needs in project["optional-dependencies"].items()
    }
    wanted = list(map(Requirement, project["dependencies"])) + extras["otel"]
    waiting = list(extras["all"])
    while waiting:
        need = waiting.pop()
        if need.name == project["name"]:
            waiting += [below for extra in need.extras for below in extras[extra]]
        else:
            wanted.append(need)
    text = (ROOT / "workbench/shipping/constraints.txt").read_text()
    pins = {}
    for entry in text.replace("\\\n", " ").splitlines():
        if entry and not entry.startswith("#"):
            pin, _, hashes = entry.partition(" --hash=")
            requirement = Requirement(pin.strip())
            assert hashes.startswith("sha256:"), pin
            (version,) = requirement.specifier
            pins.setdefault(canonicalize_name(requirement.name), []).append(version.version)
    remedy = "make workbench/shipping/constraints.txt again; its first lines say how"
    for need in wanted:
        versions = pins.get(canonicalize_name(need.name))
        assert versions, f"{need.name} is not pinned: {remedy}"
        assert all(need.specifier.contains(version) for version in versions), f"{need}: {remedy}"
