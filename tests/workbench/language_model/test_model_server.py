"""The client against a real server that speaks Ollama's API over HTTP, well and badly."""

import os
import signal
import subprocess
import sys
import threading

import pytest
from ollama_server.answers import Recorded
from ollama_server.behaviours import BEHAVIOURS
from ollama_server.running import RunningOllama
from support import wait_until

from runtime.config import DeploymentConfig
from runtime.config_sections import SynthesisConfig
from workbench.language_model.failures import CallFailedError, ModelAbsentError, ServerAbsentError
from workbench.language_model.messages import Message, ModelRequest
from workbench.language_model.server import OllamaServer, sendable

SHORT = SynthesisConfig(
    first_token_timeout_sec=0.4, token_timeout_sec=0.3, answer_timeout_sec=3, connect_timeout_sec=1
)
QUESTION = ModelRequest("tiny", (Message("user", "Say a colour."),), max_tokens=50)
BAD = {
    "stall": ("timeout", "no further word"),
    "silent": ("timeout", "nothing came"),
    "disconnect": ("disconnected", "connection was lost"),
    "failing": ("server", "500"),
    "complaint": ("server", "an error was encountered"),
}


@pytest.fixture
def ollama():
    with RunningOllama(answerer=Recorded([("colour", "light blue, or so")])) as running:
        yield running


def test_an_answer_is_streamed_and_accounted_for(ollama):
    heard = []
    answer = OllamaServer(ollama.url, SHORT).answer(QUESTION, heard.append)
    assert answer.text == "light blue, or so" == "".join(heard)
    assert len(heard) > 1
    assert answer.complete and answer.answer_tokens == len(heard) and answer.prompt_tokens > 0
    assert 0 < answer.seconds < 3


def test_seed_temperature_limits_and_keep_alive_reach_the_server(ollama):
    request = ModelRequest("tiny", QUESTION.messages, seed=7, temperature=0.5, max_tokens=9)
    OllamaServer(ollama.url, SHORT).answer(request)
    (seen,) = ollama.state.requests
    assert seen["options"] == {"seed": 7, "temperature": 0.5, "num_predict": 9, "num_ctx": 4096}
    assert seen["keep_alive"] == "10m"


@pytest.mark.parametrize("behaviour", sorted(BAD))
def test_a_bad_server_is_a_failure_in_words(ollama, behaviour):
    ollama.state.behaviour = behaviour
    kind, words = BAD[behaviour]
    with pytest.raises(CallFailedError, match=words) as failure:
        OllamaServer(ollama.url, SHORT).answer(QUESTION)
    assert failure.value.kind == kind
    if behaviour in ("stall", "disconnect", "complaint"):
        assert failure.value.text.startswith("light")


def test_an_endless_answer_is_cut_off_and_the_server_told(ollama):
    ollama.state.behaviour = "endless"
    answer = OllamaServer(ollama.url, SHORT).answer(QUESTION)
    assert not answer.complete
    assert len(answer.text) < 50 * 16 + 50
    wait_until(ollama.state.cancelled.is_set)


def test_an_answer_that_takes_too_long_in_all_is_given_up(ollama):
    ollama.state.behaviour, ollama.state.pause = "endless", 0.05
    hasty = SHORT.model_copy(update={"answer_timeout_sec": 0.5})
    with pytest.raises(CallFailedError, match=r"not complete after 0\.5 s"):
        OllamaServer(ollama.url, hasty).answer(QUESTION)
    wait_until(ollama.state.cancelled.is_set)


def test_an_answer_at_its_limit_is_known_to_be_cut(ollama):
    answer = OllamaServer(ollama.url, SHORT).answer(
        ModelRequest("tiny", QUESTION.messages, max_tokens=2)
    )
    assert not answer.complete


def test_a_model_that_is_not_there_is_named_with_those_that_are(ollama):
    request = ModelRequest("huge", QUESTION.messages)
    with pytest.raises(ModelAbsentError, match=r"tiny:latest.*loopai models pull huge"):
        OllamaServer(ollama.url, SHORT).answer(request)
    ollama.state.behaviour = "missing"
    with pytest.raises(ModelAbsentError):
        OllamaServer(ollama.url, SHORT).answer(QUESTION)


def test_where_no_server_is_a_person_is_told_what_to_do():
    with RunningOllama() as ended:
        address = ended.url
    with pytest.raises(ServerAbsentError, match=r"ollama serve.*go on without a model"):
        OllamaServer(address, SHORT).models()


def test_an_interrupt_ends_the_stream_at_once(ollama):
    ollama.state.behaviour, ollama.state.pause = "endless", 0.02
    code = (
        "from workbench.language_model.server import OllamaServer\n"
        "from workbench.language_model.messages import *\n"
        f"request = ModelRequest('tiny', (Message('user', 'x'),), max_tokens=100000)\n"
        f"OllamaServer({ollama.url!r}).answer(request, lambda text: print(text, flush=True))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=10)
    assert b"KeyboardInterrupt" in errors
    wait_until(ollama.state.cancelled.is_set)


def test_the_environment_goes_before_the_configuration():
    config = DeploymentConfig.model_validate({"synthesis": {"ollama_host": "http://box:1"}})
    assert OllamaServer.configured(config, {}).address == "http://box:1"
    assert OllamaServer.configured(config, {"OLLAMA_HOST": "other:2"}).address == "other:2"
    assert OllamaServer.configured(DeploymentConfig(), {}).address == "http://127.0.0.1:11434"


def test_bounds_stay_with_us_but_a_property_may_be_called_like_one():
    schema = {
        "type": "object",
        "properties": {"pattern": {"type": "string", "maxLength": 1200, "enum": ["a"]}},
    }
    assert sendable(schema) == {
        "type": "object",
        "properties": {"pattern": {"type": "string", "enum": ["a"]}},
    }


def test_it_can_be_asked_from_a_thread(ollama):
    answers = []
    server = OllamaServer(ollama.url, SHORT)
    thread = threading.Thread(target=lambda: answers.append(server.answer(QUESTION).text))
    thread.start()
    thread.join(10)
    assert answers == ["light blue, or so"]


def test_every_behaviour_can_be_started_by_hand():
    done = subprocess.run(
        [sys.executable, "-m", "tests.ollama_server", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "200"},
    )
    assert all(name in done.stdout for name in BEHAVIOURS)
