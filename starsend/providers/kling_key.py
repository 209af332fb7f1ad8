"""How Kling knows us: a token that is signed anew for each call."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from starsend.providers import wire


@dataclass(frozen=True, slots=True, repr=False)
class Key:
    """An access key and the secret that signs it; or, with no ``access``, an API key as it is."""

    access: str
    secret: str

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Key:
        """KLING_ACCESS_KEY and KLING_SECRET_KEY; KLING_API_KEY only where no access key is named. Raises NoKey."""

        def names(variable: str) -> bool:
            return bool(environ.get(variable) or environ.get(f"{variable}_FILE"))

        if names("KLING_API_KEY") and not names("KLING_ACCESS_KEY"):
            return cls("", wire.key_from("kling", "KLING_API_KEY", environ))
        access = wire.key_from("kling", "KLING_ACCESS_KEY", environ)
        return cls(access, wire.key_from("kling", "KLING_SECRET_KEY", environ))

    def token(self, now: datetime) -> str:
        """What goes into ``Authorization: Bearer``: a JWT (HS256) that holds for half an hour from ``now``."""
        if not self.access:
            return self.secret
        at = int(now.timestamp())
        claims = {"iss": self.access, "exp": at + 1800, "nbf": at - 5}  # 5 s: clocks differ
        signed = b".".join(_base64url(_json(part)) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
        signature = hmac.new(self.secret.encode(), signed, hashlib.sha256).digest()
        return b".".join((signed, _base64url(signature))).decode()


def _json(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
