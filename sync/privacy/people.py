"""Names of people, by Presidio over a spaCy model; only where it is installed and switched on.

It fetches no model, and where one is missing it says so rather than finding nothing.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Iterator, Mapping
from typing import Any

from runtime.config_sections import PrivacyConfig
from runtime.errors import LoopaiError, Problem
from sync.privacy.detection import DETECTORS
from sync.privacy.finding import Detector, Span

KIND = "PERSON"
LEAST_SCORE = 0.5


def detectors_for(settings: PrivacyConfig) -> Mapping[str, Detector]:
    """All detectors, that of names too where `privacy.names` wants it.

    Raises LoopaiError where what it needs is not installed.
    """
    if not settings.names:
        return DETECTORS
    return {**DETECTORS, KIND: People(tuple(sorted(settings.names_models.items())))}


class People:
    """A detector of names in texts of some languages: (code, spaCy model) each."""

    def __init__(self, models: tuple[tuple[str, str], ...]) -> None:
        self._engines = [(code, _engine(code, model)) for code, model in models]

    def __call__(self, text: str, context: str) -> Iterator[Span]:
        for code, engine in self._engines:
            found = engine.analyze(
                text, language=code, entities=[KIND], score_threshold=LEAST_SCORE
            )
            for one in found:
                yield one.start, one.end


@functools.cache
def _engine(code: str, model: str) -> Any:
    """Loaded once: it takes seconds, and some 100 MB."""
    if importlib.util.find_spec("presidio_analyzer") is None:
        raise LoopaiError(
            Problem(
                "names are to be found, and Presidio is not installed.",
                field="privacy.names",
                remedy="pip install 'loopai-workbench[names]', or set it to false.",
            )
        )
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import NlpEngineProvider
    from presidio_analyzer.predefined_recognizers import SpacyRecognizer

    # Presidio would download it.
    if importlib.util.find_spec(model) is None:
        raise LoopaiError(
            Problem(
                f"the spaCy model {model} is not installed.",
                field=f"privacy.names_models.{code}",
                remedy=f"python -m spacy download {model}",
            )
        )
    described = {"lang_code": code, "model_name": model}
    configuration = {"nlp_engine_name": "spacy", "models": [described]}
    registry = RecognizerRegistry(supported_languages=[code])
    registry.add_recognizer(SpacyRecognizer(supported_language=code, supported_entities=[KIND]))
    return AnalyzerEngine(
        registry=registry,
        nlp_engine=NlpEngineProvider(nlp_configuration=configuration).create_engine(),
        supported_languages=[code],
    )
