"""Through which servers two pages may speak with each other, and the passwords for them, which soon are worth nothing.

Place in the flow: GET /invitations/{id}/ice -> **turn** -> the page's RTCPeerConnection. Method: the TURN REST rule
(draft-uberti-behave-turn-rest-00): the user name is `EXPIRY:NAME`, with the expiry in Unix seconds, the password
base64(HMAC-SHA1(shared secret, user name)); the TURN server, which shares the secret, needs no list of users.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Any

CREDENTIALS_S = 300
"""Long enough to connect and to restart a lost connection; the page fetches new ones for each of them."""
NAME_LENGTH = 20


def turn_credentials(secret: str, name: str, now: datetime) -> tuple[str, str]:
    """User name and password, good for `CREDENTIALS_S` from the wall time `now`."""
    username = f"{int(now.timestamp()) + CREDENTIALS_S}:{name}"
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return username, base64.b64encode(digest).decode()


def opaque_name(secret: str, invitation: str, person: str) -> str:
    """One leg of one call to the TURN server, which counts by it: neither a person nor the same in the next call."""
    return hmac.new(secret.encode(), f"turn|{invitation}|{person}".encode(), hashlib.sha256).hexdigest()[:NAME_LENGTH]


def ice_servers(urls: Sequence[str], secret: str, name: str, now: datetime) -> list[dict[str, Any]]:
    """As an RTCPeerConnection takes them; none where no TURN server is set up."""
    if not urls:
        return []
    username, credential = turn_credentials(secret, name, now)
    return [{"urls": list(urls), "username": username, "credential": credential}]
