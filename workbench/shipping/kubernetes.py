"""What a cluster needs to serve a task, as one file of manifests; talks to no cluster."""

from __future__ import annotations

import hashlib
import json
import re
import textwrap
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from string import Template
from urllib.parse import urlsplit

from runtime.config import VARIABLE, DeploymentConfig
from runtime.errors import InvalidInputError, Problem
from workbench.shipping.image import USER

PORT = 8080
SECONDS_TO_LEAVE_THE_SERVICE = 5
LONGEST_NAME = 63
NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
IMAGE = re.compile(r"[a-z0-9][\w.:/@-]{0,250}\Z")
QUANTITY = re.compile(r"[0-9]+(\.[0-9]+)?(Ki|Mi|Gi|Ti|Pi|k|M|G|T|P)?\Z")
DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


@dataclass(frozen=True, slots=True)
class Cluster:
    """What the operator chose."""

    image: str
    replicas: int = 2
    most: int = 6
    storage: str = "10Gi"
    storage_class: str | None = None
    access_mode: str = "ReadWriteMany"
    monitoring: str = "monitoring"

    def check(self) -> None:
        """Raises InvalidInputError with a problem for each choice that a cluster would refuse."""
        wrong = [
            Problem(f"{option} {value!r} is no {what}.")
            for option, value, pattern, what in (
                ("--image", self.image, IMAGE, "image such as registry.example/loopai:1"),
                ("--storage", self.storage, QUANTITY, "quantity such as 10Gi"),
                ("--storage-class", self.storage_class or "a", NAME, "name"),
                ("--monitoring", self.monitoring, NAME, "namespace"),
            )
            if not pattern.match(value)
        ]
        if self.most < self.replicas:
            wrong.append(Problem(f"--most {self.most} is fewer than --replicas {self.replicas}."))
        if self.access_mode == "ReadWriteOnce" and self.most > 1:
            remedy = "Take ReadWriteMany, or say --replicas 1 --most 1."
            wrong.append(Problem("a ReadWriteOnce volume serves one pod.", remedy=remedy))
        if wrong:
            raise InvalidInputError(wrong)


def manifests(task: str, config: DeploymentConfig, configuration: str, cluster: Cluster) -> str:
    """One YAML text of all objects. `configuration` is the text of the `deployment.yaml` that
    `config` was read from. Raises InvalidInputError."""
    cluster.check()
    name = _name(task)
    selector = {"app.kubernetes.io/name": "loopai-runtime", "app.kubernetes.io/instance": name}
    release = version("loopai-workbench")
    ports = sorted(_called_ports(config))
    drain = round(config.runtime.drain_sec) + SECONDS_TO_LEAVE_THE_SERVICE + 10
    template = files("workbench.shipping").joinpath("kubernetes.yaml").read_text()
    scheme = "HTTPS" if config.runtime.tls.cert else "HTTP"
    variables = set(VARIABLE.findall(configuration)) - {"LOOPAI_SERVE_KEY"}
    variables |= {"LOOPAI_API_KEY"} if config.cloud.api_url else set()
    more_keys = "".join(f" \\\n#     --from-literal={name}=..." for name in sorted(variables))
    return Template(template).substitute(
        access_mode=cluster.access_mode,
        configuration=_block(configuration),
        configuration_digest=json.dumps(hashlib.sha256(configuration.encode()).hexdigest()[:16]),
        egress=_egress(ports),
        grace=drain,
        image=cluster.image,
        labels=_flow({**selector, "app.kubernetes.io/version": release}),
        more_keys=more_keys,
        monitoring=cluster.monitoring,
        most=cluster.most,
        name=name,
        port=PORT,
        release=release,
        replicas=cluster.replicas,
        scheme=scheme,
        lower_scheme=scheme.lower(),
        selector=_flow(selector),
        storage=cluster.storage,
        # Without this line the cluster's default is taken.
        storage_class=f'  storageClassName: "{chosen}"\n'
        if (chosen := cluster.storage_class)
        else "",
        strategy="RollingUpdate" if cluster.access_mode == "ReadWriteMany" else "Recreate",
        task=task,
        user=USER,
    )


def _name(task: str) -> str:
    """A name for a task's objects: a slug may be longer, and have `_`, where a name may not."""
    name = f"loopai-{task.replace('_', '-')}"
    if len(name) <= LONGEST_NAME and "_" not in task:
        return name
    digest = hashlib.sha256(task.encode()).hexdigest()[:8]
    return f"{name[: LONGEST_NAME - 9].rstrip('-')}-{digest}"


def _flow(labels: dict[str, str]) -> str:
    return "{" + ", ".join(f'{name}: "{value}"' for name, value in labels.items()) + "}"


def _block(text: str) -> str:
    """A text as YAML's literal block below `  key: `, to be read and edited as it is."""
    return "|2\n" + textwrap.indent(text.rstrip("\n"), "    ") if text.strip() else '""'


def _called_ports(config: DeploymentConfig) -> set[int]:
    """The ports of all that this configuration calls outside: hub, webhooks, model."""
    urls = [config.cloud.api_url, config.synthesis.ollama_host]
    urls += [str(hook.url) for hook in config.alerts.webhooks]
    found = set()
    for url in filter(None, urls):
        parts = urlsplit(url)
        port = None if "${" in parts.netloc else parts.port
        found.add(port or DEFAULT_PORTS.get(parts.scheme, 443))
    return found


def _egress(ports: list[int]) -> str:
    if not ports:
        return ""
    listed = ", ".join(f"{{protocol: TCP, port: {port}}}" for port in ports)
    return (
        "    # What deployment.yaml names: the hub, webhooks, a model. Narrow it with `to`.\n"
        f"    - ports: [{listed}]\n"
    )
