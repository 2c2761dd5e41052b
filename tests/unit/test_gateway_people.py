"""My people: who is shown, and who may ask whom for a call; nobody else's id says anything here."""

from datetime import timedelta
from typing import Any

import pytest

from matcher.events import AvailabilityOpened
from matcher.person import Call, Person, keep_each_other
from tests.gateway_desk import MORNING, Desk, Page
from tests.page_reader import look, press, press_here
from tests.world import profile

GONE: dict[str, dict[str, Any]] = {
    "undone": {"bonds": ()},
    "blocked": {"blocks": ("ME",)},
    "held": {"held": True},
}


def _friends(gateway: Desk, **change: Any) -> tuple[Page, str, Page, str]:
    """Ada and Stan, who both want to keep each other; `change` is told of Stan, "ME" in it is Ada."""
    page, ada = gateway.registered("Ada")
    other, stan = gateway.registered("Stan")
    told = {name: tuple(ada if one == "ME" else one for one in value) if isinstance(value, tuple) else value
            for name, value in change.items()}  # fmt: skip
    call = Call(other=stan, ended_at=MORNING - timedelta(days=3), talked_s=600)
    gateway.put_person(ada, "Ada", bonds=(stan,), calls=(call,))
    gateway.put_person(stan, "Stan", **{"bonds": (ada,), **told})
    return page, ada, other, stan


def _bond(page: Page) -> str:
    (one,) = page.get("/me/people").json()["people"]
    return str(one["person"])


def test_my_people_are_told_by_name_when_we_talked_and_what_we_share(gateway: Desk) -> None:
    page, _, other, stan = _friends(gateway)
    (one,) = page.get("/me/people").json()["people"]
    bond = one.pop("person")
    assert one == {"first_name": "Stan", "last_talked_at": "2026-11-20T08:00:00+00:00", "shares": ["books"]}
    assert stan not in bond
    assert bond != _bond(other)
    text = " ".join(look(page, "/people").text.split())
    assert "You talked 3 days ago." in text
    assert "You both like books." in text
    assert stan not in page.get("/people").text
    assert "There is nobody here yet" in look(gateway.registered()[0], "/people").text
    assert page.get("/me/export").json()["people"] == ["Stan"]


@pytest.mark.parametrize("change", GONE.values(), ids=GONE)
def test_who_cannot_be_asked_is_as_if_never_there(gateway: Desk, change: dict[str, Any]) -> None:
    page, ada, _, stan = _friends(gateway)
    bond = _bond(page)
    told = {name: (ada,) if value == ("ME",) else value for name, value in change.items()}
    gateway.put_person(stan, "Stan", **{"bonds": (ada,), **told})
    assert page.get("/me/people").json() == {"people": []}
    _refused(gateway, page, bond)


def test_an_id_of_anybody_else_is_as_if_there_were_none(gateway: Desk) -> None:
    page, _, other, stan = _friends(gateway)
    mallory, _ = gateway.registered("Mallory")
    for one in (_bond(page), _bond(other), stan, "bond-of-nobody", "x" * 80):
        _refused(gateway, mallory, one)
    _refused(gateway, page, _bond(other))
    for body in ({"hopes_for": "x" * 81}, {"hopes_for": 1}, {"hopes_for": _bond(page), "company": "new"}):
        assert page.post("/availability", {"minutes": 20, **body}).status_code == 422
    assert gateway.outbox.said == []


def _refused(gateway: Desk, page: Page, bond: str) -> None:
    answer = page.post("/availability", {"minutes": 20, "company": "known", "hopes_for": bond})
    assert (answer.status_code, answer.json()["message"]) == (404, "This person is not among your people.")
    assert page.get(f"/people/{bond}", headers={"Accept": "text/html"}).status_code == 404
    assert gateway.outbox.said == []


def test_asking_for_one_opens_a_window_that_hopes_for_them_once(gateway: Desk) -> None:
    page, _, other, stan = _friends(gateway)
    body = {"minutes": 20, "company": "known", "hopes_for": _bond(page)}
    first = page.post("/availability", body, key="the-same-key")
    assert first.status_code == 202
    assert stan not in first.text
    assert page.post("/availability", body, key="the-same-key").json() == first.json()
    (opened,) = gateway.said("person-events")
    assert isinstance(opened, AvailabilityOpened)
    assert (opened.hopes_for, opened.company) == (stan, "known")
    assert "Ada would like to talk with you" in look(other).text
    assert "would like to talk" not in look(page).text


def test_the_page_asks_for_one_and_says_honestly_what_is_likely(gateway: Desk) -> None:
    page, ada, _, stan = _friends(gateway)
    seen = look(page, f"/people/{_bond(page)}")
    assert seen.heading == "Ask Stan for a call"
    assert press(page, seen.form("/free"), minutes="20", company="either").headers["location"] == "/"
    (opened,) = gateway.said("person-events")
    assert isinstance(opened, AvailabilityOpened)
    assert (opened.hopes_for, opened.company) == (stan, "either")
    gateway.put_waiting(ada, hopes_for=stan, company="known")
    seen = look(page)
    assert seen.heading == "We’re looking out for Stan"
    assert "We ring you both when Stan is free too." in seen.text
    gateway.put_waiting(ada, hopes_for=stan, company="either")
    assert "whoever comes first" in look(page).text


@pytest.mark.parametrize("change", GONE.values(), ids=GONE)
def test_a_window_whose_hope_is_gone_says_so_and_can_look_for_somebody_else(
    gateway: Desk, change: dict[str, Any]
) -> None:
    page, ada, _, stan = _friends(gateway, **change)
    gateway.put_waiting(ada, hopes_for=stan, company="known")
    seen = look(page)
    assert (seen.view, seen.heading) == ("waiting", "We can’t ring you two")
    assert "Stan" not in seen.text
    press_here(page, "/free")
    (opened,) = gateway.said("person-events")
    assert isinstance(opened, AvailabilityOpened)
    assert (opened.hopes_for, opened.company) == (None, "either")


@pytest.mark.parametrize("change", [{}, {"paused": True}], ids=["here", "paused"])
def test_whether_the_other_is_free_is_nowhere_to_be_seen(gateway: Desk, change: dict[str, Any]) -> None:
    page, ada, _, stan = _friends(gateway, **change)
    gateway.put_waiting(ada, hopes_for=stan, company="known")
    before = [look(page).text.split(), page.get("/me/people").text]
    gateway.put_waiting(stan)
    assert [look(page).text.split(), page.get("/me/people").text] == before


def test_a_wish_stands_whatever_becomes_of_the_window_until_they_talk_or_it_is_put_aside(gateway: Desk) -> None:
    page, ada, other, stan = _friends(gateway)
    page.post("/availability", {"minutes": 20, "hopes_for": _bond(page)})
    gateway.put_waiting(ada, end="closed")
    assert "Ada would like to talk with you" in look(other).text
    talked = Call(other=ada, ended_at=MORNING, talked_s=60)
    gateway.put_person(stan, "Stan", bonds=(ada,), calls=(talked,))
    assert "would like" not in look(other).text
    gateway.put_person(stan, "Stan", bonds=(ada,))
    assert "would like" in look(other).text
    assert "would like" not in press_here(other, "/wishes/aside").text
    assert len(gateway.said("person-events")) == 1
    page.post("/availability", {"minutes": 20, "hopes_for": _bond(page)})
    gateway.clock.domain += timedelta(hours=13)
    assert "would like" not in look(other).text


def test_a_wish_is_shown_neither_to_nor_of_whoever_was_reported_even_if_both_had_said_yes(gateway: Desk) -> None:
    page, ada, other, stan = _friends(gateway)
    for one in (page, other):
        one.post("/availability", {"minutes": 20, "hopes_for": _bond(one)})
    for one in (page, other):
        assert "would like to talk with you" in look(one).text
    gateway.put_person(ada, "Ada", bonds=(stan,), blocks=(stan,), reported=(stan,))
    for one in (page, other):
        assert "would like to talk with you" not in look(one).text
        assert one.get("/me/people").json() == {"people": []}


def test_two_keep_each_other_only_if_both_want_to_and_nothing_stands_between() -> None:
    one = Person(offset=1, person="a", profile=profile(), bonds=("b",))
    other = Person(offset=1, person="b", profile=profile(), bonds=("a",))
    assert keep_each_other(one, other)
    for change in ({"bonds": ()}, {"blocks": ("a",)}, {"held": True}, {"profile": None}):
        changed = other.model_copy(update=change)
        assert not keep_each_other(one, changed)
        assert not keep_each_other(changed, one)


@pytest.mark.parametrize("company", ["known", "either"])
def test_who_was_rung_for_one_and_it_came_to_nothing_is_told_that_they_are_not_rung_again(
    gateway: Desk, company: str
) -> None:
    page, ada, _, stan = _friends(gateway)
    window = gateway.put_waiting(ada, hopes_for=stan, company=company)
    me, you = ("a", "b") if ada < stan else ("b", "a")
    answers = {f"availability_{me}": window.availability, f"answer_{you}": "decline", "state": "declined"}
    gateway.put_invitation(ada, stan, **answers)
    seen = look(page)
    assert (seen.view, seen.heading) == ("waiting", "Stan, another time")
    assert "Stan can’t talk just now. It has nothing to do with you" in seen.text
    assert ("Look for somebody else" in seen.text) == (company == "known")
