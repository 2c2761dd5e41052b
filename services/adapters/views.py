"""The live views in Redis: what the gateway shows, and the news that it passes on. Never the record.

Written by the projector from rows, and by the notifier's live channel for a ring. A view takes a row only if its
version is higher. An invitation's version is twice its offset, plus one for the ring that runs ahead of the row.
Keys, after the prefix: `person:ID`, `waiting:PERSON`, `invitation:ID` (a hash {version, row, shown}), `number:ID` (whom
a number signs in to, of those whose holders moved), `live:PERSON` (a stream), `state:PERSON` (a hash, see views.lua),
`views` (a field for each partition whose views are whole).
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import redis
import redis.asyncio

from matcher.availability import Waiting
from matcher.invitation import Invitation
from matcher.person import Person
from matcher.values import Value, wire
from services.topics import PARTITIONS

SCRIPT = Path(__file__).with_suffix(".lua").read_text()
KEEP_S = 24 * 3600
"""Windows and invitations; a person stays until they are erased."""
FOR_GOOD = 0
STREAM_LIMIT = 200
NUMBER_LEFT = "-"
"""Stands where a person's own number has been: it leads to them no more."""
NOT_SHOWN = {"offset", "pool_now", "pool_wall", "heard_a_wall", "heard_b_wall", "token", "seq"}
"""What changes in a row without anybody seeing it, most of all with each heartbeat of a call."""


def news_channel(prefix: str) -> str:
    """The channel that carries the id of each person who has news."""
    return prefix + "news"


class ViewWriter:
    """Writes views; used by the projector and the live channel. Raises redis.RedisError when Redis is away."""

    def __init__(self, client: "redis.Redis[bytes]", prefix: str) -> None:
        self._redis = client
        self._prefix = prefix
        self._script = client.register_script(SCRIPT)

    def whole(self, partitions: frozenset[int]) -> bool:
        """Whether the views of these partitions are whole: not so after Redis was wiped."""
        return all(self._redis.hmget(self._prefix + "views", [str(number) for number in partitions]))

    def set_whole(self, partitions: frozenset[int]) -> None:
        """All rows of these partitions have been written."""
        self._redis.hset(self._prefix + "views", mapping={str(number): "whole" for number in partitions})

    def clear(self) -> None:
        """Forget every view; they are written again from the rows."""
        for kind in ("views", "number:*", "person:*", "waiting:*", "invitation:*", "state:*", "live:*"):
            for key in self._redis.scan_iter(match=self._prefix + kind, count=1000):
                self._redis.delete(key)

    def put_person(self, row: Person) -> None:
        """What the gateway may know of a person: never their number, nor concerns about them."""
        key = self._prefix + "person:" + row.person
        if row.answers_to is not None and int(self._redis.hget(key, "version") or -1) <= row.offset:
            self._put_number(row, row.answers_to)
        if row.profile is None:
            self._redis.delete(key, self._prefix + "live:" + row.person, self._prefix + "state:" + row.person)
            return
        seen = row.model_copy(update={"phone": None, "concerns": (), "recent": ()})
        self._put(key, row.offset, seen, "person", 0, (), FOR_GOOD)

    def _put_number(self, row: Person, number: str) -> None:
        mine = row.person.encode()
        for left in row.left:
            if self._redis.get(self._prefix + "number:" + left) == mine:  # else somebody else has it by now
                self._redis.delete(self._prefix + "number:" + left)
        self._redis.set(self._prefix + "number:" + row.person, NUMBER_LEFT)
        self._redis.set(self._prefix + "number:" + number, row.person)

    def put_waiting(self, row: Waiting) -> None:
        """A person's newest availability; nothing is left of an erased person's."""
        if row.end == "erased":
            self._redis.delete(*(self._prefix + kind + row.person for kind in ("waiting:", "live:", "state:")))
            return
        order = int(row.since.timestamp() * 1000)
        self._put(self._prefix + "waiting:" + row.person, row.offset, row, "availability", order, (row.person,))

    def put_invitation(self, row: Invitation) -> None:
        """An invitation that has rung, or has ended: a ring that comes after its end finds the end."""
        if row.rung or not row.live:
            self._put_invitation(row, 2 * row.offset)

    def put_ring(self, row: Invitation) -> None:
        """The ring itself, ahead of the row that will say so."""
        self._put_invitation(row.model_copy(update={"state": "rung", "rung": True}), 2 * row.offset + 1)

    def _put_invitation(self, row: Invitation, version: int) -> None:
        key = self._prefix + "invitation:" + row.invitation
        order = int(row.decided_wall.timestamp() * 1000)
        self._put(key, version, row, "invitation", order, row.people, only_if_known=not row.rung)

    def _put(
        self, key: str, version: int, row: Value, kind: str, order: int, people: tuple[str, ...],
        keep_s: int = KEEP_S, only_if_known: bool = False,
    ) -> None:  # fmt: skip
        keys = [key]
        for person in people:
            keys += [self._prefix + "live:" + person, self._prefix + "state:" + person]
        args: list[Any] = [version, wire(row), keep_s, kind, order, news_channel(self._prefix), STREAM_LIMIT]
        shown = hashlib.sha256(row.model_dump_json(exclude=NOT_SHOWN).encode()).hexdigest()
        args += [int(only_if_known), shown, *people]
        self._script(keys=keys, args=args)


class ViewReader:
    """Reads views for the gateway. Raises redis.RedisError when Redis is away."""

    def __init__(self, client: "redis.asyncio.Redis[bytes]", prefix: str) -> None:
        self._redis = client
        self._prefix = prefix

    async def whole(self) -> bool:
        """Whether the views of all partitions are whole."""
        return bool(await self._redis.hlen(self._prefix + "views") == PARTITIONS)  # type: ignore[misc]

    async def person(self, person: str) -> Person | None:
        """A registered person, without number and concerns."""
        return await self._row("person:" + person, Person)

    async def number(self, number: str) -> tuple[str | None, bool]:
        """Whom this number signs in to, if its holder ever moved; and whether the views are whole."""
        async with self._redis.pipeline() as pipe:
            pipe.get(self._prefix + "number:" + number)
            pipe.hlen(self._prefix + "views")
            found, partitions = await pipe.execute()
        return found.decode() if found else None, partitions == PARTITIONS

    async def people(self, people: Sequence[str]) -> list[Person | None]:
        """Each of them, as `person` has them."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for person in people:
                pipe.hget(f"{self._prefix}person:{person}", "row")
            rows: list[bytes | None] = await pipe.execute()
        return [Person.model_validate_json(row) if row else None for row in rows]

    async def first_names(self, people: Sequence[str]) -> list[str | None]:
        """The first name of each, or None of those who are not here."""
        found = await self.people(people)
        return [row.profile.first_name if row and row.profile else None for row in found]

    async def waiting(self, person: str) -> Waiting | None:
        """A person's newest availability."""
        return await self._row("waiting:" + person, Waiting)

    async def invitation(self, invitation: str) -> Invitation | None:
        """An invitation that rang."""
        return await self._row("invitation:" + invitation, Invitation)

    async def state(self, person: str) -> tuple[str, Waiting | None, Invitation | None]:
        """The id of the person's newest news ("0-0" for none), their availability and their newest invitation."""
        found: dict[bytes, bytes] = await self._redis.hgetall(self._prefix + "state:" + person)  # type: ignore[misc]
        waiting, invitation = found.get(b"availability"), found.get(b"invitation")
        return (
            found.get(b"id", b"0-0").decode(),
            Waiting.model_validate_json(waiting) if waiting else None,
            Invitation.model_validate_json(invitation) if invitation else None,
        )

    async def holds(self, person: str, since: str) -> bool:
        """Whether the stream still has everything after `since`: that entry is there."""
        return bool(await self._redis.xrange(self._prefix + "live:" + person, min=since, max=since, count=1))

    async def news(self, person: str, since: str) -> list[tuple[str, Waiting | Invitation]]:
        """Everything after the entry `since`, oldest first, with its id."""
        entries: list[Any] = await self._redis.xrange(self._prefix + "live:" + person, min="(" + since, max="+")
        return [(entry.decode(), _news(fields)) for entry, fields in entries]

    async def _row(self, key: str, kind: Any) -> Any:
        row: bytes | None = await self._redis.hget(self._prefix + key, "row")  # type: ignore[misc]
        return kind.model_validate_json(row) if row else None


def _news(fields: dict[bytes, bytes]) -> Waiting | Invitation:
    kind = Invitation if fields[b"kind"] == b"invitation" else Waiting
    return kind.model_validate_json(fields[b"row"])
