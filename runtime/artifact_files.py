"""The files of one artifact version besides its metadata, as text. Writes nothing itself."""

from __future__ import annotations

import ast
import textwrap
from functools import cache
from pathlib import Path

import yaml

from runtime import launcher
from runtime.models import TaskSpecification

PROGRAM = "program.py"
METADATA = "metadata.json"
MARKER = "# marker: what follows is copied\n"


@cache
def launcher_block() -> str:
    """The `if __name__ == "__main__":` block that makes a program stand alone."""
    source = Path(launcher.__file__).read_text(encoding="utf-8")
    body = textwrap.indent(source.partition(MARKER)[2].strip("\n"), "    ")
    title = "# Stands alone: JSON lines in and out, or --serve PORT. The sandbox drops this part."
    return f'\n\n{title}\nif __name__ == "__main__":\n{body}\n\n    sys.exit(main(run))\n'


def with_launcher(source: str) -> str:
    """A program with its launcher at the end."""
    return source.rstrip("\n") + "\n" + launcher_block()


def without_launcher(source: str) -> str:
    """A program as it was before `with_launcher`; unchanged where there is no launcher."""
    body = source.removesuffix(launcher_block())
    return body if body.endswith("\n") else body + "\n"


def dockerfile(task: TaskSpecification, version: int) -> str:
    """A container that serves this one program with nothing of ours inside."""
    return (
        "FROM python:3.11-slim\n"
        f'LABEL org.opencontainers.image.title="{task.name}" \\\n'
        f'      org.opencontainers.image.version="{version}"\n'
        "WORKDIR /app\n"
        "COPY program.py requirements.txt ./\n"
        "RUN pip install --no-cache-dir -r requirements.txt && useradd --system loopai\n"
        "USER loopai\n"
        "EXPOSE 8080\n"
        'HEALTHCHECK CMD ["python", "-c", "import urllib.request; '
        "urllib.request.urlopen('http://127.0.0.1:8080/health', timeout=2)\"]\n"
        'CMD ["python", "program.py", "--serve", "8080", "--host", "0.0.0.0"]\n'
    )


def deployment_yaml(task: TaskSpecification) -> str:
    """Settings for a box that runs this task; a copy to start from."""
    # A hundred times the target, so that a slow machine answers late rather than never.
    timeout = max(100, min(60_000, round(task.latency_target_ms * 100)))
    data = {
        "runtime": {"mode": "edge"},
        "execution": {"worker_count": 4, "timeout_ms": timeout},
        "sampling": {"strategy": "random", "rate": task.sampling_rate},
        "storage": {"retention_days": 30, "max_size_gb": 100},
    }
    return yaml.safe_dump(data, sort_keys=False)


def requirements_txt() -> str:
    """What a program needs besides Python: nothing."""
    return "# Python 3.11 or later; no packages.\n"


def complexity(source: str) -> dict[str, float]:
    """Size of a program: bytes, lines, functions, and branch points (McCabe's plus one)."""
    tree = ast.parse(source)
    nodes = list(ast.walk(tree))
    branches = (ast.If, ast.IfExp, ast.For, ast.While, ast.ExceptHandler, ast.comprehension)
    decisions = sum(isinstance(node, branches) for node in nodes)
    decisions += sum(len(node.values) - 1 for node in nodes if isinstance(node, ast.BoolOp))
    return {
        "bytes": float(len(source.encode())),
        "lines": float(len(source.splitlines())),
        "functions": float(sum(isinstance(node, ast.FunctionDef) for node in nodes)),
        "cyclomatic": float(decisions + 1),
    }
