"""What makes the page an app on a telephone: its manifest, its worker, what it shows offline, files by version.

Place in the flow: browser -> **manifest, worker, offline page, static files**. Pages come from the network first. A
file is asked for under the version of everything that pages consist of, so none outlives the page that asked for it.
"""

import gzip
import hashlib
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from starlette.datastructures import Headers
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from services.gateway.pages.render import HERE, STATIC, rendered
from services.languages.speaking import CATALOGUES, _, language
from services.serving import TEMPLATES

ALWAYS_ASKED = {"Cache-Control": "no-cache"}
FOR_GOOD = {"Cache-Control": "public, max-age=31536000, immutable"}
GROUND = "#fbf8f3"
"""The light ground of page.css: what stands behind the page while it opens."""
SHELL = ("page.css", "offline.js", "last.js", "icon.svg")
"""What the page that is shown offline needs."""
ICONS = (("icon-192.png", 192, "any"), ("icon-512.png", 512, "any"), ("maskable-512.png", 512, "maskable"))
MANIFEST: dict[str, Any] = {
    "id": "/", "name": "Partyline", "short_name": "Partyline", "start_url": "/", "scope": "/",
    "display": "standalone", "theme_color": GROUND, "background_color": GROUND, "categories": ["social"],
    "icons": [
        {"src": f"/static/icons/{name}", "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}
        for name, size, purpose in ICONS
    ],
}  # fmt: skip

_VERSIONED = re.compile(r"(v-[0-9a-z]{1,40})[/\\]")


def version_of(*folders: Path) -> str:
    """The version of everything in these folders."""
    files = sorted(path for folder in folders for path in folder.rglob("*") if path.is_file())
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.name}\n{path.stat().st_size}\n".encode() + path.read_bytes())
    return "v-" + digest.hexdigest()[:12]


VERSION = version_of(STATIC, HERE / "templates", TEMPLATES, CATALOGUES)


class _Manifest(JSONResponse):
    media_type = "application/manifest+json"


class VersionedFiles(StaticFiles):
    """Files under `VERSION/`, which stay for good, and without or under another one, which are always asked for."""

    def __init__(self, directory: Path, version: str) -> None:
        super().__init__(directory=directory)
        self._version = version

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file. A page of another gateway, older or newer, gets ours rather than none."""
        found = _VERSIONED.match(path)
        response = squeezed(await super().get_response(path[found.end() :] if found else path, scope), scope)
        ours = found is not None and found[1] == self._version
        response.headers.update(FOR_GOOD if ours else ALWAYS_ASKED)
        return response


def squeezed(response: Response, scope: Scope) -> Response:
    """The same smaller, if it is text and the browser can read it so: a third of the bytes in a train.

    Files alone: nothing in them is secret, so that their length tells nothing.
    """
    if not isinstance(response, FileResponse) or Path(response.path).suffix not in (".js", ".css", ".svg"):
        return response
    headers = {name: value for name, value in response.headers.items() if name in ("content-type", "last-modified")}
    headers |= {"etag": f'W/{response.headers["etag"]}', "vary": "Accept-Encoding", "content-encoding": "gzip"}
    if "gzip" not in Headers(scope=scope).get("accept-encoding", ""):
        response.headers["vary"] = "Accept-Encoding"
        return response
    return Response(_squeezed(str(response.path), response.headers["etag"]), headers=headers)


@lru_cache(maxsize=256)
def _squeezed(path: str, etag: str) -> bytes:
    """The bytes of a file as it is now: its `etag` changes with it."""
    return gzip.compress(Path(path).read_bytes(), mtime=0)


def add_installed(app: FastAPI, version: str) -> None:
    """Let `app` serve all of it, under this version."""
    app.state.version = version
    app.include_router(_routes())
    app.router.routes.append(Mount("/static", VersionedFiles(STATIC, version)))


def _routes() -> APIRouter:
    router = APIRouter()

    @router.get("/manifest.webmanifest")
    async def get_manifest(request: Request) -> Response:
        said = _("Partyline puts two people through to each other when both are free to talk.")
        spoken = {"lang": language().code, "dir": language().direction, "description": said}
        return _Manifest(MANIFEST | spoken, headers=ALWAYS_ASKED)

    @router.get("/worker.js")
    async def get_worker(request: Request) -> Response:
        files = [f"/static/{request.app.state.version}/{name}" for name in SHELL]
        text = rendered(request, "worker.js", files=["/offline", *files])
        return Response(text, media_type="text/javascript", headers=ALWAYS_ASKED)

    @router.get("/offline")
    async def get_offline(request: Request) -> Response:
        """For the worker to keep: it names nobody."""
        return Response(rendered(request, "offline.html"), media_type="text/html", headers=ALWAYS_ASKED)

    return router
