"""The wheel of the Loopai that runs here: built from its checkout, or packed again as installed."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path
from urllib.parse import unquote, urlsplit

from runtime.errors import LoopaiError, Problem
from workbench.shipping.pip_process import run_pip

NAME = "loopai-workbench"
#: What an installer leaves beside a wheel's own files.
LEFT_BY_INSTALLER = {"INSTALLER", "REQUESTED", "RECORD", "direct_url.json", "uv_cache.json"}
LONG_AGO = (1980, 1, 1, 0, 0, 0)


def write_own_wheel(folder: Path) -> Path:
    """Write it into `folder` and return its path. Raises LoopaiError."""
    installed = distribution(NAME)
    checkout = _checkout(installed)
    if checkout is None:
        return _pack(installed, folder)
    run_pip("wheel", "--no-deps", "--wheel-dir", str(folder), str(checkout))
    return next(folder.glob(f"{NAME.replace('-', '_')}-*.whl"))


def _checkout(installed: Distribution) -> Path | None:
    """The folder it is installed from with `pip install -e`, or None."""
    told = json.loads(installed.read_text("direct_url.json") or "{}")
    if not told.get("dir_info", {}).get("editable"):
        return None
    return Path(unquote(urlsplit(told["url"]).path))


def _pack(installed: Distribution, folder: Path) -> Path:
    """The installed files as the wheel they came in: the same contents, unpacked or not."""
    contents: dict[str, bytes] = {}
    for file in installed.files or ():
        kept = ".." not in file.parts and "__pycache__" not in file.parts
        if kept and file.name not in LEFT_BY_INSTALLER:
            contents[file.as_posix()] = Path(str(file.locate())).read_bytes()
    record = next((name for name in contents if name.endswith(".dist-info/WHEEL")), None)
    if record is None:
        raise LoopaiError(
            Problem(
                "the files of this installation are not listed, so no wheel can be made of them.",
                remedy=f"Install {NAME} with pip.",
            )
        )
    record = record.replace("/WHEEL", "/RECORD")
    contents[record] = _record(contents, record)
    path = folder / f"{NAME.replace('-', '_')}-{installed.version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name in sorted(contents, key=lambda name: (".dist-info/" in name, name)):
            entry = zipfile.ZipInfo(name, LONG_AGO)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            wheel.writestr(entry, contents[name])
    return path


def _record(contents: dict[str, bytes], own_name: str) -> bytes:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    for name, content in sorted(contents.items()):
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        rows.writerow((name, f"sha256={digest}", len(content)))
    rows.writerow((own_name, "", ""))
    return text.getvalue().encode()
