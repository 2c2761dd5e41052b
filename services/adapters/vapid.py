"""The key by which push services know us (VAPID, RFC 8292): made once, its public half given to every browser.

Place in the flow: settings -> **key** -> gateway (public half), notifier (signs each push with it).
"""

import base64

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from matcher.errors import BadRequest


def new_key() -> str:
    """A new private key, as the setting PARTYLINE_PUSH_KEY wants it."""
    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return _text(number.to_bytes(32, "big"))


def public_key(private: str) -> str:
    """Its public half, as `PushManager.subscribe` wants it. Raises BadRequest."""
    try:
        number = int.from_bytes(base64.urlsafe_b64decode(private + "="), "big")
        public = ec.derive_private_key(number, ec.SECP256R1()).public_key()
    except ValueError:
        raise BadRequest("PARTYLINE_PUSH_KEY is no key: `partyline push-key` makes one") from None
    return _text(public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def is_point(text: str) -> bool:
    """Whether this is a public key: 65 bytes in base64url that are a point of the curve."""
    try:
        raw = base64.urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)
    except ValueError:
        return False
    return len(raw) == 65  # the short form of a point is none that browsers give


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
