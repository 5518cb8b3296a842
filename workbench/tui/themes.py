"""The two themes of the app, dark and light, and which one suits the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from textual.theme import Theme

DARK = Theme(
    name="loopai-dark",
    primary="#7aa2f7",
    secondary="#9ece6a",
    accent="#e0af68",
    warning="#e0af68",
    error="#f7768e",
    success="#9ece6a",
    foreground="#c8d0e8",
    background="#15171f",
    surface="#1b1e29",
    panel="#262b3a",
    dark=True,
    variables={
        "border": "#3b4261",
        "border-blurred": "#2b3044",
        "footer-key-foreground": "#e0af68",
        "footer-background": "#1b1e29",
        "footer-description-foreground": "#9aa5ce",
        "block-cursor-background": "#33467c",
        "block-cursor-foreground": "#e6ebff",
        "block-cursor-blurred-background": "#262b3a",
        "input-selection-background": "#7aa2f7 35%",
        "scrollbar": "#3b4261",
        "scrollbar-background": "#1b1e29",
        "scrollbar-corner-color": "#1b1e29",
        "soft": "#8a93b5",
    },
)

LIGHT = Theme(
    name="loopai-light",
    primary="#2355b5",
    secondary="#3a7d1f",
    accent="#9a5b00",
    warning="#9a5b00",
    error="#b3261e",
    success="#2f7031",
    foreground="#20242f",
    background="#f6f7fa",
    surface="#ffffff",
    panel="#e6e9f1",
    dark=False,
    variables={
        "border": "#a9b2c7",
        "border-blurred": "#d3d8e4",
        "footer-key-foreground": "#9a5b00",
        "footer-background": "#e6e9f1",
        "footer-description-foreground": "#3d4657",
        "block-cursor-background": "#c9d8f7",
        "block-cursor-foreground": "#10131a",
        "block-cursor-blurred-background": "#e6e9f1",
        "input-selection-background": "#2355b5 25%",
        "scrollbar": "#b6becf",
        "scrollbar-background": "#eceff5",
        "scrollbar-corner-color": "#eceff5",
        "soft": "#5b6579",
    },
)


def code_style(theme: Theme) -> str:
    """The Pygments style for source on the ground of a theme."""
    return "github-dark" if theme.dark else "friendly"


def theme_for(choice: str, environment: Mapping[str, str]) -> str:
    """The theme's name for a setting: `dark`, `light`, any other theme's name, or `auto`.

    `auto` reads COLORFGBG, which many terminals set to "foreground;background"; dark otherwise.
    """
    if choice != "auto":
        return {"dark": DARK.name, "light": LIGHT.name}.get(choice, choice)
    background = environment.get("COLORFGBG", "").rpartition(";")[2]
    return LIGHT.name if background in {"7", "15"} else DARK.name
