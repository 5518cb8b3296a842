"""The shapes that cross a border: tasks, artifacts, executions, validations, telemetry.

Inside the program these travel as plain typed values; the hot path builds none of them.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4, uuid5

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from runtime.clock import utc_now
from runtime.invariant import check_expression
from runtime.slug import check_slug

FORMAT_VERSION = 1
# Any fixed UUID will do: a task without an `id` gets the same one on every machine.
TASK_NAMESPACE = UUID("b1e4f6d2-3c0a-5f5e-9a54-10a9a1c0de00")

Slug = Annotated[str, AfterValidator(check_slug)]
Fraction = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]


class Strategy(StrEnum):
    RULE = "rule"
    ML = "ml"
    HYBRID = "hybrid"
    DSL = "dsl"


class ArtifactStatus(StrEnum):
    DRAFT = "draft"
    VALIDATED = "validated"
    ACTIVE = "active"
    DEPRECATED = "deprecated"


class ExecutionStatus(StrEnum):
    SUCCESS = "success"
    ERROR = "error"
    TIMEOUT = "timeout"


class ComparisonMethod(StrEnum):
    EXACT = "exact"
    SEMANTIC = "semantic"
    FUZZY = "fuzzy"


class Mode(StrEnum):
    EDGE = "edge"
    CENTRAL = "central"
    HYBRID = "hybrid"


class PrivacyMode(StrEnum):
    STRICT = "strict"
    BALANCED = "balanced"
    PERMISSIVE = "permissive"


class Model(BaseModel):
    """What all of these share: no unknown fields, nothing changed after it was checked."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Example(Model):
    """One line of `examples.jsonl`: an input object and the output it should give.

    `origin` says where a line that a machine added comes from; nothing is learned from it.
    """

    #: What is asked.
    input: dict[str, Any]
    #: The right answer.
    output: Any
    #: Where a line that a machine added comes from.
    origin: dict[str, Any] | None = None


class ComparisonRule(Model):
    """How an answer, or one field of it, is compared with an oracle's.

    `comparison` is exact, fuzzy, semantic or the name of an installed comparator. What is as
    similar as `threshold` (default 0.9 fuzzy, 0.85 semantic) is a match; numbers may differ by
    `tolerance` (default: `x-tolerance` of their schema).
    """

    #: When an answer is right: exact, fuzzy, semantic, or an installed comparator.
    comparison: Slug = "exact"
    #: How similar is right; 0.9 fuzzy, 0.85 semantic where unset.
    threshold: Fraction | None = None
    #: How far numbers may differ; `x-tolerance` of their schema where unset.
    tolerance: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None


class OracleChoice(Model):
    """One oracle a task asks: `kind` is person, file, program, ollama or an installed one's name.

    A file has `file` (JSON lines with input and output, relative to the task's folder); a
    reference program has `version` (of this task) or `file`; a model may have `model`;
    `options` are an installed oracle's own.
    """

    kind: Slug
    file: str | None = None
    version: Annotated[int, Field(ge=1)] | None = None
    model: str | None = None
    options: dict[str, Any] = Field(default_factory=dict)


class ValidationSettings(ComparisonRule):
    """`validation:` of task.yaml: who is asked, in this order, and when an answer is right.

    `fields` holds rules for properties of an object, by name or by a dotted path.
    """

    #: Who is asked, in this order: `kind` is person, file, program, ollama or installed.
    oracles: tuple[OracleChoice, ...] = (OracleChoice(kind="person"),)
    #: Other rules for properties of an object, by name or dotted path.
    fields: dict[str, ComparisonRule] = Field(default_factory=dict)


class Invariant(Model):
    """What holds for every answer of a task's programs, as a Python expression over `input` and
    `output`, and `because` of what. A string alone is the expression."""

    check: Annotated[str, AfterValidator(check_expression)]
    because: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, data: Any) -> Any:
        return {"check": data} if isinstance(data, str) else data


class TaskPrivacy(Model):
    """`privacy:` of task.yaml: what may leave of single fields, by dotted path; `*` is any name or
    place in a list. It holds in balanced and permissive mode; in strict no field leaves."""

    #: keep, redact, hash or drop, by path.
    fields: dict[str, Literal["keep", "redact", "hash", "drop"]] = Field(default_factory=dict)


class TaskSpecification(Model):
    """A task in words, schemas and examples. `name` is its slug in paths and routes."""

    #: A UUID; made from the name where it is left out.
    id: UUID
    #: The task's place in paths and routes: lower case, digits and hyphens.
    name: Slug
    #: What is wanted, in words.
    description: str = Field(min_length=1)
    #: JSON Schema of an input, an object.
    input_schema: dict[str, Any]
    #: JSON Schema of an answer; it decides what kind of program is made.
    output_schema: dict[str, Any]
    #: Inputs with their right outputs; usually in `examples.jsonl`.
    examples: tuple[Example, ...] = ()
    #: What share of answers must be right.
    accuracy_target: Fraction = 0.9
    #: What an execution may take, at the 99th percentile.
    latency_target_ms: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 10
    #: What share of executions is looked at again; goes before `sampling.rate`.
    sampling_rate: Fraction = 0.1
    validation: ValidationSettings = ValidationSettings()
    #: What holds for every answer, as expressions over input and output.
    invariants: tuple[Invariant, ...] = ()
    #: What may leave of single fields.
    privacy: TaskPrivacy = TaskPrivacy()
    #: When it was made.
    created_at: AwareDatetime = Field(default_factory=utc_now)
    #: When it was last changed.
    updated_at: AwareDatetime = Field(default_factory=utc_now)

    @model_validator(mode="before")
    @classmethod
    def _derive_id(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("id") is None and isinstance(data.get("name"), str):
            return {**data, "id": uuid5(TASK_NAMESPACE, data["name"])}
        return data


class ProgramArtifact(Model):
    """One synthesized version of a task's program and where it came from."""

    id: UUID = Field(default_factory=uuid4)
    task_id: UUID
    version: int = Field(ge=1)
    language: str = "python"
    code: str
    synthesis_strategy: Strategy | Slug
    confidence_score: Fraction
    complexity_metrics: dict[str, float] = Field(default_factory=dict)
    llm_provider: str | None = None
    llm_model: str | None = None
    generation_cost: float = 0.0
    generation_time_sec: float = 0.0
    status: ArtifactStatus = ArtifactStatus.DRAFT
    created_at: AwareDatetime = Field(default_factory=utc_now)


class ExecutionRecord(Model):
    """One execution, as the log holds it."""

    id: UUID
    program_id: str
    task_id: UUID
    input_data: Any
    output_data: Any = None
    latency_ms: float
    status: ExecutionStatus
    sampled_for_validation: bool = False
    executed_at: AwareDatetime


class ValidationRecord(Model):
    """What an oracle said of one sampled execution, a line of `sampled-<day>.jsonl`.

    Estimates weigh it by 1 / `inclusion_probability`. `timestamp` is `validated_at`, under the
    name by which every log is read.
    """

    v: int = FORMAT_VERSION
    id: UUID = Field(default_factory=uuid4)
    execution_id: UUID
    program_id: str
    program_version: int | None = None
    strategy: str = "random"
    inclusion_probability: Annotated[float, Field(gt=0, le=1)] = 1.0
    input: Any = None
    output: Any = None
    status: ExecutionStatus = ExecutionStatus.SUCCESS
    confidence: float | None = None
    executed_at: str | None = None
    oracle: str = "person"
    oracle_output: Any
    oracle_cost: float = 0.0
    oracle_latency_ms: float = 0.0
    match: bool
    similarity_score: Fraction
    comparison_method: ComparisonMethod | Slug = ComparisonMethod.EXACT
    validated_at: AwareDatetime = Field(default_factory=utc_now)
    timestamp: str = ""


class ExecutionSummary(Model):
    """An execution without its input, fit to leave the box."""

    execution_id: UUID
    input_hash: str
    output: Any = None
    latency_ms: float
    status: ExecutionStatus
    sampled: bool = False


class TelemetryBatch(Model):
    """What one deployment tells the hub about one program version."""

    deployment_id: str
    task_id: UUID
    program_version: int
    timestamp: datetime
    execution_summaries: tuple[ExecutionSummary, ...] = ()
    sampled_validations: tuple[ValidationRecord, ...] = ()
