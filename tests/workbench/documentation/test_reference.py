"""The manual: nothing is undocumented, and it builds with no warning and no network."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from support import log_line

from runtime.config import DeploymentConfig
from runtime.models import TaskSpecification
from workbench.commands.docs import command
from workbench.documentation.building import PAGES
from workbench.documentation.reference import COMMANDS, write_reference
from workbench.documentation.settings_reference import setting_rows


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("reference")
    write_reference(folder, "1.2.3")
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_every_setting_says_what_it_is_for() -> None:
    silent = [name for name, _, _, words in setting_rows(DeploymentConfig) if not words]
    assert not silent, f"no `#:` comment beside {', '.join(silent)}"


def test_every_field_of_a_task_says_what_it_is_for() -> None:
    silent = [name for name, _, _, words in setting_rows(TaskSpecification) if not words]
    assert not silent, f"no `#:` comment beside {', '.join(silent)}"


def test_every_command_and_option_is_in_the_reference(reference: dict[str, str]) -> None:
    page = reference["cli.md"]
    for program, group, _ in COMMANDS:
        for name in group.list_commands(None):  # type: ignore[arg-type]
            assert f"`{program} {name}" in page
    # An option with no word of help has a row that ends at once.
    empty = re.findall(r"^\| (`--[^`]+`) \|  ?\|$", page, re.MULTILINE)
    assert not empty, f"options without help: {empty}"
    assert not re.findall(r"^### .*\n\n\n", page, re.MULTILINE), "a command without help"


def test_every_route_is_in_the_reference(reference: dict[str, str]) -> None:
    for route in ("POST /execute", "POST /execute/batch", "GET /v1/tasks/{task}", "GET /metrics"):
        assert f"`{route}`" in reference["http-runtime.md"]


def test_every_field_of_a_log_line_is_described() -> None:
    page = (PAGES / "reference" / "files.md").read_text()
    for name in (*json.loads(log_line()), "error", "confidence"):
        assert f"\n| `{name}` |" in page


@pytest.mark.thorough
def test_the_manual_builds_and_fetches_nothing(tmp_path: Path) -> None:
    done = CliRunner().invoke(command, ["--build", str(tmp_path / "html"), "--json"])
    assert done.exit_code == 0, done.output
    first = Path(json.loads(done.stdout)["page"])
    assert first == tmp_path / "html" / "index.html"
    for page in (tmp_path / "html").rglob("*.html"):
        fetched = re.findall(
            r"<(?:script|link|img)[^>]+(?:src|href)=\"https?://[^\"]+", page.read_text()
        )
        assert not fetched, f"{page.name} fetches {fetched}"
