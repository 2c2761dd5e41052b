"""An authenticator in software: makes passkeys and signs with them, as a browser says it; each part can be wrong."""

import hashlib
import json
import secrets
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import bytes_to_base64url, parse_client_data_json

ORIGIN = "http://localhost"
SITE = "localhost"
PRESENT, VERIFIED, WITH_KEY = 0x01, 0x04, 0x40


class SoftPasskey:
    """One key, which counts how often it signed."""

    def __init__(self, person: str) -> None:
        self.person = person
        self.id = secrets.token_bytes(16)
        self.count = 0
        self._key = generate_private_key(SECP256R1())

    @property
    def name(self) -> str:
        """Its id as it stands in JSON."""
        return bytes_to_base64url(self.id)

    def made(self, challenge: str, origin: str = ORIGIN, site: str = SITE, flags: int = PRESENT | VERIFIED) -> Any:
        """What a browser says of a key that it has just made."""
        public = self._key.public_key().public_numbers()
        x, y = (number.to_bytes(32, "big") for number in (public.x, public.y))
        cose = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})
        data = self._data(site, flags | WITH_KEY) + bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cose
        attested = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        said = _said("webauthn.create", challenge, origin)
        return self._credential(clientDataJSON=said, attestationObject=attested)

    def signed(self, challenge: str, origin: str = ORIGIN, site: str = SITE, flags: int = PRESENT | VERIFIED) -> Any:
        """What a browser says when the key has signed."""
        self.count += 1
        said, data = _said("webauthn.get", challenge, origin), self._data(site, flags)
        signature = self._key.sign(data + hashlib.sha256(said).digest(), ECDSA(SHA256()))
        return self._credential(
            clientDataJSON=said, authenticatorData=data, signature=signature, userHandle=self.person.encode()
        )

    def _data(self, site: str, flags: int) -> bytes:
        return hashlib.sha256(site.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _credential(self, **response: bytes) -> Any:
        told = {name: bytes_to_base64url(value) for name, value in response.items()}
        return {"id": self.name, "rawId": self.name, "type": "public-key", "response": told}


def _said(kind: str, challenge: str, origin: str) -> bytes:
    said = json.dumps({"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": False}).encode()
    assert parse_client_data_json(said).origin == origin
    return said
