"""`loopai report` and the live dashboard in a browser: wide and narrow, light and dark."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from browser import Browser, chromium
from report_parts import a_long_life
from support import TASK, RunningRuntime, clean_environment, make_task

from runtime.data_dir import DataDir

needs_browser = pytest.mark.skipif(
    chromium() is None, reason="no chromium here: apt-get install chromium"
)
PICTURES = {
    "traffic",
    "latency",
    "outputs",
    "accuracy",
    "confusion",
    "drift",
    "versions",
    "rollout",
    "savings",
}
LOOKS = [(1280, False), (1280, True), (400, False), (400, True)]
NAMES = ["wide-light", "wide-dark", "narrow-light", "narrow-dark"]

#: What is wrong with how a page is laid out, in words.
FAULTS = """(() => {
  const faults = [];
  if (document.documentElement.scrollWidth > innerWidth) faults.push("it scrolls sideways");
  for (const place of document.querySelectorAll(".picture")) {
    const svg = place.querySelector("svg.main-svg");
    const box = place.getBoundingClientRect();
    if (!svg) { faults.push(place.id + " is not drawn"); continue; }
    const wide = svg.getBoundingClientRect().width;
    if (Math.abs(wide - box.width) > 2) faults.push(place.id + " is " + wide + " wide");
    const bounds = box;
    const texts = [...place.querySelectorAll("svg text")].filter((t) => t.textContent.trim());
    for (const text of texts) {
      const at = text.getBoundingClientRect();
      if (!at.width) continue;
      if (at.left < bounds.left - 2 || at.right > bounds.right + 2)
        faults.push(place.id + ": '" + text.textContent + "' is cut");
    }
    for (const kind of ["xtick", "ytick"]) {
      const ticks = texts.filter((t) => t.parentElement.classList.contains(kind))
        .map((t) => t.getBoundingClientRect());
      for (let a = 0; a < ticks.length; a++) for (let b = a + 1; b < ticks.length; b++) {
        const p = ticks[a], q = ticks[b];
        if (p.left < q.right - 1 && q.left < p.right - 1 && p.top < q.bottom - 1 &&
            q.top < p.bottom - 1) faults.push(place.id + ": labels overlap");
      }
    }
  }
  return faults;
})()"""
DRAWN = """[...document.querySelectorAll('.picture')].filter((p) => p.querySelector('svg.main-svg'))
  .map((p) => p.id.replace('picture-', ''))"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture(scope="module")
def lived(tmp_path_factory) -> DataDir:
    data_dir = DataDir(tmp_path_factory.mktemp("lived") / "data")
    a_long_life(data_dir)
    return data_dir


def report(data_dir, file, *arguments, code=0):
    done = subprocess.run(
        [sys.executable, "-m", "workbench", "report", TASK, "-o", str(file), *arguments],
        capture_output=True,
        text=True,
        env={**clean_environment(), "LOOPAI_DATA_DIR": str(data_dir.root)},
        check=False,
        timeout=120,
    )
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture(scope="module")
def page(lived, tmp_path_factory):
    file = tmp_path_factory.mktemp("report") / "report.html"
    written = json.loads(report(lived, file, "--json").stdout)
    assert written["bytes"] == file.stat().st_size
    return file


def test_the_report_stands_in_one_file_and_escapes_what_people_wrote(page):
    html = page.read_text()
    own = html.partition("<script>")[0]
    assert "&lt;markup&gt; &amp; quotes" in own
    assert "src=" not in own and 'href="http' not in own
    assert html.count("<script") - html.count("<script>") == 0, "no script from elsewhere"
    assert "EUR" in own
    assert "Drift of input length is 0.31, over 0.25." in own


@needs_browser
@pytest.mark.parametrize(("width", "dark"), LOOKS, ids=NAMES)
def test_every_picture_is_drawn_whole_in_any_width_and_colour(browser, page, width, dark, tmp_path):
    browser.open(page.as_uri(), width=width, dark=dark)
    assert set(browser.run(DRAWN)) == PICTURES
    assert browser.run(FAULTS) == []
    assert browser.errors == []
    assert [url for url in browser.asked if not url.startswith(("file:", "data:"))] == []
    paper = browser.run("getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(18, 22, 28)" if dark else "rgb(246, 247, 249)")
    browser.picture(tmp_path / "page.png")


@needs_browser
def test_colours_change_with_the_scheme_while_the_page_is_open(browser, page):
    browser.open(page.as_uri(), width=1280)
    ink = "getComputedStyle(document.querySelector('#picture-latency .xtick text')).fill"
    light = browser.run(ink)
    scheme = {"name": "prefers-color-scheme", "value": "dark"}
    browser._call("Emulation.setEmulatedMedia", features=[scheme])
    browser.wait_for(f"{ink} !== {json.dumps(light)}")
    assert browser.errors == []


@needs_browser
def test_a_task_that_has_not_lived_yet_says_what_would_be_shown(browser, tmp_path):
    data_dir = DataDir(tmp_path / "data")
    make_task(data_dir)
    report(data_dir, tmp_path / "empty.html")
    browser.open((tmp_path / "empty.html").as_uri(), width=400)
    assert browser.run(DRAWN) == [] and browser.errors == []
    text = browser.run("document.body.innerText")
    for words in ("Nothing was executed", "loopai label", "--staged", "per_call"):
        assert words in text
    assert browser.run(FAULTS) == []


def test_a_report_of_no_task_is_one_sentence(tmp_path):
    done = report(DataDir(tmp_path), tmp_path / "x.html", code=2)
    assert "there is no task" in done.stderr


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "number"},
        {"type": "string"},
        {"type": "object", "properties": {"n": {"type": "number"}, "kind": {"enum": ["a", "b"]}}},
        {},
    ],
    ids=["number", "text", "object", "anything"],
)
def test_any_kind_of_output_has_a_report(tmp_path, schema):
    outputs = {"number": 1.5, "string": "some text", "object": {"n": 1, "kind": "a"}}
    output = outputs.get(schema.get("type"), ["list"])
    data_dir = DataDir(tmp_path / "data")
    make_task(data_dir, output_schema=schema)
    folder = data_dir.executions(TASK)
    folder.mkdir(parents=True)
    from support import log_line

    from runtime.clock import format_time, utc_now

    now = utc_now()
    lines = [log_line(n, format_time(now), output=output) for n in range(30)]
    (folder / f"{now.date()}.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    report(data_dir, tmp_path / "report.html")
    assert "picture-outputs" in (tmp_path / "report.html").read_text()


def test_the_figures_are_what_plotly_takes(lived):
    import plotly.graph_objects as go

    from workbench.report.facts import gather
    from workbench.report.page import sections

    found = {s.name: s.figure for s in sections(gather(lived, TASK, 7)) if s.figure}
    assert found.keys() == PICTURES
    for figure in found.values():
        text = json.dumps(figure)
        for number in range(9):
            text = text.replace(f'"@c{number}"', '"#123456"')
        for name in ("good-faint", "good", "bad", "soft", "card", "deep"):
            text = text.replace(f'"@{name}"', '"#123456"')
        go.Figure(json.loads(text))


@needs_browser
def test_the_dashboard_shows_the_same_live(browser, lived):
    with RunningRuntime(lived) as runtime:
        browser.open(f"{runtime.url}/dashboard?days=7", width=400, dark=True)
        browser.wait_for("document.body.dataset.drawn")
        assert set(browser.run(DRAWN)) == PICTURES
        assert browser.run(FAULTS) == [] and browser.errors == []
        first = browser.run("document.querySelector('#facts dd').parentElement.innerText")
        executions = "document.querySelectorAll('#facts dd')[1].firstChild.textContent"
        before = browser.run(executions)
        runtime.execute({"text": "one more"})
        browser.wait_for(f"(renew(), {executions} !== {json.dumps(before)})")
        assert "v1" in first and browser.errors == []
        browser.open(f"{runtime.url}/dashboard?plain", width=400)
        assert browser.errors == [] and browser.run("document.querySelectorAll('svg').length") > 0
        assert browser.run("document.documentElement.scrollWidth <= innerWidth")


def test_the_dashboard_hands_out_its_own_files_only(lived):
    with RunningRuntime(lived) as runtime:
        page = runtime.http.get("/dashboard")
        assert "script-src 'self'" in page.headers["content-security-policy"]
        assert runtime.http.get("/dashboard/files/page.js").status_code == 200
        for path in ("files/live.py", "files/..%2fpage.py", "data/nowhere", "nothing"):
            assert runtime.http.get(f"/dashboard/{path}").status_code == 404
        assert runtime.http.get("/dashboard?days=0").status_code == 400
        data = runtime.http.get(f"/dashboard/data/{TASK}?days=7").json()
        assert set(data["figures"]) == PICTURES
