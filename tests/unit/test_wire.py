"""What a broken connection or a status code does to the bill, seen over a real loopback connection."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from starsend.providers import wire
from starsend.vendor_faults import Ambiguous
from tests.standins.wire import Call, Fault, Phase, Reply, StandIn

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


class Shop(StandIn):
    """POST is billed, GET is a download of ten bytes."""

    def phase(self, call: Call) -> Phase:
        return "submit" if call.method == "POST" else "fetch"

    def answer(self, phase: Phase, call: Call) -> Reply:
        if phase == "submit":
            self.bill.append(call.json["key"])
            return Reply.of({"id": "j1"})
        return Reply(200, b"0123456789", "video/mp4")


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop() as stand_in:
        assert isinstance(stand_in, Shop)
        yield stand_in


def send(url: str) -> dict[str, object]:
    """One paid call, as a provider makes it."""
    with wire.sending("shop"), httpx.Client(timeout=0.3) as client:
        response = client.post(url, json={"key": "k1"})
    if response.status_code != 200:
        raise wire.refusal("shop", response.status_code, response.text, response.headers, now=NOW)
    return wire.answer_of("shop", response)


def test_an_answer_that_cannot_be_unpacked_was_sent(shop: Shop) -> None:
    """Is a call that was answered in broken gzip called lost, and not free?"""
    headers = {"content-encoding": "gzip"}
    shop.faults["submit"].append(Fault("status", 200, headers=headers, body=b"no gzip", accepted=True))
    with pytest.raises(Ambiguous):
        send(shop.url)
    assert len(shop.bill) == 1


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("17", 17.0),
        ("0.5", 0.5),
        ("Wed, 25 Nov 2026 12:01:00 GMT", 60.0),
        ("Wed, 25 Nov 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("nan", None),
        ("-3", None),
        ("", None),
    ],
)
def test_a_delay_is_read_as_number_or_date(value: str, seconds: float | None) -> None:
    """Is the vendor's own delay honoured, and nonsense passed over?"""
    assert wire.retry_after({"Retry-After": value}, now=NOW) == seconds


def test_a_key_comes_from_the_environment_or_its_file(tmp_path: Path) -> None:
    """Is the file read where it is named, and is a missing key one plain line that names both ways?"""
    (tmp_path / "key").write_text("sesame\n")
    assert wire.key_from("shop", "SHOP_KEY", {"SHOP_KEY": " open "}) == "open"
    assert wire.key_from("shop", "SHOP_KEY", {"SHOP_KEY_FILE": str(tmp_path / "key")}) == "sesame"
    for environ in ({}, {"SHOP_KEY": ""}, {"SHOP_KEY_FILE": str(tmp_path / "none")}):
        with pytest.raises(wire.NoKey, match=r"SHOP_KEY nor SHOP_KEY_FILE"):
            wire.key_from("shop", "SHOP_KEY", environ)


@pytest.mark.parametrize("key", ["two\nlines", "two words", "schlüssel", "bell\a"])
def test_a_key_that_no_header_holds_is_no_key(key: str) -> None:
    """Is it told before anything is sent, without being shown?"""
    with pytest.raises(wire.BadKey, match="Copy it again into SHOP_KEY") as raised:
        wire.key_from("shop", "SHOP_KEY", {"SHOP_KEY": key})
    assert key not in str(raised.value)


def test_no_address_and_no_key_is_quoted() -> None:
    """Do a signed address and an echoed key stay out of errors?"""
    error = httpx.ReadError("reading https://cdn.example/x?sig=secret failed")
    assert wire.words(error) == "ReadError"
    token = "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJhIn0.c2lnbmF0dXJl"
    words = f"no sesame-1 for {token}: https://cdn.example/v.mp4?sig=s3cret, sorry"
    assert wire.quotable(words, "sesame-1") == "no [key] for [token]: https://cdn.example/v.mp4 sorry"


@pytest.mark.parametrize("form", ["se:/same", "se%3A%2Fsame", "se%3a%2fsame"])
@pytest.mark.parametrize("before", ["", "x" * 295])
def test_a_key_is_known_in_any_spelling_and_at_any_place(form: str, before: str) -> None:
    """As it is, as an address writes it, and where the words are cut: does no part of it stay?"""
    assert wire.quotable(f"{before}{form}", "se:/same") == wire.clipped(f"{before}[key]")
