"""A push service for tests, over TLS on loopback, after the published contract (RFC 8030, 8188, 8291, 8292).

It makes subscriptions as a browser and its service would, takes a push only if it is signed by the key that the
subscription was made for, reads it with the subscription's private key, and can be told to fail or to be slow.
"""

import base64
import json
import secrets
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.x509.oid import NameOID

CURVE = ec.SECP256R1()
DAY_S = 24 * 3600


def text(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw_of(written: str) -> bytes:
    """The bytes of it."""
    return base64.urlsafe_b64decode(written + "=" * (-len(written) % 4))


def point(key: ec.EllipticCurvePublicKey) -> bytes:
    """A public key as its 65 bytes."""
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


@dataclass
class Subscribed:
    """A telephone as browser and push service know it."""

    path: str
    server_key: str
    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(CURVE))
    auth: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    gone: bool = False

    def as_json(self, base: str) -> dict[str, Any]:
        """What `PushSubscription.toJSON` says."""
        keys = {"p256dh": text(point(self.private.public_key())), "auth": text(self.auth)}
        return {"endpoint": base + self.path, "expirationTime": None, "keys": keys}

    def read(self, body: bytes) -> bytes:
        """What was encrypted for this telephone (RFC 8291 over 8188, one record)."""
        salt, (size, id_length) = body[:16], struct.unpack("!LB", body[16:21])
        sender, sealed = body[21 : 21 + id_length], body[21 + id_length :]
        assert 18 <= len(sealed) <= size
        shared = self.private.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(CURVE, sender))
        info = b"WebPush: info\0" + point(self.private.public_key()) + sender
        secret = _derived(self.auth, shared, info, 32)
        key = _derived(salt, secret, b"Content-Encoding: aes128gcm\0", 16)
        nonce = _derived(salt, secret, b"Content-Encoding: nonce\0", 12)
        plain = AESGCM(key).decrypt(nonce, sealed, None).rstrip(b"\0")
        assert plain.endswith(b"\2")
        return plain[:-1]


@dataclass(frozen=True)
class Pushed:
    """What was taken: for which telephone, what it says, and the headers that matter."""

    path: str
    said: dict[str, Any]
    ttl: int
    urgency: str
    topic: str
    size: int


@dataclass
class PushDouble:
    """The service and what reached it; `fails` are its next answers, and while `held` is clear it gives none."""

    base: str
    certificate: Path
    telephones: dict[str, Subscribed] = field(default_factory=dict)
    taken: list[Pushed] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    asked: int = 0
    fails: list[int] = field(default_factory=list)
    retry_after: str = ""
    redirect_to: str = ""
    held: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self.held.set()

    @property
    def host(self) -> str:
        """Its name and port, as the setting push_hosts wants them."""
        return self.base.removeprefix("https://")

    @property
    def trust(self) -> ssl.SSLContext:
        """What believes in its certificate."""
        return ssl.create_default_context(cafile=str(self.certificate))

    def subscribe(self, server_key: str) -> dict[str, Any]:
        """A new telephone for this public key, as the browser gives it to the page."""
        made = Subscribed(f"/push/{secrets.token_urlsafe(24)}", server_key)
        self.telephones[made.path] = made
        return made.as_json(self.base)

    def waiting(self, subscription: dict[str, Any]) -> list[Pushed]:
        """What a telephone that comes back finds: of those with one topic the last."""
        path = subscription["endpoint"].removeprefix(self.base)
        kept = {one.topic or secrets.token_hex(4): one for one in self.taken if one.path == path}
        return list(kept.values())

    def answer(self, path: str, headers: Any, body: bytes) -> int:
        """Judge one push as the contract says."""
        with self._lock:
            self.asked += 1
        self.held.wait()
        if self.fails:
            return self.fails.pop(0)
        telephone = self.telephones.get(path)
        if telephone is None:
            return 404
        if telephone.gone:
            return 410
        try:
            _check_signature(headers["Authorization"], self.base, telephone.server_key)
            said = json.loads(telephone.read(body))
            assert headers["Content-Encoding"] == "aes128gcm"
            assert len(body) <= 4096
            assert len(headers["Topic"]) <= 32
            ttl = int(headers["TTL"])
        except Exception as error:
            self.refused.append(repr(error))
            return 403 if isinstance(error, InvalidSignature) else 400
        self.taken.append(Pushed(path, said, ttl, headers["Urgency"], headers["Topic"], len(body)))
        return 201


def _derived(salt: bytes, secret: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=info).derive(secret)


def _check_signature(header: str, base: str, server_key: str) -> None:
    scheme, _, rest = header.partition(" ")
    given = dict(one.strip().split("=", 1) for one in rest.split(","))
    assert scheme == "vapid"
    assert given["k"] == server_key, "signed by another key than the subscription was made for"
    signed, _, signature = given["t"].rpartition(".")
    kind, claims = (json.loads(raw_of(part)) for part in signed.split("."))
    assert kind == {"typ": "JWT", "alg": "ES256"}
    assert claims["aud"] == base
    assert time.time() < claims["exp"] <= time.time() + DAY_S
    assert claims["sub"].startswith(("mailto:", "https:"))
    r, s = (int.from_bytes(raw_of(signature)[half : half + 32], "big") for half in (0, 32))
    key = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, raw_of(given["k"]))
    key.verify(encode_dss_signature(r, s), signed.encode(), ec.ECDSA(hashes.SHA256()))


@contextmanager
def push_double(folder: Path) -> Iterator[PushDouble]:
    """A push service for the length of a `with` block."""
    certificate, key = _certificate(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    made = PushDouble(f"https://localhost:{server.server_port}", certificate)
    server.RequestHandlerClass = _handler(made)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield made
    finally:
        made.held.set()
        server.shutdown()
        server.server_close()


def _handler(double: PushDouble) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

        def do_POST(self) -> None:
            """One push."""
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(double.answer(self.path, self.headers, body))
            self.send_header("Location", double.redirect_to or f"{double.base}/message/1")
            if double.retry_after:
                self.send_header("Retry-After", double.retry_after)
            self.send_header("Content-Length", "0")
            self.end_headers()

    return Handler


def _certificate(folder: Path) -> tuple[Path, Path]:
    key, now = ec.generate_private_key(CURVE), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=12))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "push.pem", folder / "push.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return certificate, private
