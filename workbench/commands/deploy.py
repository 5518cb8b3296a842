"""`loopai deploy`: what a cluster or systemd needs to serve a task, as a file to look at first."""

from __future__ import annotations

from pathlib import Path

import click

from runtime.command_line import data_dir_option
from runtime.config import DeploymentConfig, load_deployment
from runtime.data_dir import DataDir, write_atomic
from runtime.tasks import load_task
from workbench.shipping.image import image_name

_output = click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write it to a file (default: standard output).",
)


@click.group("deploy", help="Write what Kubernetes or systemd needs to serve a task.")
def command() -> None:
    pass


@command.command(
    "kubernetes",
    help="Write Deployment, Service, volume claim, ConfigMap, NetworkPolicy, PodDisruptionBudget, "
    "HorizontalPodAutoscaler and ServiceMonitor. Keys come from a Secret you make; the file says "
    "how. The data directory's deployment.yaml goes into the ConfigMap.",
)
@click.argument("task")
@click.option("--image", default=image_name(), show_default=True, help="See: loopai image context.")
@click.option("--replicas", type=click.IntRange(1, 1000), default=2, show_default=True)
@click.option("--most", type=click.IntRange(1, 1000), default=6, show_default=True,
              help="Pods the autoscaler may start.")  # fmt: skip
@click.option("--storage", metavar="SIZE", default="10Gi", show_default=True)
@click.option("--storage-class", metavar="NAME", help="(default: the cluster's)")
@click.option("--access-mode", type=click.Choice(["ReadWriteMany", "ReadWriteOnce"]),
              default="ReadWriteMany", show_default=True)  # fmt: skip
@click.option("--monitoring", metavar="NAMESPACE", default="monitoring", show_default=True,
              help="Where Prometheus runs, which may read the metrics.")  # fmt: skip
@_output
@data_dir_option
def kubernetes(task: str, output: Path | None, data_dir: DataDir, **choices: str) -> None:
    from workbench.shipping.kubernetes import Cluster, manifests
    from workbench.shipping.plain_secrets import refuse_plain_secrets

    config = _configuration(task, data_dir)
    refuse_plain_secrets(config, str(data_dir.deployment_file))
    file = data_dir.deployment_file
    text = file.read_text("utf-8") if file.exists() else ""
    _write(manifests(task, config, text, Cluster(**choices)), output)  # type: ignore[arg-type]


@command.command("systemd", help="Write a hardened systemd unit that serves a task.")
@click.argument("task")
@click.option("--user", default="loopai", show_default=True, help="The user it runs as.")
@click.option("--program", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="loopai-runtime (default: the one installed with this loopai).")  # fmt: skip
@_output
@data_dir_option
def systemd(
    task: str, user: str, program: Path | None, output: Path | None, data_dir: DataDir
) -> None:
    from workbench.shipping.systemd import installed_program, unit

    config = _configuration(task, data_dir)
    chosen = program.absolute() if program else installed_program()
    _write(unit(task, data_dir, config, user, chosen), output)


def _configuration(task: str, data_dir: DataDir) -> DeploymentConfig:
    load_task(data_dir, task, with_examples=False)
    return load_deployment(data_dir.deployment_file)


def _write(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text, nl=False)
    else:
        write_atomic(output, text)
        click.echo(f"{output}: look at it first; its first lines say what to do.", err=True)
