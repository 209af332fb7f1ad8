"""A handout: is it all there in files, silent about its making, and never written over somebody's folder?"""

from __future__ import annotations

import base64
import io
import re
import zipfile
import zlib
from datetime import date
from pathlib import Path

import pytest

from client_async.console.contact_pdf import Faces, write_contact_sheet
from client_async.console.handout import NotAHandout, is_finished, make_handout, write_zip
from client_async.console.plain_media import PlainMedia
from client_async.console.plain_words import Still
from client_async.projects import Place
from starsend.errors import BadInput
from starsend.tools.mp4_plain import NotPlain
from tests.media import packets, picture
from tests.unit.client_house import TOLD, brief, give_keyframe, give_take
from tests.unit.daemon_house import DaemonHouse


@pytest.fixture
def place(house: DaemonHouse) -> Place:
    made = house.project("spring", "SEQ01", "SEQ02", "SEQ03")
    brief(made, "SEQ01", "SEQ02", "SEQ03")
    give_take(made, "SEQ01", parts=2)
    give_keyframe(made, "SEQ02")
    made.file.close()
    return made


def streams(pdf: bytes) -> bytes:
    """What stands in a PDF, its streams unpacked."""
    found = [pdf]
    heads = rb"<<([^<>]*(?:<<[^<>]*>>[^<>]*)*)>>\s*stream\r?\n(.*?)\r?\n?endstream"
    for head, body in re.findall(heads, pdf, re.DOTALL):
        packed = base64.a85decode(body.strip().removesuffix(b"~>")) if b"ASCII85Decode" in head else body
        found.append(zlib.decompress(packed) if b"FlateDecode" in head else packed)
    assert len(found) > 4
    return b"\n".join(found)


def test_a_client_gets_everything_and_hears_nothing(house: DaemonHouse, place: Place, tmp_path: Path) -> None:
    """Page, films, stills and sheet, and the same as a ZIP: complete, made anew over itself, and no byte tells?"""
    to = tmp_path / "for the client"
    said = house.command("handout", "-p", "spring", "--to", str(to), "--title", "Ünder <review>", "--pdf")
    assert said.startswith("0 2 entries in"), said
    shown = sorted(str(file.relative_to(to)) for file in to.rglob("*") if file.is_file())
    media = ["media/1-1.mp4", "media/1-2.mp4", "media/1.jpg", "media/2.jpg"]
    assert shown == ["contact-sheet.pdf", "index.html", *media]
    for file in to.rglob("*"):
        data = file.read_bytes() if file.is_file() else b""
        data = streams(data) if file.suffix == ".pdf" else data
        assert not [word for word in TOLD if word in data], file
    page = (to / "index.html").read_text()
    assert set(re.findall(r'(?:src|href|poster)="([^"#]+)"', page)) == {*media, "contact-sheet.pdf"}
    assert "Ünder &lt;review&gt;" in page
    assert "&lt;b&gt;Übersee&lt;/b&gt; SEQ02" in page
    assert not re.search(r"<script|https?://", page)
    source = next((place.folder / "media/takes/SEQ01").glob("SEQ01-a1*.mp4"))
    assert packets((to / "media/1-1.mp4").read_bytes()) == packets(source.read_bytes())
    packed = io.BytesIO()
    (to / "notes of ours.txt").write_text("private")
    write_zip(to, packed)
    with zipfile.ZipFile(packed) as archive:
        assert sorted(archive.namelist()) == sorted(f"for the client/{name}" for name in shown)
        assert archive.testzip() is None
    assert house.command("handout", "SEQ02", "-p", "spring", "--to", str(to)).startswith("0 1 entry")
    left = sorted(file.name for file in to.rglob("*") if file.is_file())
    assert left == ["1.jpg", "index.html", "notes of ours.txt"]
    assert is_finished(to)


def test_it_never_goes_over_anything_else(place: Place, tmp_path: Path) -> None:
    """A folder with something in it, a file, nothing to show, an unknown name: refused, and is all as it was?"""
    full, new = tmp_path / "full", tmp_path / "new"
    full.mkdir()
    (full / "index.html").write_text("<title>my own page</title>")

    def make(to: Path, *names: str) -> None:
        sequences = place.file.read()["sequences"]
        media = PlainMedia(place.folder)
        make_handout(sequences, names, to, media, title="x", project="spring", made=date(2026, 11, 25))

    for to in (full, full / "index.html"):
        with pytest.raises(NotAHandout, match="no handout"):
            make(to)
    assert (full / "index.html").read_text() == "<title>my own page</title>"
    for name, words in (("SEQ03", "nothing to show yet"), ("SEQ09", "unknown sequence or take")):
        with pytest.raises(BadInput, match=words):
            make(new, name)
    assert not new.exists()
    [film] = (place.folder / "media/takes/SEQ01").glob("SEQ01-p2-*.mp4")
    film.write_bytes(film.read_bytes()[:-9])
    with pytest.raises(NotPlain, match="it is damaged"):
        make(new)
    assert not new.exists()
    place.file.close()


@pytest.mark.parametrize(("paper", "size"), [("a4", b"595.2756 841.8898"), ("letter", b"612 792")])
def test_a_sheet_holds_every_still_and_any_title(tmp_path: Path, paper: str, size: bytes) -> None:
    """Thirty-two stills of odd shapes, titles in many scripts and one without end: on how many pages, and in what fonts?"""
    stills = []
    for number, shape in enumerate(((64, 36), (36, 64), (200, 20), (8, 8)) * 8):
        file = tmp_path / f"{number}.jpg"
        file.write_bytes(picture("JPEG", size=shape))
        title = ("Überfahrt", "Возвращение домой", "Η επιστροφή", "春", "x" * 400, "\u0000 \ud800", "")[
            number % 7
        ]
        stills.append(Still(file, f"SEQ{number:02}", title, "0:04" if number % 2 else ""))
    out = io.BytesIO()
    write_contact_sheet(
        stills,
        out,
        title="Весна " * 40,
        project="spring",
        made=date(2026, 11, 25),
        paper=paper,  # type: ignore[arg-type]
    )
    pdf = out.getvalue()
    assert len(re.findall(rb"/Type /Page\b", pdf)) == 3
    assert size in pdf
    assert pdf.count(b"/Subtype /Image") == len({file.read_bytes() for file, *_ in stills})
    assert b"/FontFile2" in pdf
    assert b"/Helvetica" not in pdf, "not embedded"


def test_a_line_is_cut_where_its_room_ends() -> None:
    """Words that fit, one that is longer than the line, more than there are lines: does all stay within its width?"""
    faces = Faces()
    for text in (
        "short",
        "a few words that go on to a second line and then on",
        "x" * 300,
        "wide " + "y" * 90,
    ):
        lines = faces.lines(text, 8, 100, 2)
        assert 1 <= len(lines) <= 2
        assert all(faces.width(line, 8, bold=False) <= 100 for line in lines)
        assert "".join(lines).replace("…", "").replace(" ", "") in text.replace(" ", "")
    assert faces.lines("", 8, 100, 2) == []
