"""Plotly's own script, as the installed package has it. It is read, never run here."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def plotly_file() -> Path:
    """Where `plotly.min.js` stands (about 5 MB)."""
    # Asked of the package's files, since importing plotly itself takes half a second.
    return Path(str(files("plotly") / "package_data" / "plotly.min.js"))


def plotly_js() -> str:
    """The script, fit to stand inside a script element."""
    return plotly_file().read_text("utf-8").replace("</script", "<\\/script")
