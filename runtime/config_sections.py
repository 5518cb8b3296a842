"""The sections of `deployment.yaml`, setting by setting with its default. They decide nothing."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from runtime.models import Mode, Model, PrivacyMode
from runtime.tls.settings import ClientTls, ServerTls

Count = Annotated[int, Field(ge=1)]
Days = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Cost = Annotated[float, Field(ge=0, allow_inf_nan=False)]


ModuleName = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")]


class RuntimeConfig(Model):
    #: edge: no hub is asked or told anything. central: the hub executes. hybrid: serves here,
    #: takes versions from the hub and tells it of executions. Unset: hybrid where
    #: `cloud.api_url` is set, edge where not.
    mode: Mode = Mode.EDGE
    #: The address to serve on; beyond loopback a key is needed.
    host: str = "127.0.0.1"
    #: 0 takes any free one.
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    #: A request's body, or one line of a batch.
    max_body_bytes: Count = 2_000_000
    #: Executions that may wait in each HTTP worker; more are answered with 429.
    max_queue: Count = 4096
    #: The background process that reads the log: statistics, sampling, rollouts, alerts, retention.
    steward: bool = True
    #: Further programs to run beside the HTTP workers, as `python -m` would.
    modules: tuple[ModuleName, ...] = ()
    #: Names beside localhost by which a runtime without keys may be called.
    allowed_hosts: tuple[str, ...] = ()
    #: Of each HTTP worker.
    max_connections: Count = 1024
    #: All headers of a request together.
    max_header_bytes: Count = 16_384
    #: How many a request may have.
    max_headers: Count = 100
    #: A request's head must have come by then.
    header_timeout_sec: Positive = 10
    #: A body may take so long, and longer while it comes at 500 bytes a second or faster.
    body_timeout_sec: Positive = 20
    #: A caller that takes nothing for so long is let go.
    send_timeout_sec: Positive = 60
    #: An idle connection is closed after it: longer than clients keep one (aiohttp: 15), so that
    #: none is closed under a request.
    keep_alive_sec: Positive = 20
    #: How long a stop waits for what is under way.
    drain_sec: Positive = 30
    #: OpenTelemetry; needs the extra `[otel]` and its OTEL_* variables.
    traces: bool = False
    #: Certificate files; with them HTTPS is served, and nothing older than TLS 1.3.
    tls: ServerTls = ServerTls()


class CloudConfig(Model):
    #: The hub; without it nothing leaves this box.
    api_url: str | None = None
    #: The key this box shows the hub.
    api_key: SecretStr | None = SecretStr("${LOOPAI_API_KEY}")
    #: Be told of new versions at once; without, the hub is asked every `poll_sec`.
    signalr_enabled: bool = True
    #: How often to ask for news that was not heard.
    poll_sec: Positive = 30
    #: What becomes of a version that the hub brings: it serves at once, by a staged rollout over
    #: the one that serves, or waits for a person.
    promote: Literal["now", "staged", "no"] = "now"
    #: Whom to trust for the hub, and the certificate to show it where it asks for one.
    tls: ClientTls = ClientTls()


class ExecutionConfig(Model):
    #: HTTP workers, each a process.
    worker_count: Annotated[int, Field(ge=1, le=256)] = 4
    #: Sandbox processes of each HTTP worker: with two, a slow task leaves another its own.
    sandbox_workers: Annotated[int, Field(ge=1, le=64)] = 2
    #: An execution that takes longer is ended, and answered `timeout`.
    timeout_ms: Annotated[int, Field(ge=1, le=600_000)] = 1000
    #: What a program may allocate.
    memory_mb: Annotated[int, Field(ge=64, le=65_536)] = 512
    #: strict: do not start where a wall of the sandbox is missing.
    require_isolation: Literal["best-effort", "strict"] = "best-effort"
    #: An execution that took longer, waiting included, is named in the server's log.
    slow_ms: Positive = 250


class TelemetryConfig(Model):
    #: Whether anything is queued for the hub.
    enabled: bool = True
    #: What is queued is sent so often.
    upload_interval_sec: Positive = 60
    #: Rows of one upload; as many waiting are sent at once.
    batch_size: Count = 1000
    #: What may leave: strict hashes and figures, balanced a redacted sample, permissive all.
    privacy_mode: PrivacyMode = PrivacyMode.BALANCED
    #: Queue telemetry without a hub too, for `loopai bundle export telemetry`.
    by_bundle: bool = False
    #: What may wait to be sent while the hub is away; beyond it the oldest is let go, and counted.
    outbox_mb: Positive = 100


class StorageConfig(Model):
    #: Where everything lies; `--data-dir` and LOOPAI_DATA_DIR go before it.
    data_dir: str | None = None
    #: How long logs are kept where `retention` says nothing.
    retention_days: Days = 30
    #: Beyond it the oldest logs are deleted first.
    max_size_gb: Positive = 100
    #: What an answer waits for: the kernel has its line, the disk has it, or nothing.
    durability: Literal["process", "disk", "none"] = "process"


class ExecutionRetention(Model):
    #: Days executions are kept; unset: `storage.retention_days`.
    keep_days: Days | None = None
    #: Days after which a file is compressed.
    compress_after: Days = 1


class ValidationRetention(Model):
    #: Days validations are kept; unset: `storage.retention_days`.
    keep_days: Days | None = None


class ArtifactRetention(Model):
    #: Of each task, beside the active one and those in a rollout.
    keep_versions: Count = 10


class RetentionConfig(Model):
    executions: ExecutionRetention = ExecutionRetention()
    validations: ValidationRetention = ValidationRetention()
    artifacts: ArtifactRetention = ArtifactRetention()


class PrivacyConfig(Model):
    #: Find personal data in what may leave, and replace it.
    pii_detection: bool = True
    #: Send keyed hashes of inputs, whatever the mode.
    hash_inputs: bool = False
    #: Send only what was sampled, whatever the mode.
    sample_only: bool = False
    #: Replace names of people too; needs the extra `[names]` and a spaCy model a language.
    names: bool = False
    #: The spaCy model of each language in which names are looked for.
    names_models: dict[str, str] = Field(default_factory=lambda: {"en": "en_core_web_sm"})


class SynthesisConfig(Model):
    """The language model that may help to make programs, and what it may cost. None by default."""

    #: Such as http://127.0.0.1:11434; the variable OLLAMA_HOST goes before it.
    ollama_host: str | None = None
    #: Such as qwen2.5-coder:3b; no model is asked where none is named.
    model: str | None = None
    #: How much the model varies its answers; 0: as little as it can.
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.7
    #: How long the server keeps the model in memory after a call.
    keep_alive: str = "10m"
    #: How much the model is given room for.
    context_tokens: Count = 4096
    #: Of one answer.
    answer_tokens: Count = 1024
    #: A server that does not answer by then is not there.
    connect_timeout_sec: Positive = 3
    #: The first call may have to load the model.
    first_token_timeout_sec: Positive = 120
    #: Between two tokens.
    token_timeout_sec: Positive = 30
    #: Of a whole answer.
    answer_timeout_sec: Positive = 300
    #: Of one synthesis, all calls together.
    max_calls: Count = 400
    #: Of one synthesis, all calls together.
    max_tokens: Count = 100_000
    #: Of one synthesis, all calls together.
    max_seconds: Positive = 900


class ModelPrice(Model):
    """What one language model costs, by the million tokens; `seconds_per_call` as measured."""

    input_per_million: Cost
    output_per_million: Cost
    seconds_per_call: Positive | None = None


class PricesConfig(Model):
    """What a call of a language model costs here: to hold oracles to a budget, and to say in
    reports what was saved. Either `per_call`, or by the million tokens."""

    #: Of all prices here.
    currency: str = "USD"
    #: Or by the million tokens.
    per_call: Cost | None = None
    #: Tokens asked with.
    input_per_million: Cost | None = None
    #: Tokens answered.
    output_per_million: Cost | None = None
    #: For `loopai cost`: models that programs are compared with, by name.
    models: dict[str, ModelPrice] = Field(default_factory=dict)
    #: What the machine that runs the programs costs a month.
    machine_per_month: Cost | None = None


class ValidationConfig(Model):
    #: Whether sampled executions are put to oracles.
    enabled: bool = True
    #: A day, over all tasks, of oracles that are paid by the call; in `prices.currency`.
    calls_per_day: Annotated[int, Field(ge=0)] = 2000
    #: The same in money.
    cost_per_day: Cost = 5.0
    #: An oracle that takes longer is given up on and asked again later.
    timeout_sec: Positive = 60
    #: What oracles of kind `ollama` and semantic comparisons ask, at `synthesis.ollama_host`;
    #: nothing is asked unless a task says so.
    model: str = "llama3.1"
    #: What semantic comparisons embed texts with.
    embedding_model: str = "nomic-embed-text"
    #: Samples of a task that may wait for an answer; beyond, the oldest are skipped.
    max_waiting: Count = 5000


class ImproveConfig(Model):
    #: Promote in stages without asking; otherwise it stops at the offer.
    auto: bool = False
    #: Only these make versions; all of them where none is named.
    strategies: tuple[str, ...] = ()
    #: New confirmed failures that make it worth trying.
    min_failures: Count = 10
    #: How often it looks for new failures.
    interval_sec: Positive = 300
