"""Routes: the sign-in, the board's page, and its figures as JSON and as a live line.

Place in the flow: guard -> **routes** -> sessions, board. Everything is read-only but signing in and out.
"""

from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from matcher.errors import TooMany
from services.dashboard.board import Board
from services.dashboard.guard import COOKIE, NO_STORE, SIGN_IN, from_here, templates
from services.dashboard.line import LineResponse
from services.dashboard.sessions import SESSION_S, Sessions, session_name
from services.gateway.body import read_body

FIELDS_LIMIT = 4
WRONG = "That is not the password."


def routes(board: Board, sessions: Sessions, secure: bool) -> APIRouter:
    """All routes; the cookie travels over HTTPS alone if `secure`."""
    router = APIRouter()

    @router.get(SIGN_IN)
    async def get_sign_in(request: Request) -> Response:
        return _sign_in_page(request, 200, "")

    @router.post(SIGN_IN)
    async def post_sign_in(request: Request) -> Response:
        from_here(request)
        password = _field(await read_body(request), "password")
        try:
            token = await sessions.sign_in(password, request.client.host if request.client else "")
        except TooMany as error:
            page = _sign_in_page(request, 429, f"Too many attempts. Please try again in {error.retry_after_s} seconds.")
            page.headers["Retry-After"] = str(error.retry_after_s)
            return page
        if token is None:
            return _sign_in_page(request, 401, WRONG)
        response = RedirectResponse("/", 303, NO_STORE)
        response.set_cookie(COOKIE, token, max_age=SESSION_S, httponly=True, samesite="strict", secure=secure)
        return response

    @router.post("/sign-out")
    async def post_sign_out(request: Request) -> Response:
        from_here(request)
        token = request.cookies[COOKIE]  # the guard has seen it
        await sessions.sign_out(token)
        board.end_session(session_name(token))
        response = RedirectResponse(SIGN_IN, 303, NO_STORE)
        response.delete_cookie(COOKIE, httponly=True, samesite="strict", secure=secure)
        return response

    @router.get("/")
    async def get_board(request: Request) -> Response:
        return templates.TemplateResponse(request, "board.html", headers=NO_STORE)

    @router.get("/figures")
    async def get_figures() -> Response:
        return JSONResponse({"id": board.id, **board.state}, 200, NO_STORE)

    @router.get("/live")
    async def get_live(request: Request) -> Response:
        if board.full:
            message = "Too many dashboards are open."
            return JSONResponse({"error": "too_many", "message": message}, 503, {**NO_STORE, "Retry-After": "5"})
        session = session_name(request.cookies[COOKIE])
        return LineResponse(board, session, request.state.ends_in_s, request.headers.get("last-event-id"))

    @router.get("/health")
    async def get_health() -> Response:
        return JSONResponse({"ready": True}, 200, NO_STORE)

    return router


def _sign_in_page(request: Request, status: int, message: str) -> Response:
    return templates.TemplateResponse(request, "sign-in.html", {"message": message}, status, NO_STORE)


def _field(body: bytes, name: str) -> str:
    """A field of a form as browsers send it; empty if it is not there or cannot be read."""
    try:
        found = parse_qs(body.decode(), max_num_fields=FIELDS_LIMIT)
    except ValueError:
        return ""
    return found.get(name, [""])[0]
