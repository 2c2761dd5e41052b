"""Operators' sign-in: one secret, compared in constant time, and sessions that Redis keeps and lets end.

Place in the flow: before everything that the dashboard shows. Of a token only a keyed hash is
stored, keyed with the password: whoever changes that ends all sessions.
"""

import hashlib
import hmac
import secrets
import time

import redis.asyncio

from matcher.errors import BadRequest
from services.gateway.limits import Limit, Limits

SESSION_S = 12 * 3600
"""A session ends this long after its sign-in, used or not: longer than a shift, shorter than a day."""
PASSWORD_LEAST = 12
PASSWORD_LIMIT = 200
ATTEMPTS_PER_ADDRESS = Limit("operator-sign-ins-address", 10, 600)
ATTEMPTS = Limit("operator-sign-ins", 200, 600)
"""Over all addresses, so that many of them together do not get many guesses either."""


class Password:
    """The operators' secret, kept as a hash."""

    def __init__(self, password: str) -> None:
        """Raises BadRequest if it is too short to keep anybody out."""
        if not PASSWORD_LEAST <= len(password) <= PASSWORD_LIMIT:
            raise BadRequest(
                f"PARTYLINE_DASHBOARD_PASSWORD must have {PASSWORD_LEAST} to {PASSWORD_LIMIT} characters: "
                "it is all that keeps strangers out of the dashboard"
            )
        self._hash = _hash(password)

    def seal(self, token: str) -> str:
        """What a token is kept under: another password makes it worth nothing."""
        return hmac.new(self._hash, token.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()

    def is_right(self, given: str) -> bool:
        """Whether it is the one; takes the same time for every wrong one."""
        return hmac.compare_digest(self._hash, _hash(given))


class Sessions:
    """Who is signed in, in Redis."""

    def __init__(self, client: redis.asyncio.Redis, prefix: str, password: Password) -> None:
        self._redis = client
        self._prefix = prefix + "operator:"
        self._password = password
        self._limits = Limits(client, prefix)

    async def sign_in(self, password: str, address: str) -> str | None:
        """A new session's token, or None if the password is wrong. Raises TooMany; every attempt counts."""
        await self._limits.take(ATTEMPTS_PER_ADDRESS, address)
        await self._limits.take(ATTEMPTS, "all")
        if not self._password.is_right(password):
            return None
        token = secrets.token_urlsafe(32)
        await self._redis.set(self._key(token), str(time.time() + SESSION_S), ex=SESSION_S)
        return token

    async def ends_in_s(self, token: str | None) -> float | None:
        """Seconds until this session ends, or None if there is none."""
        if not token or len(token) > PASSWORD_LIMIT:
            return None
        left_ms = await self._redis.pttl(self._key(token))
        return left_ms / 1000 if left_ms > 0 else None

    async def sign_out(self, token: str) -> None:
        """End this session."""
        await self._redis.delete(self._key(token))

    def _key(self, token: str) -> str:
        return self._prefix + self._password.seal(token)


def session_name(token: str) -> str:
    """What a session is called where its token must not stand."""
    return _hash(token).hex()


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()
