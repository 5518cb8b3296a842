"""Makes the README's picture of a report: `python tests/workbench/report/picture.py`."""

from __future__ import annotations

import base64
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE)]

from browser import Browser  # noqa: E402
from report_parts import a_long_life  # noqa: E402
from support import TASK  # noqa: E402

from runtime.data_dir import DataDir  # noqa: E402
from workbench.report.facts import gather  # noqa: E402
from workbench.report.page import report_html  # noqa: E402
from workbench.report.plotly_script import plotly_js  # noqa: E402


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        data_dir = DataDir(Path(folder) / "data")
        a_long_life(data_dir, description="Which team should answer this customer's message?")
        page = Path(folder) / "report.html"
        page.write_text(report_html(gather(data_dir, TASK, 7), plotly_js()))
        with Browser(Path(folder)) as browser:
            browser.open(page.as_uri(), width=1280, height=1440)
            browser.wait_for("document.querySelectorAll('svg.main-svg').length > 8")
            shot = browser._call("Page.captureScreenshot")["data"]
        picture = HERE.parents[2] / "workbench" / "manual" / "pictures" / "report.png"
        picture.write_bytes(base64.b64decode(shot))


if __name__ == "__main__":
    main()
