"""`deployment.yaml` as typed settings. An error names the file, the line and the field.

`${VARIABLE}` is resolved when a setting is used, so an edge with no hub needs no hub key.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

from pydantic import BaseModel, PrivateAttr, SecretStr

from runtime.alerts.settings import AlertsConfig
from runtime.config_sections import (
    CloudConfig,
    ExecutionConfig,
    ImproveConfig,
    PricesConfig,
    PrivacyConfig,
    RetentionConfig,
    RuntimeConfig,
    StorageConfig,
    SynthesisConfig,
    TelemetryConfig,
    ValidationConfig,
)
from runtime.encryption.settings import EncryptionConfig
from runtime.errors import InvalidInputError, NotFoundError, Problem
from runtime.format_version import check_format
from runtime.models import FORMAT_VERSION, Mode, Model, PrivacyMode
from runtime.rollout.settings import RolloutConfig
from runtime.sampling.settings import SamplingConfig
from runtime.yaml_document import Place, YamlDocument

VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class DeploymentConfig(Model):
    """All sections of `deployment.yaml`, each with its defaults."""

    runtime: RuntimeConfig = RuntimeConfig()
    cloud: CloudConfig = CloudConfig()
    execution: ExecutionConfig = ExecutionConfig()
    sampling: SamplingConfig = SamplingConfig()
    telemetry: TelemetryConfig = TelemetryConfig()
    storage: StorageConfig = StorageConfig()
    retention: RetentionConfig = RetentionConfig()
    alerts: AlertsConfig = AlertsConfig()
    privacy: PrivacyConfig = PrivacyConfig()
    encryption: EncryptionConfig = EncryptionConfig()
    synthesis: SynthesisConfig = SynthesisConfig()
    rollout: RolloutConfig = RolloutConfig()
    prices: PricesConfig = PricesConfig()
    validation: ValidationConfig = ValidationConfig()
    improve: ImproveConfig = ImproveConfig()

    _document: YamlDocument | None = PrivateAttr(default=None)

    @property
    def mode(self) -> Mode:
        """`runtime.mode`, or what follows from whether there is a hub where that is unset."""
        if "mode" not in self.runtime.model_fields_set and self.cloud.api_url is not None:
            return Mode.HYBRID
        return self.runtime.mode

    @property
    def talks_to_hub(self) -> bool:
        """Whether anything of this box goes to a hub, or comes from one."""
        return self.mode is not Mode.EDGE

    @property
    def executions_keep_days(self) -> int:
        """`retention.executions.keep_days`, or `storage.retention_days` where unset."""
        days = self.retention.executions.keep_days
        return self.storage.retention_days if days is None else days

    @property
    def validations_keep_days(self) -> int:
        """`retention.validations.keep_days`, or `storage.retention_days` where unset."""
        days = self.retention.validations.keep_days
        return self.storage.retention_days if days is None else days

    def text(self, *place: str | int, environment: Mapping[str, str] = os.environ) -> str | None:
        """The text setting at `place`, such as `("cloud", "api_key")`, variables filled in.

        Raises InvalidInputError when a variable it needs is not set.
        """
        value: Any = self
        for name in place:
            value = value[name] if isinstance(name, int) else getattr(value, name)
        if isinstance(value, SecretStr):
            value = value.get_secret_value()
        return None if value is None else _fill(str(value), place, self._document, environment)

    def shown(self) -> dict[str, Any]:
        """As plain JSON with secrets masked, fit for a screen; `${VARIABLE}` stays visible."""
        data = self.model_dump(mode="json")
        data["runtime"]["mode"] = self.mode.value
        key = self.cloud.api_key
        if key is not None and VARIABLE.fullmatch(key.get_secret_value()):
            data["cloud"]["api_key"] = key.get_secret_value()
        data["retention"]["executions"]["keep_days"] = self.executions_keep_days
        data["retention"]["validations"]["keep_days"] = self.validations_keep_days
        return data


class Deployment(Model):
    """What one box runs, as it tells the hub."""

    deployment_id: str
    task_id: UUID
    program_version: int
    mode: Mode
    privacy_mode: PrivacyMode
    sampling_config: SamplingConfig
    telemetry_config: TelemetryConfig
    storage_config: StorageConfig


def load_deployment(
    file: Path, *, required: bool = False, environment: Mapping[str, str] = os.environ
) -> DeploymentConfig:
    """Read `deployment.yaml`; all defaults where the file is absent or empty.

    Raises NotFoundError when `required` and absent; InvalidInputError with one problem
    for each field that is wrong.
    """
    try:
        document = YamlDocument.read(file)
    except NotFoundError:
        if required:
            raise
        return DeploymentConfig()
    if document.data is None:
        return DeploymentConfig()
    check_format(document.data, file, FORMAT_VERSION, document.line_of(("v",)))
    settings = document.data
    if isinstance(settings, dict):
        settings = {key: value for key, value in settings.items() if key != "v"}
    filled = _fill_typed(settings, DeploymentConfig, (), document, environment)
    config = document.as_model(DeploymentConfig, filled)
    config._document = document
    problem = _contradiction(config, document)
    if problem is not None:
        raise InvalidInputError(problem)
    return config


def _contradiction(config: DeploymentConfig, document: YamlDocument) -> Problem | None:
    """What two settings say against each other."""
    mode = config.mode
    if config.talks_to_hub and config.cloud.api_url is None:
        message = f"the mode is {mode}, and no hub is named."
        return document.problem(message, ("runtime", "mode"), "Set cloud.api_url, or mode: edge.")
    if mode is Mode.CENTRAL and config.telemetry.privacy_mode is PrivacyMode.STRICT:
        message = "in strict mode no input leaves the box; runtime.mode central sends all of them."
        remedy = "Use mode: hybrid, or another privacy_mode."
        return document.problem(message, ("telemetry", "privacy_mode"), remedy)
    return None


def _fill_typed(
    value: Any,
    annotation: Any,
    place: Place,
    document: YamlDocument,
    environment: Mapping[str, str],
) -> Any:
    """Fill variables where a number, a switch or a choice is wanted: those must be checked now."""
    model = _model_in(annotation)
    if isinstance(value, dict) and model is not None:
        fields = model.model_fields
        return {
            key: _fill_typed(inner, fields[key].annotation, (*place, key), document, environment)
            if key in fields
            else inner
            for key, inner in value.items()
        }
    if isinstance(value, str) and str not in _plain(annotation) and VARIABLE.search(value):
        return _fill(value, place, document, environment)
    return value


def _plain(annotation: Any) -> tuple[Any, ...]:
    """The types that keep text as it is, `Annotated` and unions opened."""
    options = get_args(annotation) or (annotation,)
    return tuple(str if option is SecretStr else option for option in options)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    for option in (annotation, *get_args(annotation)):
        if isinstance(option, type) and issubclass(option, BaseModel):
            return option
    return None


def _fill(
    text: str,
    place: Place,
    document: YamlDocument | None,
    environment: Mapping[str, str],
) -> str:
    def replace(match: re.Match[str]) -> str:
        name = match.group(1)
        if name in environment:
            return environment[name]
        message = f"the variable {name} is not set."
        remedy = f"Set {name} in the environment, or write the value here."
        if document is None:
            field = ".".join(str(part) for part in place)
            raise InvalidInputError(Problem(message, field=field, remedy=remedy))
        raise InvalidInputError(document.problem(message, place, remedy))

    return VARIABLE.sub(replace, text)
