"""Do prompts find the elements they mention, and does every picture that goes along exist and decode?"""

import json
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Literal
from unicodedata import normalize

import pytest
from PIL import Image

from starsend.documents import BadDocument
from starsend.elements import Elements, MissingReference, SameName, reference_to
from starsend.errors import UnknownName
from starsend.tools.image_utils import BadPicture

Form = Literal["NFC", "NFD"]


def picture(shade: int = 90, kind: str = "PNG") -> bytes:
    file = BytesIO()
    Image.radial_gradient("L").point(lambda light: (light + shade) % 256).convert("RGB").save(file, kind)
    return file.getvalue()


class Props:
    """An ``elements/`` folder that a test fills."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(
        self,
        key: str,
        *pictures: str,
        kind: str = "character",
        name: str = "",
        listed: list[str] | None = None,
    ) -> Path:
        folder = self.folder / key
        folder.mkdir(parents=True)
        described: dict[str, object] = {"kind": kind, "name": name, "description": f"what {key} looks like."}
        if listed is not None:
            described["references"] = listed
        (folder / "element.json").write_text(json.dumps(described), encoding="utf-8")
        for number, file in enumerate(pictures):
            (folder / file).write_bytes(picture(10 * number))
        return folder

    def load(self) -> Elements:
        return Elements.load(self.folder)

    def cast(self, *prompts: str, listed: list[str] | None = None) -> tuple[list[str], list[str]]:
        """The prompts as they are sent, and the file names of the pictures sent along."""
        cast = self.load().cast(prompts, listed or [], where="SEQ01")
        return list(cast.prompts), [reference.path.name for reference in cast.references]


@pytest.fixture
def props(tmp_path: Path) -> Props:
    return Props(tmp_path / "elements")


# ------------------------------------------------------------------------------------------ mentions


@pytest.mark.parametrize(
    ("prompt", "spelt"),
    [
        ("@mara waits", "Mara waits"),
        ("enter @MARA.", "enter Mara."),
        ("(@Mara), @mara's boat", "(Mara), Mara's boat"),
        ("by @mara\n@mara looks up", "by Mara\nMara looks up"),
        ("@mara—alone", "Mara—alone"),
        ("“@mara”", "“Mara”"),
    ],
)
def test_a_mention_becomes_the_name(props: Props, prompt: str, spelt: str) -> None:
    """Is ``@mara`` found in any case and beside any punctuation, and spelt out?"""
    props.add("mara", name="Mara")
    assert props.cast(prompt)[0] == [f"{spelt}\nMara is a character: what mara looks like."]


@pytest.mark.parametrize(
    "prompt",
    [
        "write to mara@example.com",
        "first.mara@example.com",
        "a clock at 5 @ 6",
        "user@@mara",
        "sound.@mara",
        "an @ alone",
        "@7up",
        "",
    ],
)
def test_other_at_signs_are_left_alone(props: Props, prompt: str) -> None:
    """Is a mail address, or any other ``@``, no mention?"""
    props.add("mara", name="Mara")
    assert props.cast(prompt) == ([prompt], [])


@pytest.mark.parametrize("key", ["Élodie", "さくら", "big-boat_2", "x"])
def test_any_name_that_starts_with_a_letter_can_be_mentioned(props: Props, key: str) -> None:
    """Are names outside ASCII, with dashes, digits or one letter mentions as well?"""
    props.add(key)
    assert props.cast(f"see @{key} now")[0][0].startswith(f"see {key} now\n{key} is a character")


def test_where_there_are_no_elements_their_folder_is_named(props: Props) -> None:
    """Does a mention in a project without elements say where they belong?"""
    with pytest.raises(UnknownName, match=r"SEQ01 \(.*elements\): unknown element '@mara'"):
        props.cast("@mara waits")


@pytest.mark.parametrize(
    ("mention", "near"),
    [("@maara", "did you mean @mara?"), ("@lantren", "did you mean @lantern?"), ("@q", "")],
)
def test_an_unknown_mention_names_the_nearest(props: Props, mention: str, near: str) -> None:
    """Does a misspelt mention say where it stands, which was meant and which there are?"""
    props.add("mara")
    props.add("lantern")
    with pytest.raises(UnknownName) as caught:
        props.cast(f"{mention} waits")
    said = str(caught.value)
    assert said.startswith(f"SEQ01: unknown element '{mention}'.")
    assert near in said.lower()
    assert said.endswith("nown: @lantern, @mara")


def test_without_elements_a_mention_is_still_an_error(tmp_path: Path) -> None:
    """Does an absent folder hold no elements, and a mention say so?"""
    elements = Elements.load(tmp_path / "elements")
    assert list(elements) == []
    with pytest.raises(UnknownName, match="There is no element here yet"):
        elements.cast(["@mara"])


def test_an_unknown_listed_element_is_an_error_too(props: Props) -> None:
    """Is a name on a sequence's list held to the same rule?"""
    props.add("mara")
    with pytest.raises(UnknownName, match="Did you mean @mara"):
        props.cast("a harbour", listed=["marra"])


# ------------------------------------------------------------------------- describing and numbering


def test_references_keep_their_order_and_numbers(props: Props) -> None:
    """Do listed elements come first, then mentions in order, and do the numbers in the prompt fit the pictures?"""
    props.add("mara", "b.png", "a.png", name="Mara")
    props.add("lantern", "one.png", kind="prop", name="the lantern")
    props.add("harbour", "wide.png", "near.png", kind="location", listed=["wide.png", "near.png"])
    prompts, pictures = props.cast("@lantern and @mara", listed=["harbour"])
    assert prompts == [
        "the lantern and Mara\n"
        "harbour is a location (reference picture 1, 2): what harbour looks like.\n"
        "the lantern is a prop (reference picture 3): what lantern looks like.\n"
        "Mara is a character (reference picture 4, 5): what mara looks like."
    ]
    assert pictures == ["wide.png", "near.png", "one.png", "a.png", "b.png"]


def test_an_element_is_described_once(props: Props) -> None:
    """Over several prompts: is each described where it is first called on, and sent once?"""
    props.add("mara", "a.png", name="Mara")
    props.add("lantern", "l.png", kind="prop")
    prompts, pictures = props.cast("@mara walks, @MARA stops", "@mara lifts @lantern", "@lantern and @mara")
    assert [prompt.count("is a ") for prompt in prompts] == [1, 1, 0]
    assert "lantern is a prop (reference picture 2)" in prompts[1]
    assert prompts[2] == "lantern and Mara"
    assert pictures == ["a.png", "l.png"]


def test_a_listed_element_that_is_also_mentioned_goes_once(props: Props) -> None:
    """Is an element both listed and mentioned described and sent once?"""
    props.add("mara", "a.png")
    prompts, pictures = props.cast("@mara", listed=["Mara", "mara"])
    assert prompts == ["mara\nmara is a character (reference picture 1): what mara looks like."]
    assert pictures == ["a.png"]


def test_a_folder_without_pictures_is_described_in_words(props: Props) -> None:
    """Does an element without references go along by its description alone?"""
    props.add("mara")
    assert props.cast("@mara") == (["mara\nmara is a character: what mara looks like."], [])


def test_a_reference_carries_the_hash_of_its_file(props: Props) -> None:
    """Does a request name a picture by its bytes, so that moving it changes nothing?"""
    folder = props.add("mara", "a.png", name="Mara")
    reference = props.load().cast(["@mara"]).references[0]
    assert (reference.name, reference.path) == ("Mara", folder / "a.png")
    assert reference.sha256 == sha256((folder / "a.png").read_bytes()).hexdigest()


# ------------------------------------------------------------------------------------------ pictures


def test_only_pictures_are_taken_from_a_folder(props: Props) -> None:
    """Are notes, and what a Mac or an editor leaves behind, no references?"""
    folder = props.add("mara", "b.JPG", "a.webp")
    for junk in ("notes.txt", "._a.webp", ".hidden.png", "a.png.part", "Thumbs.db"):
        (folder / junk).write_bytes(b"junk")
    assert props.cast("@mara")[1] == ["a.webp", "b.JPG"]


def test_listed_references_keep_their_order_and_leave_out_the_rest(props: Props) -> None:
    """Does ``references`` decide which pictures go along, and in which order?"""
    props.add("mara", "a.png", "b.png", "c.png", listed=["c.png", "a.png"])
    assert props.cast("@mara")[1] == ["c.png", "a.png"]


def test_an_empty_list_sends_nothing(props: Props) -> None:
    """Is an empty list a decision, not a gap?"""
    props.add("mara", "a.png", listed=[])
    assert props.cast("@mara")[1] == []


def test_a_listed_picture_that_is_missing_is_told_at_once(props: Props) -> None:
    """Is a missing reference an error before anything is sent, with the file that lists it?"""
    folder = props.add("mara", "a.png", listed=["a.png", "gone.png"])
    with pytest.raises(MissingReference) as caught:
        props.load()
    assert str(caught.value).startswith(f"{folder}/element.json: the reference picture 'gone.png' is missing")


def test_a_picture_that_goes_missing_later_is_told(props: Props) -> None:
    """Is a picture that was there when the elements were read looked at again before it is sent?"""
    folder = props.add("mara", "a.png")
    elements = props.load()
    (folder / "a.png").unlink()
    with pytest.raises(MissingReference, match=r"'a\.png' is missing"):
        elements.cast(["@mara"])


@pytest.mark.parametrize(
    "junk",
    [picture()[:-200], picture(kind="JPEG")[:-200], b"this is text", b"", b"<html></html>"],
    ids=["cut png", "cut jpeg", "text", "empty", "html"],
)
def test_a_file_that_is_no_whole_picture_is_refused(props: Props, junk: bytes) -> None:
    """Is a truncated picture, or text called ``.png``, refused by name before it is paid for?"""
    folder = props.add("mara")
    (folder / "a.png").write_bytes(junk)
    with pytest.raises(BadPicture, match=r"a\.png"):
        props.cast("@mara")


def test_a_broken_picture_nobody_calls_on_holds_nothing_up(props: Props) -> None:
    """Are only the pictures that would be sent decoded?"""
    folder = props.add("mara")
    (folder / "a.png").write_bytes(b"text")
    assert props.cast("an empty harbour") == (["an empty harbour"], [])


def test_a_folder_called_png_is_no_picture(tmp_path: Path) -> None:
    """Is a folder in a picture's place a missing reference?"""
    (tmp_path / "a.png").mkdir()
    with pytest.raises(MissingReference):
        reference_to(tmp_path / "a.png", "Mara")


# -------------------------------------------------------------------------------------- element.json


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"kind": "hero", "description": "x"}, "kind: input should be 'character', 'prop' or 'location'"),
        ({"kind": "prop"}, "description: field required"),
        ({"kind": "prop", "description": ""}, "description: string should have at least 1 character"),
        ({"kind": "prop", "descripton": "x"}, "unknown key 'descripton', did you mean 'description'?"),
        (
            {"kind": "prop", "description": "x", "references": "a.png"},
            "references: input should be a valid list",
        ),
    ],
)
def test_a_wrong_element_file_names_its_path_and_key(
    props: Props, written: dict[str, object], said: str
) -> None:
    """Does each fault name the file, the key and what would be right?"""
    path = props.add("mara") / "element.json"
    path.write_text(json.dumps(written))
    with pytest.raises(BadDocument) as caught:
        props.load()
    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)


def test_two_folders_that_differ_in_case_are_refused(props: Props) -> None:
    """Is neither of two elements with one name dropped without a word?"""
    props.add("Mara")
    if (props.folder / "mara").exists():
        pytest.skip("this disk does not tell case apart")
    props.add("mara")
    with pytest.raises(SameName, match="@Mara and @mara are one name"):
        props.load()


def test_the_demo_elements_are_good() -> None:
    """Does the shipped sample load?"""
    folder = Path(__file__).parents[2] / "projects" / "demo" / "elements"
    assert {element.key for element in Elements.load(folder)} >= {"mara", "lantern", "harbour"}


@pytest.mark.parametrize("on_disk", ["NFC", "NFD"])
@pytest.mark.parametrize("typed", ["NFC", "NFD"])
def test_an_accent_is_one_letter_however_it_is_composed(props: Props, on_disk: Form, typed: Form) -> None:
    """Does @Élodie find her folder, made on a Mac or not?"""
    props.add(normalize(on_disk, "Élodie"), name="Elo")
    prompts, _ = props.cast(normalize(typed, "@Élodie waits"))
    assert prompts[0].startswith("Elo waits")
