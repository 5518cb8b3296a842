"""`python -m tests.ollama_server`: the test server by hand, such as with `--behaviour stall`."""

from __future__ import annotations

from pathlib import Path

import click
import uvicorn

from .answers import Recorded
from .app import OllamaState, make_app
from .behaviours import BEHAVIOURS


@click.command()
@click.option("--behaviour", type=click.Choice(list(BEHAVIOURS)), default="good")
@click.option("--faults", type=int, help="Misbehave so many times, then be good.")
@click.option("--answers", type=click.Path(path_type=Path, exists=True), help="Recorded answers.")
@click.option("--real", is_flag=True, help="Answer by the real small model, if installed.")
@click.option("--pause", default=0.01, help="Seconds between two tokens.")
@click.option("--port", default=11434)
def main(
    behaviour: str, faults: int | None, answers: Path | None, real: bool, pause: float, port: int
) -> None:
    state = OllamaState(behaviour=behaviour, faults=faults, pause=pause)
    if real:
        from .small_model import SmallModel

        state.answerer = SmallModel()
        state.models = {"smollm2:135m": next(iter(state.models.values()))}
        state.pause = 0.0
    elif answers:
        state.answerer = Recorded.read(answers)
    click.echo(f"http://127.0.0.1:{port}: {behaviour}, models {', '.join(state.models)}")
    uvicorn.run(make_app(state), host="127.0.0.1", port=port, log_level="warning", ws="none")


main()
