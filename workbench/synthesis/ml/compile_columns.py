"""Writes models of rows of numbers: kernels and normal densities."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.naive_bayes import GaussianNB

from workbench.synthesis.ml.compiled import Compiled, Names, write_row
from workbench.synthesis.ml.space import Array, Space
from workbench.synthesis.ml.write_code import number, write_table, write_tuple


def compile_kernels(space: Space, estimator: Any, names: Names) -> Compiled:
    """A one-vs-rest SVM with RBF kernel: its support vectors and their coefficients."""
    upper = names.constants
    machines = estimator.estimators_
    coefficients: dict[tuple[float, ...], Array] = {}
    for position, machine in enumerate(machines):
        vectors = zip(machine.support_vectors_, machine.dual_coef_[0], strict=True)
        for vector, coefficient in vectors:
            key = tuple(float(value) for value in vector)
            coefficients.setdefault(key, np.zeros(len(machines)))[position] += coefficient
    lines = [
        " ".join(number(float(value), 5) for value in own)
        + " | "
        + " ".join(f"{value:.4f}".rstrip("0").rstrip(".") for value in vector)
        for vector, own in coefficients.items()
    ]
    gamma = 1 / len(space.means)
    biases = write_tuple([float(machine.intercept_[0]) for machine in machines])
    name = f"{upper}_VECTORS"
    score = f"""def {names.own}_scores(data):
    \"\"\"How near the input is to the examples that mark each class's border.\"\"\"
    point = {names.shared}_standardize({names.own}_row(data), {upper}_MEANS, {upper}_SCALES)
    return {names.shared}_add_kernels(point, {name}, {number(gamma)}, {biases})"""
    return Compiled(
        frozenset({"standardize", "add_kernels", "read_vectors", *_calls(space)}),
        _standardization(space, upper),
        (score, write_row(space.parts, names)),
        (f"{name} = {names.shared}_read_vectors({write_table(lines)})",),
        single_score=len(machines) == 1,
    )


def compile_densities(space: Space, estimator: Any, names: Names) -> Compiled:
    """Normal densities, one a class, with own covariances or with variances only."""
    upper = names.constants
    classes = []
    for position in range(len(estimator.classes_)):
        bias, shift, directions = _density(estimator, position)
        lines = ",\n            ".join(
            write_tuple([float(value) for value in line], 12) for line in directions
        )
        shifts = write_tuple([float(value) for value in shift], 8)
        classes.append(
            f"    (\n        {number(bias)},\n        {shifts},\n"
            f"        (\n            {lines},\n        ),\n    ),"
        )
    table = f"{upper}_CLASSES = (\n" + "\n".join(classes) + "\n)"
    score = f"""def {names.own}_scores(data):
    \"\"\"How likely the input is among the examples of each class (normal distributions).\"\"\"
    point = {names.shared}_standardize({names.own}_row(data), {upper}_MEANS, {upper}_SCALES)
    return {names.shared}_add_squares(point, {upper}_CLASSES)"""
    return Compiled(
        frozenset({"standardize", "add_squares", *_calls(space)}),
        _standardization(space, upper),
        (score, write_row(space.parts, names)),
        (table,),
        single_score=False,
    )


def _density(estimator: Any, position: int) -> tuple[float, Array, Array]:
    """Bias, shift and directions: score = bias - ½ Σ (direction · x - shift)²."""
    if isinstance(estimator, GaussianNB):
        variances = estimator.var_[position]
        directions = np.diag(1 / np.sqrt(variances))
        bias = -0.5 * float(np.log(2 * np.pi * variances).sum())
        mean, prior = estimator.theta_[position], estimator.class_prior_[position]
    else:
        scaling = estimator.scalings_[position]
        directions = (estimator.rotations_[position] / np.sqrt(scaling)).T
        bias = -0.5 * float(np.log(scaling).sum())
        mean, prior = estimator.means_[position], estimator.priors_[position]
    return bias + float(np.log(prior)), directions @ mean, directions


def _standardization(space: Space, upper: str) -> tuple[str, ...]:
    means = write_tuple([float(value) for value in space.means])
    scales = write_tuple([float(value) for value in space.scales])
    return f"{upper}_MEANS = {means}", f"{upper}_SCALES = {scales}"


def _calls(space: Space) -> set[str]:
    return {part.call for part in space.parts}
