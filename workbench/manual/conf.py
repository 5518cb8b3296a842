"""How Sphinx builds the manual."""

from importlib.metadata import version as installed

project = "Loopai"
author = "The Loopai maintainers"
release = version = installed("loopai-workbench")
extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = f"Loopai {release}"
html_show_copyright = False
html_copy_source = False
# Nothing of these pages is fetched from elsewhere.
html_theme_options = {"source_repository": "", "footer_icons": []}
exclude_patterns: list[str] = []
