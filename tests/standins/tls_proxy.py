"""What stands before a console on the network: a proxy that speaks TLS, one request a connection, and tells for whom it asks."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
from anyio.abc import AnyByteStream, ByteReceiveStream, ByteSendStream, SocketAttribute
from anyio.from_thread import start_blocking_portal
from anyio.streams.buffered import BufferedByteReceiveStream
from anyio.streams.tls import TLSListener, TLSStream
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

CLIENT = b"192.0.2.9"
"""For whom it asks."""


@contextmanager
def tls_before(port: int, name: str, folder: Path) -> Iterator[int]:
    """While the block runs, TLS for ``name`` before the console at ``port`` of this machine; the port to connect to."""
    secured = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secured.load_cert_chain(_certificate(name, folder))
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(_open(port, secured)) as outer:
        yield outer


class _Quiet(TLSListener):
    @staticmethod
    async def handle_handshake_error(exc: BaseException, stream: AnyByteStream) -> None:
        """A browser tries whether a certificate is trusted, and comes again."""
        await anyio.aclose_forcefully(stream)


@asynccontextmanager
async def _open(port: int, secured: ssl.SSLContext) -> AsyncIterator[int]:
    async def carry(client: TLSStream) -> None:
        asking = BufferedByteReceiveStream(client)
        async with client:
            try:
                head = await asking.receive_until(b"\r\n\r\n", 65_536)
            except (anyio.IncompleteRead, anyio.BrokenResourceError):  # a connection that was not needed
                return
            asked, *lines = head.split(b"\r\n")
            kept = [line for line in lines if not line.lower().startswith((b"connection:", b"x-forwarded-"))]
            told = [b"connection: close", b"x-forwarded-proto: https", b"x-forwarded-for: " + CLIENT]
            async with await anyio.connect_tcp("127.0.0.1", port) as console:
                await console.send(b"\r\n".join([asked, *kept, *told]) + b"\r\n\r\n")
                async with anyio.create_task_group() as both:
                    both.start_soon(_pipe, asking, console)
                    await _pipe(console, client)
                    both.cancel_scope.cancel()

    plain = await anyio.create_tcp_listener(local_host="127.0.0.1")
    listener = _Quiet(plain, secured, standard_compatible=False)
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, carry)
        yield int(plain.listeners[0].extra(SocketAttribute.local_port))
        group.cancel_scope.cancel()


async def _pipe(source: ByteReceiveStream, into: ByteSendStream) -> None:
    with suppress(anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
        while True:
            await into.send(await source.receive())


def _certificate(name: str, folder: Path) -> Path:
    """One that nobody but a test trusts, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "proxy.pem"
    file.write_bytes(pem + made.public_bytes(serialization.Encoding.PEM))
    return file
