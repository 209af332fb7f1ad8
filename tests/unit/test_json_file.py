"""Does every file that is not the JSON we need come back as one readable line, and nothing else?"""

import codecs
import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from starsend.errors import BadInput
from starsend.json_file import BrokenJson, MissingFile, parse_json, read_json

HERE = Path("job/sequences.json")
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def fault_of(raw: bytes) -> str:
    with pytest.raises(BrokenJson) as caught:
        parse_json(raw, HERE)
    return str(caught.value)


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8], ids=["plain", "byte order mark"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_any_editors_file_is_read(tmp_path: Path, mark: bytes, newline: str) -> None:
    """Are a byte order mark and every kind of line end taken?"""
    path = tmp_path / "brief.json"
    path.write_bytes(mark + newline.join(["{", ' "title": "Hafen im Früh\\u006cicht 🎬"', "}"]).encode())
    assert read_json(path) == {"title": "Hafen im Frühlicht 🎬"}


@pytest.mark.parametrize("raw", [b"", b"  \n\t", codecs.BOM_UTF8], ids=["nothing", "blanks", "only a mark"])
def test_an_empty_file_is_called_empty(raw: bytes) -> None:
    """Is an empty file named as such, not as a parser's riddle?"""
    assert "the file is empty" in fault_of(raw)


@pytest.mark.parametrize(
    ("raw", "line", "column"),
    [
        (b'{"a": 1', 1, 8),
        (b'{"a": 1,\n "b": }', 2, 7),
        (b'{"a": 1}\n{"b": 2}', 2, 1),
        (b'{\n\n  "a" 1}', 3, 7),
        (b'{\r\n  "a": tru}', 2, 8),
        (codecs.BOM_UTF8 + b"{x", 1, 2),
        ('{"ü": "🎬", x}'.encode(), 1, 12),
        (b"[]", 1, 1),
    ],
)
def test_a_fault_is_named_by_line_and_column(raw: bytes, line: int, column: int) -> None:
    """Do line and column, counted in characters, point at the spot where it goes wrong?"""
    assert fault_of(raw).startswith(f"{HERE}:{line}:{column}: not valid JSON, ")


@pytest.mark.parametrize("length", range(1, len(b'{"a": {"b": [1, true, "c"]}}')))
def test_half_a_file_is_broken(length: int) -> None:
    """Is a file that was cut off anywhere refused, with a spot?"""
    assert f"{HERE}:1:" in fault_of(b'{"a": {"b": [1, true, "c"]}}'[:length])


@pytest.mark.parametrize("top", [b"[]", b"3", b'"text"', b"null", b"true", b"[{}]"])
def test_the_top_must_be_an_object(top: bytes) -> None:
    """Is anything but an object at the top refused, with what was found?"""
    assert "an object {...} is needed at the top" in fault_of(top)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
@pytest.mark.parametrize("around", ['{"a": %s}', '{"a": [{"b": %s}]}'])
def test_no_number_is_beyond_numbers(number: str, around: str) -> None:
    """Are NaN and the infinities refused by name, however deep and however spelt?"""
    assert number in fault_of((around % number).encode())


def test_a_number_of_five_thousand_digits_is_refused() -> None:
    """Does a number that Python itself will not read end in one line?"""
    assert "too long" in fault_of(b'{"a": ' + b"9" * 5000 + b"}")


@pytest.mark.parametrize("text", ['{"a": "\\ud800"}', '{"\\uDFFF": 1}', '{"a": ["\\ud83c", "\\udfac"]}'])
def test_half_a_surrogate_pair_is_refused(text: str) -> None:
    """Is a string that could never be written again refused when it is read?"""
    assert "surrogate" in fault_of(text.encode())


def test_a_whole_surrogate_pair_is_one_character() -> None:
    """Is an escaped character beyond the first plane still read?"""
    assert parse_json(b'{"a": "\\ud83c\\udfac"}', HERE) == {"a": "🎬"}


@pytest.mark.parametrize(
    "text",
    [
        '{"cell": 1, "cell": 1}',
        '{"a": 0, "s": {"cell": 1, "b": 2, "cell": 3}}',
        '{"shots": [{"x": [{"cell": 1, "cell": null}]}]}',
        '{"a": {"\\u0063ell": 1, "cell": 2}}',
    ],
)
def test_a_key_that_stands_twice_is_named(text: str) -> None:
    """Is a duplicate key refused at any depth, even when spelt in another way?"""
    assert "the key 'cell' stands twice" in fault_of(text.encode())


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ('{"s": {"cell": 1,\n  "b": "cell: \\" {",\n  "cell": 2}}', 3, 3),
        ('{"cell": 1, "s": [{"cell": 1}, {"cell": 2,\n"cell": 3}]}', 2, 1),
        ('{"a": 1,\n "x": NaN}', 2, 7),
        ('{"a": "NaN 1e999",\n "x": [1, -1e999]}', 2, 11),
        ('{"a": 1,\n\n "x": -Infinity}', 3, 7),
    ],
)
def test_what_python_would_read_is_refused_by_line_and_column(text: str, line: int, column: int) -> None:
    """Is it said where the key stands for the second time, and where the number is?"""
    assert f":{line}:{column}: " in fault_of(text.encode())


def test_a_byte_that_is_not_utf8_is_told_by_line_and_column() -> None:
    """Does an editor find it, who counts no bytes?"""
    assert ":2:11: " in fault_of('{"b": 1,\n "a": "Zoë'.encode() + b'\xff"}')


def test_the_same_key_in_two_objects_is_no_duplicate() -> None:
    """Do neighbours and children keep their own keys?"""
    assert parse_json(b'{"a": {"a": [{"a": 1}, {"a": 2}]}}', HERE) == {"a": {"a": [{"a": 1}, {"a": 2}]}}


@pytest.mark.parametrize(
    "raw",
    [b'{"a": ' + b"[" * 100_000, b'{"a":' * 100_000, b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"],
    ids=["brackets", "braces", "closed"],
)
def test_deep_nesting_breaks_nothing(raw: bytes) -> None:
    """Do a hundred thousand brackets end in one line?"""
    assert "nested too deeply" in fault_of(raw)


@pytest.mark.parametrize(
    ("raw", "byte"),
    [
        (b'{"a": "\xff"}', 7),
        ('{"a": "Früh"}'.encode("latin-1"), 9),
        ('{"a": 1}'.encode("utf-16"), 0),
        (b'{"a": "\xed\xa0\x80"}', 7),
    ],
    ids=["stray byte", "latin-1", "utf-16", "encoded surrogate"],
)
def test_what_is_not_utf8_names_the_byte(raw: bytes, byte: int) -> None:
    """Is the first byte that is not UTF-8 told?"""
    assert f"byte {byte} is not UTF-8" in fault_of(raw)


def test_a_missing_file_says_what_and_what_to_do(tmp_path: Path) -> None:
    """Does the error carry the caller's words, the path and a remedy?"""
    with pytest.raises(MissingFile) as caught:
        read_json(tmp_path / "brief.json", what="brief", remedy="run `starsend init`")
    assert str(caught.value) == f"{tmp_path}/brief.json: there is no brief here. Run `starsend init`"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """Is a folder in the file's place one readable line?"""
    with pytest.raises(BadInput, match=r"cannot be read \(Is a directory\)"):
        read_json(tmp_path)


def test_a_file_in_the_folders_place_is_told(tmp_path: Path) -> None:
    """Is a path that runs through a plain file one readable line?"""
    (tmp_path / "state").write_text("")
    with pytest.raises(BadInput, match="Not a directory"):
        read_json(tmp_path / "state" / "sequences.json")


@given(
    st.binary(max_size=60)
    | st.text(alphabet='{}[]",:\\ud80 019.eE+-truefalsnNIiy\ufeff', max_size=60).map(str.encode)
    | JSON_VALUES.map(lambda value: json.dumps(value).encode())
)
def test_any_bytes_are_a_dict_or_bad_input(raw: bytes) -> None:
    """Whatever the bytes: does a dict come out, or one line of BadInput, and nothing else?"""
    try:
        found = parse_json(raw, HERE)
    except BadInput as fault:
        assert str(HERE) in str(fault)
        assert "\n" not in str(fault)
    else:
        assert isinstance(found, dict)
        json.dumps(found, ensure_ascii=False, allow_nan=False).encode()


@given(st.dictionaries(st.text(), JSON_VALUES))
def test_every_good_object_is_read_as_it_is(value: dict[str, object]) -> None:
    """Is strictness paid for by no valid object?"""
    try:
        raw = json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (UnicodeEncodeError, ValueError):  # a lone surrogate or an infinity is refused, see above
        return
    assert parse_json(raw, HERE) == value


def outcome_of(raw: bytes, *, packed: bool) -> object:
    """What comes of reading: the document, with the names of what was packed, or the fault."""
    seen: list[str] = []

    def pack(name: str, value: object) -> object:
        seen.append(name)
        return {"packed": value}

    try:
        if packed:
            return parse_json(raw, HERE, inside="s", pack=pack), set(seen)
        whole = parse_json(raw, HERE)
    except BadInput as fault:
        return str(fault)
    members = whole.get("s")
    if not isinstance(members, dict):
        return whole, set()
    return {**whole, "s": {name: {"packed": value} for name, value in members.items()}}, set(members)


@given(
    st.text(alphabet='{}[]",:\\sud80 019.eE+-truefalsnNIiy\n\ufeff', max_size=60)
    | st.dictionaries(st.sampled_from("st"), JSON_VALUES | st.dictionaries(st.text(), JSON_VALUES)).map(
        json.dumps
    )
    | st.tuples(
        st.dictionaries(st.sampled_from("st"), st.dictionaries(st.text(), JSON_VALUES)).map(json.dumps),
        st.integers(0, 200),
        st.text(alphabet='{}[]",: \\x', max_size=2),
    ).map(lambda made: made[0][: made[1]] + made[2] + made[0][made[1] + len(made[2]) // 2 :])
)
@example('{"s": {"a": 1, "a": 2}}')
@example('{"s": {"a": 1}, "s": {}}')
@example('{"s": {"a": 1},}')
@example('{"s": {"a": 1,}}')
@example('{"s": {"a": 1}} x')
@example('{"s": {"a": "\\ud83c\\udfac", "b": "\\ud83c"}}')
@example('{"s": {"a": {"b": 1, "b": 1}}, "t": NaN}')
@example('{"s"')
@example('{"s": {')
def test_read_member_by_member_is_read_whole(text: str) -> None:
    """Whatever the text: is the document the same, each member packed, and is a fault told in the same words?"""
    raw = text.encode(errors="replace")
    assert outcome_of(raw, packed=True) == outcome_of(raw, packed=False)
