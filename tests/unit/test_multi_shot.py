"""What both doors to Kling share: whose address is asked, and what is quoted."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from starsend.provider_options import VendorOptions
from starsend.providers.multi_shot import bring, call_by_number
from starsend.vendor_faults import BrokenDownload
from tests.standins.wire import Call, Phase, Reply, StandIn


class Store(StandIn):
    """Holds ten bytes at ``/whole``, and sends whoever asks for anything else to ``leads_to``."""

    leads_to = "/whole"

    def phase(self, call: Call) -> Phase:
        return "fetch"

    def answer(self, phase: Phase, call: Call) -> Reply:
        if call.path == "/whole":
            return Reply(200, b"0123456789", "video/mp4")
        return Reply(302, headers={"location": self.leads_to})


@pytest.fixture
def store() -> Iterator[Store]:
    with Store() as stand_in:
        assert isinstance(stand_in, Store)
        yield stand_in


def test_in_production_nothing_is_fetched_in_the_clear(store: Store) -> None:
    """Without another address in the options, is plain http refused before anything is asked?"""
    with pytest.raises(BrokenDownload, match="not https"):
        bring("kling", "job", f"{store.url}/whole", io.BytesIO(), VendorOptions())
    assert store.calls == []


def test_a_redirect_is_followed_as_far_as_it_is_safe(store: Store) -> None:
    """Is each hop looked at like the first?"""
    options, into = VendorOptions(base_url=store.url), io.BytesIO()
    assert bring("kling", "job", f"{store.url}/moved", into, options) == "video/mp4"
    assert into.getvalue() == b"0123456789"
    store.leads_to = "ftp://127.0.0.1/whole"
    with pytest.raises(BrokenDownload, match="ftp"):
        bring("kling", "job", f"{store.url}/moved", into, options)


@pytest.mark.parametrize(
    ("prompt", "told"),
    [
        ("Mara waits.", "@Element1 waits."),
        ("@Mara and MARA", "@Element1 and MARA"),
        ("Mara's boat, Maras, Ümara", "@Element1's boat, Maras, Ümara"),
        ("Mara Stone sees Mara", "@Element2 sees @Element1"),
        ("the pier (north) at dawn", "the @Element3 at dawn"),
    ],
)
def test_elements_are_called_by_number(prompt: str, told: str) -> None:
    """Is the longest name meant, whole words only, whatever signs it holds?"""
    names = ["Mara", "Mara Stone", "pier (north)"]
    assert call_by_number([prompt], names, "@Element{}") == [told]
    assert call_by_number([prompt], [], "@Element{}") == [prompt]
