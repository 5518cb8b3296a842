"""Uploading and downloading versions: whole, in ranges, or only when changed."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from runtime.artifact_package import MAX_PACKAGE_BYTES
from runtime.errors import InvalidInputError
from runtime.server.openapi_parts import Json, list_of, object_of
from runtime.slug import check_slug
from runtime.strict_json import parse_strictly
from sync.hub.answers import problem, read_limited
from sync.hub.hub_keys import Caller
from sync.hub.operations import Operation, header, number_of
from sync.hub.packages import Package, Packages

PREFIX = "/api/v1/artifacts/{task}"
ZIP = "application/zip"
RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})\Z")
SIGNATURE_HEADER = "loopai-signature"
MAX_SPECIFICATION = 1_000_000


def artifact_routes(
    packages: Packages, published: Callable[[str, str, int], int], relayed: bool
) -> list[Operation]:
    """The artifact repository. `published` tells boxes and how many of this process's they were;
    `relayed`: other processes of the hub tell theirs."""

    async def upload(request: Request, caller: Caller) -> Response:
        """A JSON body with `package` (ZIP, base64), `specification` (YAML) and `note`."""
        task = _slug(request)
        content, specification, note = await _read_upload(request)
        package = await run_in_threadpool(
            packages.publish, caller, task, content, specification, note
        )
        told = published(caller.tenant, task, package.version)
        return JSONResponse({**_described(package), "notified": told, "relayed": relayed}, 201)

    async def download(request: Request, caller: Caller) -> Response:
        version = number_of(request, "version")
        package = await run_in_threadpool(packages.get, caller.tenant, _slug(request), version)
        return _content(request, package)

    async def specification(request: Request, caller: Caller) -> Response:
        """The task as it was published with a version, as YAML."""
        version = number_of(request, "version")
        package = await run_in_threadpool(packages.get, caller.tenant, _slug(request), version)
        return Response(package.specification, media_type="application/yaml")

    async def versions(request: Request, caller: Caller) -> Response:
        found = await run_in_threadpool(packages.versions, caller.tenant, _slug(request))
        return JSONResponse({"task": request.path_params["task"], "versions": found})

    async def latest(request: Request, caller: Caller) -> Response:
        """Each task's newest version: what a box without notifications asks for."""
        return JSONResponse({"tasks": await run_in_threadpool(packages.latest, caller.tenant)})

    look = ("edge", "publish", "read", "admin")
    text: Json = {"type": "string"}
    whole: Json = {"type": "integer"}
    flag: Json = {"type": "boolean"}
    package = {"task": text, "version": whole, "digest": text, "signature": text}
    listed = object_of(
        {
            "version": whole,
            "digest": text,
            "signature": text,
            "note": text,
            "uploaded_at": text,
            "bytes": whole,
        }
    )
    upload_body = object_of(
        {"package": {**text, "contentEncoding": "base64"}, "specification": text, "note": text},
        optional=("note",),
    )
    one = PREFIX + "/v{version:int}"
    return [
        Operation(
            "GET", "/api/v1/artifacts", "Each task's newest version", latest, look,
            object_of({"tasks": {"type": "object", "additionalProperties": whole}}),
        ),
        Operation(
            "POST", PREFIX + "/upload", "Publish a version", upload, ("publish",),
            object_of({**package, "uploaded_at": text, "notified": whole, "relayed": flag}),
            status=201, body=upload_body, errors=(409,),
        ),
        Operation(
            "GET", PREFIX + "/versions", "A task's versions", versions, look,
            object_of({"task": text, "versions": list_of(listed)}), errors=(422,),
        ),
        Operation(
            "GET", one + "/download", "A version as ZIP: whole, in part, or only when changed",
            download, look, {"type": "string", "contentMediaType": ZIP}, media=ZIP,
            errors=(206, 304, 416, 422),
            parameters=[
                header("Range", "Such as bytes=100-; one range only."),
                header("If-Range", "An ETag: the whole comes where it is another."),
                header("If-None-Match", "ETags that are known."),
            ],
        ),
        Operation(
            "GET", one + "/task.yaml", "The task as it was published with a version",
            specification, look, text, media="application/yaml", errors=(422,),
        ),
    ]  # fmt: skip


async def _read_upload(request: Request) -> tuple[bytes, str, str]:
    body = await read_limited(request, 2 * MAX_PACKAGE_BYTES)
    try:
        given = parse_strictly(body)
        content = base64.b64decode(given["package"], validate=True)
        specification, note = given["specification"], given.get("note", "")
        if not isinstance(specification, str) or not isinstance(note, str):
            raise TypeError("specification and note are texts")
        if "\0" in (specification + note).encode().decode():  # as strict as any database
            raise ValueError("a text holds NUL")
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
    known = [
        one.strip().removeprefix("W/")
        for one in request.headers.get("if-none-match", "").split(",")
    ]
    if etag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    bounds = _bounds(request.headers.get("range", ""), len(whole))
    if bounds is None or request.headers.get("if-range", etag) != etag:
        return Response(whole, media_type=ZIP, headers=headers)
    first, last = bounds
    if first > last:
        refused = problem(416, "Range not satisfiable", f"There are {len(whole):,} bytes.")
        refused.headers["content-range"] = f"bytes */{len(whole)}"
        return refused
    part = whole[first : last + 1]
    digest = base64.b64encode(hashlib.sha256(part).digest()).decode()
    headers["content-range"] = f"bytes {first}-{last}/{len(whole)}"
    headers["content-digest"] = f"sha-256=:{digest}:"
    return Response(part, 206, headers, ZIP)


def _bounds(wanted: str, size: int) -> tuple[int, int] | None:
    """First and last byte of a range; None for none, or what is no single range (RFC 9110)."""
    match = RANGE.match(wanted)
    if match is None or not any(match.groups()):
        return None
    start, end = match.groups()
    if not start:
        return max(0, size - int(end)), size - 1
    if end and int(end) < int(start):
        return None
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
