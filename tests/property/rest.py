"""Kindness as a truth: whoever was rung is left alone for as long as they may expect, and keeps their place.

Place in the flow: told -> **rest** -> truths. Rings, answers and requests are taken from the log, not from the rows.
"""

from datetime import datetime, timedelta

from tests.property.told import Json, Told, insist, time_of

REST = timedelta(minutes=3)
"""Domain time for which "not now" counts."""


class Rest:
    """What became of the invitations of each window, and whom it lets be offered again."""

    def __init__(self, told: Told) -> None:
        self._told = told
        self._let_ring: dict[str, int] = {}
        self._declined: dict[str, tuple[int, datetime]] = {}
        self._busy: dict[str, datetime] = {}
        self._rang: dict[str, set[str]] = {}
        self._opened: dict[str, tuple[int, set[str]]] = {}

    def over(self, row: Json) -> None:
        """An invitation has ended, and this is its first row that says so."""
        key, end = row["invitation"], row["offset"]
        told = [one for one in self._told.answers.get(key, ()) if one[0] <= end and one[1] in (row["a"], row["b"])]
        answers = {person: answer for _, person, answer in told}
        for person, window in ((row["a"], row["availability_a"]), (row["b"], row["availability_b"])):
            if row["state"] == "voided" and person in row["busy"]:
                self._busy[window] = time_of(row["busy_until_wall"])
        if answers or self._told.rings.get(key, end) < end:
            self._after_ringing(row, answers)

    def _after_ringing(self, row: Json, answers: dict[str, str]) -> None:
        for person, window in ((row["a"], row["availability_a"]), (row["b"], row["availability_b"])):
            if row["state"] != "voided" or self._told.rings.get(row["invitation"], row["offset"]) < row["offset"]:
                self._rang.setdefault(window, set()).add(row["b"] if person == row["a"] else row["a"])
            if row["state"] == "expired" and person not in answers:
                self._let_ring[window] = row["offset"]
            if row["end_reason"] == "declined" and answers.get(person) == "decline":
                self._declined[window] = (row["offset"], time_of(row["ended_at"]))

    def check_offer(self, row: Json, now: datetime, people: dict[str, Json]) -> None:
        """The writer offers these two to each other."""
        for me, you, window in (
            (row["a"], row["b"], row["availability_a"]),
            (row["b"], row["a"], row["availability_b"]),
        ):
            asked = people[me]["asked_last"]
            insist(self._let_ring.get(window, -1) < asked, 3, f"{me} let it ring, did not ask again, and is invited")
            offset, at = self._declined.get(window, (-1, now))
            rested = offset < asked or now >= at + REST
            insist(rested, 3, f"{me} said not now, and is invited again at once")
            decided = time_of(row["decided_wall"])
            insist(self._busy.get(window, decided) <= decided, 1, f"{me} is busy elsewhere, and is invited")
            insist(you not in self._rang.get(window, ()), 3, f"{me} and {you} are asked about each other twice")

    def check_place(self, row: Json, zombie: bool) -> None:
        """A window keeps its place in the queue, whatever becomes of its invitations."""
        offset, places = self._opened.setdefault(row["availability"], (row["offset"], {row["since"]}))
        if row["offset"] == offset or zombie:  # a late writer may have read another time at the same event
            places.add(row["since"])
        insist(row["since"] in places, 3, f"{row['availability']} has lost its place")
