"""What makes the page an app comes with its right type and is never older than the page that asks for it."""

import re
from pathlib import Path

import pytest

from services.gateway.pages.installed import MANIFEST, SHELL, VERSION, version_of
from services.gateway.pages.render import STATIC
from tests.gateway_desk import Desk
from tests.page_reader import look, press


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/manifest.webmanifest", "application/manifest+json"), ("/worker.js", "text/javascript"),
     ("/offline", "text/html"), ("/static/icons/icon-192.png", "image/png"), ("/static/page.js", "text/javascript"),
     ("/static/v-0123456789ab/page.js", "text/javascript")],
)  # fmt: skip
def test_what_has_no_version_in_its_address_is_asked_for_each_time(gateway: Desk, path: str, kind: str) -> None:
    answer = gateway.page().get(path)
    assert answer.status_code == 200
    assert (answer.headers["content-type"].split(";")[0], answer.headers["cache-control"]) == (kind, "no-cache")


def test_a_file_of_this_version_stays_for_good_and_every_file_of_the_page_is_one(gateway: Desk) -> None:
    page = gateway.registered()[0]
    tags = [attrs for tag, attrs in look(page).tags if tag in ("script", "link")]
    loaded = {attrs.get("src") or attrs.get("href") or "" for attrs in tags}
    versioned = {path for path in loaded if path.startswith(f"/static/{VERSION}/")}
    assert {Path(path).suffix for path in loaded - versioned} <= {".svg", ".png", ".webmanifest"}
    for path in versioned:
        assert "immutable" in page.get(path).headers["cache-control"], path


def test_scripts_name_each_other_without_a_version_so_that_all_are_of_one() -> None:
    for script in STATIC.glob("*.js"):
        named = re.findall(r"""(?:from|import)\s*\(?["']([^"']+)["']""", script.read_text())
        assert all(one.startswith("./") for one in named), script.name


def test_whatever_changes_in_a_file_changes_the_version(tmp_path: Path) -> None:
    (tmp_path / "page.js").write_text("one")
    before = version_of(tmp_path)
    (tmp_path / "page.js").write_text("two")
    assert version_of(tmp_path) != before
    assert re.fullmatch(r"v-[0-9a-f]{12}", VERSION)


def test_the_worker_keeps_files_that_are_there_and_names_nobody(gateway: Desk) -> None:
    page, _ = gateway.registered("Ada")
    for name in SHELL:
        assert f"/static/{VERSION}/{name}" in page.get("/worker.js").text
        assert page.get(f"/static/{VERSION}/{name}").status_code == 200
    assert "Ada" not in page.get("/offline").text
    for icon in MANIFEST["icons"]:
        assert page.get(icon["src"]).status_code == 200


def test_a_page_of_another_version_is_drawn_anew_while_it_is_calm(gateway: Desk) -> None:
    page, person = gateway.registered()
    known = {"showing": "home:", "version": VERSION}
    assert page.get("/view", params=known).status_code == 204
    assert page.get("/view", params=known | {"version": "v-old"}).status_code == 200
    row = gateway.put_invitation(person, "p-other", state="confirmed", answer_a="accept", answer_b="accept")
    showing = {"showing": f"call:{row.invitation}", "version": "v-old"}
    assert page.get("/view", params=showing).status_code == 204


def test_whoever_leaves_leaves_nothing_in_the_browser(gateway: Desk) -> None:
    for path, form in (("/settings", "sign-out"), ("/erase", "erase"), ("/signed-in", "sign-out-everywhere")):
        page, _ = gateway.registered()
        answer = press(page, look(page, path).form(form))
        assert (answer.status_code, answer.headers.get("clear-site-data")) == (303, '"storage"'), form
    for method, path in (("DELETE", "/sessions"), ("DELETE", "/me/sessions"), ("DELETE", "/me")):
        page, _ = gateway.registered()
        assert page.write(method, path).headers["clear-site-data"] == '"storage"'


def test_a_session_that_ended_elsewhere_is_forgotten_at_the_door_and_a_stranger_has_nothing_to_forget(
    gateway: Desk,
) -> None:
    page, _ = gateway.registered()
    gateway.redis.delete(*gateway.redis.keys(f"{gateway.prefix}session:*"))
    assert page.get("/").headers["clear-site-data"] == '"storage"'
    assert "clear-site-data" not in gateway.page().get("/").headers


def test_text_goes_over_the_wire_squeezed_where_it_can_be_read_and_is_not_sent_again(gateway: Desk) -> None:
    page, path = gateway.page(), "/static/page.js"
    plain = page.get(path, headers={"Accept-Encoding": "identity"})
    small = page.get(path, headers={"Accept-Encoding": "gzip"})
    assert small.content == plain.content == (STATIC / "page.js").read_bytes()
    assert small.num_bytes_downloaded < len(plain.content) / 2
    assert (plain.headers["vary"], small.headers["vary"]) == ("Accept-Encoding", "Accept-Encoding")
    for answer in (plain, small):
        assert page.get(path, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    assert "content-encoding" not in page.get("/static/icons/icon-192.png").headers
