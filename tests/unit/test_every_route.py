"""No route escapes the tests of what is somebody else's, and no form those of what comes from another site."""

import pytest

from services.gateway.app import build
from services.gateway.outbox import AsyncMemoryOutbox
from services.settings import Settings
from tests.unit.test_gateway_invitations import ROUTES
from tests.unit.test_gateway_signals import ROUTES as SIGNAL_ROUTES
from tests.unit.test_page_forms import OF_AN_INVITATION, OTHERS


@pytest.fixture(scope="module")
def routes() -> list[tuple[str, str]]:
    """(method, path) of every route of the gateway, `{}` for the id of an invitation."""
    app = build(Settings(demo=True, secret="of tests"), outbox=AsyncMemoryOutbox())
    described = app.openapi()["paths"]
    return [(method, path.replace("{invitation}", "{}")) for path, methods in described.items() for method in methods]


def test_every_route_with_an_id_was_tried_with_somebody_elses(routes: list[tuple[str, str]]) -> None:
    tried = {path for path, _ in (*ROUTES, *OF_AN_INVITATION)}
    tried |= {f"/invitations/{{}}/{name}" for _, name in SIGNAL_ROUTES}
    assert {path for _, path in routes if "{}" in path} == tried


def test_every_form_was_tried_from_another_site(routes: list[tuple[str, str]]) -> None:
    forms = {path for method, path in routes if method == "post" and path.startswith("/page/")}
    assert forms == {path for path, _ in (*OTHERS, *OF_AN_INVITATION)}
