"""Uploading and downloading versions: whole, in ranges, or only when changed."""

from __future__ import annotations

import base64
import hashlib
import re

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from runtime.artifact_package import MAX_PACKAGE_BYTES
from runtime.errors import InvalidInputError
from runtime.slug import check_slug
from runtime.strict_json import parse_strictly
from sync.hub.answers import Guard, HubProblemError, read_limited
from sync.hub.hub_keys import Caller
from sync.hub.notifications import Notifications
from sync.hub.packages import Package, Packages

PREFIX = "/api/v1/artifacts/{task}"
ZIP = "application/zip"
RANGE = re.compile(r"bytes=(\d*)-(\d*)\Z")
SPECIFICATION_HEADER = "loopai-specification"
NOTE_HEADER = "loopai-note"
SIGNATURE_HEADER = "loopai-signature"
MAX_SPECIFICATION = 1_000_000


def artifact_routes(
    guard: Guard, packages: Packages, notifications: Notifications
) -> list[BaseRoute]:
    """The routes of the artifact repository."""

    async def upload(request: Request, caller: Caller) -> Response:
        """A JSON body with `package` (ZIP, base64), `specification` (YAML) and `note`."""
        task = _slug(request)
        content, specification, note = await _read_upload(request)
        package = await run_in_threadpool(
            packages.publish, caller, task, content, specification, note
        )
        told = notifications.new_artifact(caller.tenant, task, package.version)
        return JSONResponse({**_described(package), "notified": told}, 201)

    async def download(request: Request, caller: Caller) -> Response:
        version = int(request.path_params["version"])
        package = await run_in_threadpool(packages.get, caller.tenant, _slug(request), version)
        return _content(request, package)

    async def specification(request: Request, caller: Caller) -> Response:
        """The task as it was published with a version, as YAML."""
        version = int(request.path_params["version"])
        package = await run_in_threadpool(packages.get, caller.tenant, _slug(request), version)
        return Response(package.specification, media_type="application/yaml")

    async def versions(request: Request, caller: Caller) -> Response:
        found = await run_in_threadpool(packages.versions, caller.tenant, _slug(request))
        return JSONResponse({"task": request.path_params["task"], "versions": found})

    async def latest(request: Request, caller: Caller) -> Response:
        """Each task's newest version: what a box without notifications asks for."""
        return JSONResponse({"tasks": await run_in_threadpool(packages.latest, caller.tenant)})

    look = ("edge", "publish", "read", "admin")
    return [
        Route("/api/v1/artifacts", guard(latest, *look)),
        Route(PREFIX + "/upload", guard(upload, "publish"), methods=["POST"]),
        Route(PREFIX + "/versions", guard(versions, *look)),
        Route(PREFIX + "/v{version:int}/download", guard(download, *look)),
        Route(PREFIX + "/v{version:int}/task.yaml", guard(specification, *look)),
    ]


async def _read_upload(request: Request) -> tuple[bytes, str, str]:
    body = await read_limited(request, 2 * MAX_PACKAGE_BYTES)
    try:
        given = parse_strictly(body)
        content = base64.b64decode(given["package"], validate=True)
        specification, note = given["specification"], given.get("note", "")
        if not isinstance(specification, str) or not isinstance(note, str):
            raise TypeError("specification and note are texts")
        if len(specification) > MAX_SPECIFICATION:
            raise ValueError(f"a specification has at most {MAX_SPECIFICATION:,} characters")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInputError(f"The upload is not as it must be ({error}).") from None
    return content, specification, note


def _content(request: Request, package: Package) -> Response:
    """The ZIP, or the part that is asked for (RFC 9110), with its digest (RFC 9530)."""
    etag = f'"{package.digest}"'
    whole = package.content
    digest = base64.b64encode(hashlib.sha256(whole).digest()).decode()
    headers = {
        "etag": etag,
        "accept-ranges": "bytes",
        "repr-digest": f"sha-256=:{digest}:",
        "content-digest": f"sha-256=:{digest}:",
        SIGNATURE_HEADER: package.signature,
        "cache-control": "private, max-age=31536000, immutable",
    }
    known = [one.strip() for one in request.headers.get("if-none-match", "").split(",")]
    if etag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    match = RANGE.match(request.headers.get("range", ""))
    if match is None or request.headers.get("if-range", etag) != etag or not any(match.groups()):
        return Response(whole, media_type=ZIP, headers=headers)
    first, last = _bounds(match, len(whole))
    if first > last:
        raise HubProblemError(416, "Range not satisfiable", f"There are {len(whole):,} bytes.")
    part = whole[first : last + 1]
    digest = base64.b64encode(hashlib.sha256(part).digest()).decode()
    headers["content-range"] = f"bytes {first}-{last}/{len(whole)}"
    headers["content-digest"] = f"sha-256=:{digest}:"
    return Response(part, 206, headers, ZIP)


def _bounds(match: re.Match[str], size: int) -> tuple[int, int]:
    start, end = match.groups()
    if not start:
        return max(0, size - int(end)), size - 1
    return int(start), min(size - 1, int(end)) if end else size - 1


def _described(package: Package) -> dict[str, object]:
    return {
        "task": package.task,
        "version": package.version,
        "digest": package.digest,
        "signature": package.signature,
        "uploaded_at": package.uploaded_at,
    }


def _slug(request: Request) -> str:
    try:
        return check_slug(str(request.path_params["task"]))
    except ValueError as error:
        raise InvalidInputError(f"The task's name {error}.") from None
