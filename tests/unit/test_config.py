"""Is every setting taken from the right place, and every wrong one named by file, path and nearest key?"""

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import BaseModel, Field

from client_async.schemas import MODELS, schema_file
from starsend.config import CONFIG_NAME, BadVariable, Settings, load_settings
from starsend.documents import BadDocument, json_path, parse_document
from starsend.errors import BadInput, UnknownName

DEMO = Path(__file__).parents[2] / "projects" / "demo"


class Studio:
    """A root and a project whose configs are written by hand."""

    def __init__(self, root: Path, project: Path) -> None:
        self.root, self.project = root, project

    def say(self, where: Path, config: object) -> Path:
        path = where / CONFIG_NAME
        path.write_text(config if isinstance(config, str) else json.dumps(config), encoding="utf-8")
        return path

    def settings(self, environ: Mapping[str, str] | None = None) -> Settings:
        return load_settings(self.root, self.project, environ or {})

    def fault(self, environ: Mapping[str, str] | None = None) -> str:
        with pytest.raises(BadInput) as caught:
            self.settings(environ)
        assert "\n" not in str(caught.value)
        return str(caught.value)


@pytest.fixture
def studio(tmp_path: Path, project_dir: Path) -> Studio:
    return Studio(tmp_path, project_dir)


# -------------------------------------------------------------------------------------------- layers


def test_nothing_written_is_the_free_default(studio: Studio) -> None:
    """Does a project without any config run on the embedded provider?"""
    settings = studio.settings()
    assert (settings.image.provider, settings.video.provider, settings.store_url) == (
        "animatic",
        "animatic",
        None,
    )


def test_each_layer_overrides_the_one_below_key_by_key(studio: Studio) -> None:
    """Does the environment win over the project, the project over the studio, and nobody wipe a neighbour?"""
    studio.say(
        studio.root,
        {"image": {"size": "1K", "model": "studio", "on_unknown": "ask"}, "grid": {"attempts": 5}},
    )
    studio.say(studio.project, {"image": {"size": "2K", "model": "project"}})
    image = studio.settings({"STARSEND_IMAGE__SIZE": "4K"}).image
    assert (image.size, image.model, image.on_unknown) == ("4K", "project", "ask")
    assert studio.settings().grid.attempts == 5


def test_a_list_is_replaced_not_joined(studio: Studio) -> None:
    """Is a list one value, so that a project can take colours away?"""
    studio.say(studio.root, {"grid": {"gutter": ["magenta", "lime"]}})
    studio.say(studio.project, {"grid": {"gutter": ["cyan"]}})
    assert studio.settings().grid.gutter == ["cyan"]


def test_misbehaviour_is_merged_by_shot(studio: Studio) -> None:
    """Are free-form maps merged key by key as well?"""
    studio.say(studio.root, {"animatic": {"misbehave": {"A": ["slow"], "B": ["slow"]}}})
    studio.say(studio.project, {"animatic": {"misbehave": {"B": ["refuse"]}}})
    assert studio.settings().animatic.misbehave == {"A": ["slow"], "B": ["refuse"]}


@pytest.mark.parametrize(
    ("name", "value", "path", "expected"),
    [
        ("STARSEND_IMAGE__SIZE", "1K", "image.size", "1K"),
        ("STARSEND_IMAGE", '{"size": "1K"}', "image.size", "1K"),
        ("STARSEND_LIMITS__ANIMATIC__AT_ONCE", "9", "limits.animatic.at_once", 9),
        ("STARSEND_RETRY__POLL_SECONDS", "0.25", "retry.poll_seconds", 0.25),
        ("STARSEND_ANIMATIC__FINDABLE", "false", "animatic.findable", False),
        ("STARSEND_GRID__GUTTER", '["black"]', "grid.gutter", ["black"]),
        ("STARSEND_STORE_URL", "sqlite:////tmp/l.db", "store_url", "sqlite:////tmp/l.db"),
    ],
)
def test_any_setting_can_be_set_from_the_environment(
    studio: Studio, name: str, value: str, path: str, expected: object
) -> None:
    """Is each kind of value read from its variable, however deep it lies?"""
    found: Any = studio.settings({name: value})
    for part in path.split("."):
        found = found[part] if isinstance(found, dict) else getattr(found, part)
    assert found == expected


def test_the_given_environment_is_the_one_that_counts(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Is os.environ looked at only when no other environment is given?"""
    monkeypatch.setenv("STARSEND_IMAGE__SIZE", "4K")
    assert studio.settings().image.size == "2K"
    assert load_settings(studio.root, studio.project).image.size == "4K"


def test_variables_of_others_are_left_alone(studio: Studio) -> None:
    """Are STARSEND_ROOT and everybody else's variables no settings?"""
    studio.settings({"STARSEND_ROOT": "/jobs", "IMAGE__SIZE": "9K", "STARSENDX": "1", "PATH": "/bin"})


def test_settings_do_not_change(studio: Studio) -> None:
    """Are settings frozen once they are read?"""
    with pytest.raises(ValueError, match="frozen"):
        studio.settings().image.size = "1K"


# -------------------------------------------------------------------------------------------- faults

WRONG: list[tuple[dict[str, object], str]] = [
    ({"imag": {}}, "unknown key 'imag', did you mean 'image'?"),
    ({"image": {"sise": "2K"}}, "image: unknown key 'sise', did you mean 'size'?"),
    ({"image": {"zzz": 1}}, "image: unknown key 'zzz', known: model, on_unknown, provider, size"),
    ({"image": "gemini"}, "image: input should be"),
    ({"image": None}, "image: input should be"),
    ({"image": {"size": "8K"}}, "image.size: input should be '1K', '2K' or '4K' (it is '8K')"),
    ({"image": {"size": 2}}, "image.size: input should be '1K', '2K' or '4K' (it is 2)"),
    (
        {"limits": {"animatic": {"at_once": 0}}},
        "limits.animatic.at_once: input should be greater than or equal to 1 (it is 0)",
    ),
    ({"limits": {"animatic": {"at_once": 1.5}}}, "limits.animatic.at_once: "),
    ({"video": {"on_unknown": "hope"}}, "video.on_unknown: input should be 'retry' or 'ask' (it is 'hope')"),
    ({"gemini": {"base_url": "ftp://x"}}, "gemini.base_url: must be an address that begins with https://"),
    ({"veo": {"base_url": "https://"}}, "veo.base_url: must be an address that begins with https://"),
    ({"grid": {"gutter": []}}, "grid.gutter: list should have at least 1 item"),
    ({"grid": {"gutter": ["red", 5]}}, "grid.gutter[1]: input should be a valid string (it is 5)"),
    ({"retry": {"poll_seconds": 0}}, "retry.poll_seconds: input should be greater than 0 (it is 0)"),
    ({"animatic": {"misbehave": {"SEQ01": ["lazy"]}}}, "animatic.misbehave.SEQ01[0]: input should be 'ok'"),
    ({"store_url": "mysql://db"}, "store_url: must start with sqlite:/// or postgresql+psycopg://"),
    ({"prices": [{"provider": "a"}]}, "prices[0].model: field required (and 3 more)"),
    (
        {
            "prices": [
                {"provider": "a", "model": "b", "unit": "image", "price": {"*": -1}, "as_of": "2026-11-01"}
            ]
        },
        "prices[0].price.*: input should be greater than or equal to 0",
    ),
]


@pytest.mark.parametrize(("config", "said"), WRONG)
@pytest.mark.parametrize("where", ["root", "project"])
def test_a_fault_names_its_own_file_and_path(
    studio: Studio, where: str, config: dict[str, object], said: str
) -> None:
    """Does each wrong thing name the file it stands in, its JSON path and what would be right?"""
    good, bad = (studio.project, studio.root) if where == "root" else (studio.root, studio.project)
    studio.say(good, {"image": {"size": "1K"}})
    path = studio.say(bad, config)
    fault = studio.fault()
    assert fault.startswith(f"{path}: ")
    assert said in fault


def test_a_fault_below_is_not_healed_from_above(studio: Studio) -> None:
    """Is a wrong studio config told even where the project overrides the very key?"""
    path = studio.say(studio.root, {"image": {"size": "8K"}})
    studio.say(studio.project, {"image": {"size": "1K"}})
    assert studio.fault().startswith(f"{path}: image.size")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"image": {}, "image": {}}', '{"retry": NaN}'])
def test_a_config_that_is_no_json_names_the_file(studio: Studio, text: str) -> None:
    """Is a broken file told apart from wrong settings, by its path?"""
    path = studio.say(studio.project, text)
    assert studio.fault().startswith(str(path))


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("STARSEND_IMAG__SIZE", "STARSEND_IMAGE"),
        ("STARSEND_STORE_URI", "STARSEND_STORE_URL"),
        ("STARSEND_PRICE", "STARSEND_PRICES"),
        ("STARSEND_IMAGES", "STARSEND_IMAGE"),
    ],
)
def test_an_unknown_variable_names_the_nearest(studio: Studio, name: str, nearest: str) -> None:
    """Is a misspelt variable an error that says which was meant, not a setting without effect?"""
    with pytest.raises(UnknownName, match=f"environment: unknown setting '{name}'. Did you mean {nearest}?"):
        studio.settings({name: "1"})


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("STARSEND_IMAGE__SISE", "4K", "image: unknown key 'sise', did you mean 'size'?"),
        ("STARSEND_IMAGE__SIZE", "8K", "image.size: input should be '1K', '2K' or '4K' (it is '8K')"),
        ("STARSEND_IMAGE__SIZE", "", "image.size: input should be"),
        ("STARSEND_DAEMON__PORT", "many", "daemon.port: input should be a valid integer"),
        ("STARSEND_ANIMATIC__FINDABLE", "perhaps", "animatic.findable: input should be a valid boolean"),
        ("STARSEND_RETRY__POLL_SECONDS", "inf", "retry.poll_seconds: input should be a finite number"),
        ("STARSEND_RETRY__POLL_SECONDS", "nan", "retry.poll_seconds: "),
        ("STARSEND_IMAGE", "[1]", "image: input should be"),
    ],
)
def test_a_wrong_value_in_the_environment_is_told(studio: Studio, name: str, value: str, said: str) -> None:
    """Does a wrong variable say that it is the environment, and which key?"""
    fault = studio.fault({name: value})
    assert fault.startswith("environment (STARSEND_...): ")
    assert said in fault


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STARSEND_GRID__GUTTER", "magenta"),
        ("STARSEND_GRID", "attempts=3"),
        ("STARSEND_IMAGE", ""),
        ("STARSEND_PRICES", "[{"),
        ("STARSEND_ANIMATIC__MISBEHAVE", "slow"),
    ],
)
def test_a_variable_that_must_be_json_and_is_not_is_named(studio: Studio, name: str, value: str) -> None:
    """Is a value that cannot be read as JSON one readable line that names the variable?"""
    with pytest.raises(BadVariable, match=f"^environment: {name}: not valid JSON, ") as caught:
        studio.settings({name: value, "STARSEND_SHARE": "3"})
    assert "\n" not in str(caught.value)


def test_a_colour_that_is_none_is_told_before_a_picture_is_paid(studio: Studio) -> None:
    """Would a misspelt gutter be found out only when the first grid comes back?"""
    with pytest.raises(BadDocument, match=r"grid\.gutter: 'blurple' is no colour"):
        studio.settings({"STARSEND_GRID__GUTTER": '["magenta", "blurple"]'})
    assert studio.settings({"STARSEND_GRID__GUTTER": '["#ff00ff"]'}).grid.gutter == ["#ff00ff"]


# -------------------------------------------------------------------------------------------- schema


def check(config: object) -> None:
    schema = json.loads(schema_file("starsend_config"))
    jsonschema.Draft202012Validator(schema).validate(config)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_schema_is_a_schema(name: str) -> None:
    """Is each published file a valid JSON Schema that says which draft it is?"""
    schema = json.loads(schema_file(name))
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_the_demo_config_is_taken_by_both(studio: Studio) -> None:
    """Do the schema and the program agree on the shipped sample?"""
    config = json.loads((DEMO / CONFIG_NAME).read_text(encoding="utf-8"))
    check(config)
    studio.say(studio.project, config)
    assert studio.settings().retry.poll_seconds == 0.2


@pytest.mark.parametrize("config", [config for config, _ in WRONG if config.keys() != {"store_url"}])
def test_an_editor_marks_what_the_program_refuses(config: object) -> None:
    """Does the schema refuse each typo and wrong value too, so that an editor shows it first?"""
    with pytest.raises(jsonschema.ValidationError):
        check(config)


# ----------------------------------------------------------------------------------------- documents


@pytest.mark.parametrize(
    ("loc", "path"),
    [
        ((), ""),
        (("image",), "image"),
        (("sequences", "SEQ01", "shots", 0), "sequences.SEQ01.shots[0]"),
        (("shots", 2, "prompt"), "shots[2].prompt"),
        ((0, 1), "[0][1]"),
    ],
)
def test_a_place_is_spelt_as_a_person_would(loc: tuple[int | str, ...], path: str) -> None:
    """Does a JSON path read like one?"""
    assert json_path(loc) == path


def test_every_fault_is_kept(tmp_path: Path) -> None:
    """Does the first fault make the line and the error hold them all?"""

    class Slate(BaseModel):
        take: int = Field(ge=1)
        roll: Decimal

    with pytest.raises(BadDocument) as caught:
        parse_document(Slate, {"take": 0, "roll": "x" * 500}, tmp_path)
    assert [field for field, _ in caught.value.faults] == ["take", "roll"]
    assert "(and 1 more)" in str(caught.value)
    assert len(str(caught.value)) < 400
