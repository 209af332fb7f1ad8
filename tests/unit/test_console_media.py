"""What is served is what was looked at: a link that comes between the look and the opening leads nowhere."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import anyio
import pytest
from PIL import Image

from client_async.console.media import open_media
from client_async.console.plain_media import Missing, PlainMedia
from client_async.console.showing import Entry
from tests.unit.test_console_doors import Site, site

__all__ = ["site"]

pytestmark = pytest.mark.anyio
SHOWN, SECRET = (0, 0, 254), (254, 0, 0)


@pytest.fixture
def shelf(site: Site) -> Path:
    """A project's media with a picture in a folder, and a folder outside with a picture of the same name."""
    media = site.place.folder / "media"
    for folder, colour in ((media / "grids", SHOWN), (media.parent / "outside", SECRET)):
        folder.mkdir(parents=True)
        Image.new("RGB", (64, 36), colour).save(folder / "x.png")
    return media


def file_for_link(media: Path) -> None:
    """The picture is taken away, and a link put in its place."""
    (media / "grids" / "x.png").unlink()
    (media / "grids" / "x.png").symlink_to(media.parent / "outside" / "x.png")


def folder_for_link(media: Path) -> None:
    """The same of its folder."""
    (media / "grids").rename(media / "was")
    (media / "grids").symlink_to(media.parent / "outside")


def file_for_pipe(media: Path) -> None:
    """A pipe into which nobody writes."""
    (media / "grids" / "x.png").unlink()
    os.mkfifo(media / "grids" / "x.png")


def swap_after_look(monkeypatch: pytest.MonkeyPatch, swap: Callable[[], None]) -> None:
    """Let it happen as soon as the system has said that a path is a file, and before it is opened."""
    is_file = Path.is_file

    def looks(path: Path) -> bool:
        found = is_file(path)
        if path.name == "x.png" and found:
            monkeypatch.undo()
            swap()
        return found

    monkeypatch.setattr(Path, "is_file", looks)


@pytest.mark.parametrize("swap", [file_for_link, folder_for_link, file_for_pipe])
@pytest.mark.parametrize("asked", ["/media/spring/", "/thumbnail/spring/", "a client's still"])
async def test_a_link_put_in_meanwhile_leads_nowhere(
    site: Site,
    shelf: Path,
    monkeypatch: pytest.MonkeyPatch,
    swap: Callable[[Path], None],
    asked: str,
) -> None:
    """In place of the file or of its folder, just after it was found to be inside: is anything from outside had?"""
    path = "media/grids/x.png"
    swap_after_look(monkeypatch, partial(swap, shelf))
    with anyio.fail_after(60):
        if asked == "a client's still":
            with pytest.raises(Missing):
                PlainMedia(site.place.folder).still(Entry(1, "SEQ01", "SEQ01", "", "", path, ()))
        else:
            assert (await site.client.get(f"{asked}{path}")).status_code == 404
    assert not list((site.place.folder / "state" / "console").rglob("*.webp"))


async def test_what_was_opened_is_sent_whatever_lies_there_by_now(
    site: Site, shelf: Path, tmp_path: Path
) -> None:
    """Opened, and only then swapped: are whole, part and parts those of the picture, and is each file closed at the end?"""
    path = "media/grids/x.png"
    there = (shelf / "grids" / "x.png").read_bytes()
    with open_media(site.place.folder, path) as file:
        assert times_open(shelf / "grids" / "x.png") == 1
        file_for_link(shelf)
        assert file.read() == there
    (shelf / "grids" / "x.png").unlink()
    (shelf / "grids" / "x.png").write_bytes(there)
    for ranges, status in (
        ("", 200),
        ("bytes=0-9", 206),
        ("bytes=0-3,8-9", 206),
        ("bytes=9999-", 416),
        ("x=1", 400),
    ):
        for method in ("GET", "HEAD"):
            headers = {"range": ranges} if ranges else {}
            answer = await site.client.request(method, f"/media/spring/{path}", headers=headers)
            assert answer.status_code == status
    assert (await site.client.get(f"/media/spring/{path}")).content == there
    assert times_open(shelf / "grids" / "x.png") == 0


def times_open(path: Path) -> int:
    """How many of this process's descriptors are of that file."""
    wanted, found = path.stat(), 0
    for descriptor in Path("/dev/fd").iterdir():
        with suppress(OSError):  # the one by which they are listed
            found += os.path.samestat(descriptor.stat(), wanted)
    return found


async def test_a_reference_is_served_from_the_projects_own_elements_alone(site: Site) -> None:
    """An element's picture, and the same as a link to what lies outside: is the one shown, and nothing had of the other?"""
    mara = site.place.folder / "elements" / "mara"
    (outside := site.place.folder / "outside").mkdir()
    mara.mkdir(parents=True)
    (mara / "element.json").write_text(
        json.dumps({"kind": "character", "name": "Mara", "description": "a fisher"})
    )
    for picture in (mara / "front.png", outside / "side.png"):
        Image.new("RGB", (64, 36), SHOWN).save(picture)
    (mara / "side.png").symlink_to(outside / "side.png")
    site.place.file.change(lambda draft: draft["SEQ01"].update(elements=["mara"]))
    await site.board.look()
    answers = [await site.client.get(f"/review/spring/SEQ01/reference/{number}") for number in range(3)]
    assert [answer.status_code for answer in answers] == [200, 404, 404]
