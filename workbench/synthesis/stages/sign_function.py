"""A small function that speaks for a class: what words and patterns cannot say."""

from __future__ import annotations

import ast
from typing import Any

from runtime.models import TaskSpecification
from workbench.language_model.failures import CallFailedError
from workbench.language_model.messages import Message
from workbench.synthesis.by_model.answers import UnusableAnswerError, program_in
from workbench.synthesis.by_model.calls import ModelCalls
from workbench.synthesis.stages.prompts import describe, fill, show


def sign_function(calls: ModelCalls, task: TaskSpecification, label: Any) -> ast.FunctionDef:
    """One function of the input, untested. Raises UnusableAnswerError, ModelUnavailableError."""
    prompt = fill(__file__, task=describe(task), label=show(label))
    try:
        answer = calls.answer("function", [Message("user", prompt)], max_tokens=400)
        tree = program_in(answer.text, "sign")
    except CallFailedError as failure:
        raise UnusableAnswerError(str(failure)) from None
    except ValueError as error:
        raise UnusableAnswerError(str(error)) from None
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    imports = [node for node in tree.body if isinstance(node, ast.Import)]
    if len(functions) != 1 or len(functions) + len(imports) != len(tree.body):
        raise UnusableAnswerError("it is not one function with its imports")
    return functions[0]
