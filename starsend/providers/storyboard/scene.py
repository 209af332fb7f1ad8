"""Reads a prompt the way a model does: what is asked for, where it is set, who is in it, how it is framed.

Everything here is words to data. Nothing is drawn and nothing is random.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Literal, TypeVar

from PIL import ImageColor

from starsend.providers.storyboard.places import LIGHTS, PLACES, Light, Place, Rgb

Framing = Literal["wide", "medium", "close", "low", "high", "shoulder", "profile"]

FRAMINGS: tuple[tuple[Framing, str], ...] = (
    ("shoulder", r"over[- ]the[- ]shoulder|over (?:his|her|their) shoulder|ots\b"),
    ("profile", r"profile|side view|side[- ]on"),
    ("close", r"close|portrait|face|tight|detail|insert"),
    ("low", r"low|from below|worm|looking up|heroic"),
    ("high", r"high|overhead|aerial|bird|top[- ]down|from above|drone"),
    ("wide", r"wide|establish|panorama|vista|long shot|extreme long"),
    ("medium", r"medium|mid[- ]shot|two[- ]shot|cowboy|waist"),
)
_NOT_A_CAMERA = r"(?!\s+(?:sun|light|tide|street|wall|wave|cloud|noon|winter|fog|mist|tree|building|cliff))"

PEOPLE = r"people|persons?|figures?|men|man|women|woman|boys?|girls?|child(?:ren)?|kids?|soldiers?|riders?|fisherm[ae]n|workers?|detectives?|guards?|dancers?|lovers|couple|crowds?|mob|audience|strangers?|sailors?|captain|king|queen|mother|father|brothers?|sisters?|friends?|hero|heroine|actors?|runners?|cowboys?|monks?|nuns?|police\w*|chef|waiter|waitress|teacher|doctor|nurse|thief|thieves"  # fmt: skip
_WOMEN = r"woman|women|girls?|heroine|queen|mother|sisters?|nuns?|waitress|nurse|she|her"
_CHILDREN = r"boys?|girls?|child(?:ren)?|kids?"
_MANY = r"crowds?|mob|audience|people"
_NUMBERS = {"two": 2, "couple": 2, "pair": 2, "both": 2, "three": 3, "four": 4, "five": 5, "six": 6, "several": 4, "many": 8, "dozens": 9, "dozen": 9}  # fmt: skip
_PROPS = (("rider", r"riders?|horseback|cowboys?"), ("dog", r"dogs?|puppy|wolf"), ("horse", r"horses?"), ("car", r"cars?|taxi|truck|van|jeep"))  # fmt: skip
_WEATHERS = (
    ("rain", r"rain|drizzl|storm(?!\s+lantern)|downpour"),
    ("snow", "snow|blizzard"),
    ("fog", "fog|mist"),
)
_POSES = (("run", r"runs?|running|chas\w+|flee\w*|sprint\w*|dash\w*"), ("walk", r"walks?|walking|crosses|approach\w*|steps?|follow\w*|marches|turns"))  # fmt: skip

_INTRODUCTION = re.compile(
    r"(?m)^(?P<name>[^\n.:]{1,60}?) is a (?P<kind>character|prop|location)\b[^:\n]*:.*$"
)

ACCENTS: tuple[Rgb, ...] = (
    (196, 64, 52),
    (214, 136, 40),
    (58, 122, 142),
    (142, 76, 108),
    (92, 124, 70),
    (206, 96, 88),
)
"""Marker colours for costumes: strong enough to follow one person through a sequence, none of them a gutter's."""


@dataclass(frozen=True, slots=True)
class Figure:
    """Somebody (or something alive, or a car) in the scene."""

    kind: str
    """``person``, ``rider``, ``dog``, ``horse`` or ``car``."""
    name: str
    pose: str = "stand"
    woman: bool = False
    child: bool = False
    accent: Rgb | None = None
    """Colour of the costume. A named person's follows from the name, so it is the same in every picture."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What a prompt says is to be seen. The first of ``cast`` is the subject; ``cast`` may be empty."""

    place: Place
    light: Light
    weather: str
    cast: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a prompt asks for: a 2x2 grid or one picture, its gutter, and the words for each panel."""

    grid: bool
    gutter: Rgb
    subject: str
    panels: tuple[str, ...]
    """Four texts (top-left, top-right, bottom-left, bottom-right) where the prompt gives them, or none."""


def read_prompt(prompt: str) -> Reading:
    """Split a prompt into what the picture shows and how it is to be laid out."""
    text = " ".join(_introduced(prompt).split())
    parts = re.split(
        r"(?i)\b((?:top|bottom|upper|lower)[- ](?:left|right))\b\s*(?:panel|image)?\s*[:=—–-]\s*", text
    )
    head, named = parts[0], dict(zip(map(_corner, parts[1::2]), parts[2::2], strict=True))
    panels = tuple(_plain(named[corner]) for corner in sorted(named)) if len(named) == 4 else ()
    head = re.split(r"\bYou MUST\b|\b(?:Rules|RULES):", head)[0]
    return Reading(
        bool(re.search(r"(?i)\b2\s?[x×]\s?2\b", text)),
        _gutter(text),
        _plain(head) or " ".join(panels),
        panels,
    )


def _introduced(prompt: str) -> str:
    """``prompt`` with characters that it introduces called by ``@name``, and without the introductions themselves.

    An introduction is a line such as ``Mara is a character (reference picture 1): a fisher in a yellow coat.``; what
    it says of a coat or a storm lantern is not in the scene.
    """
    introduced = list(_INTRODUCTION.finditer(prompt))
    scene = _INTRODUCTION.sub("", prompt)
    for person in (i for i in introduced if i["kind"] == "character"):
        handle = re.sub(r"\W+", "-", person["name"])
        scene = re.sub(rf"(?<!\w){re.escape(person['name'])}(?!\w)", f"@{handle}", scene)
    return scene


def read_scene(text: str, *, context: str = "", mood: Light | None = None) -> Scene:
    """Where, when and who. What ``text`` leaves open is looked up in ``context`` (the other shots of a take).

    ``mood`` is the light where no words name one; without it, one follows from a hash of the words.
    """
    both = f"{text} {context}"
    pick = sha256(both.encode()).digest()
    light = (
        _first(LIGHTS, text, ordered=True)
        or _first(LIGHTS, context, ordered=True)
        or mood
        or LIGHTS[1 + pick[0] % 4]
    )
    place = _first(PLACES, text) or _first(PLACES, context) or PLACES[pick[1] % len(PLACES)]
    outside = () if place.indoors else _WEATHERS
    weather = next((name for name, words in outside if re.search(rf"(?i)\b(?:{words})", both)), "")
    said = _cast(text)
    cast = said if said is not None else _cast(context)
    if cast is None:  # somebody small gives a place its scale
        cast = (Figure("person", f"figure{pick[2] % 8}", woman=pick[3] % 2 == 0),)
    light = replace(
        light, ink=_mixed(light, light.ink, place.ink), paper=_mixed(light, light.paper, place.paper)
    )
    return Scene(place, light, weather, cast)


def _mixed(light: Light, hour: Rgb, place: Rgb) -> Rgb:
    """The tint of a place at an hour: dawn, dusk and night colour everything, plain daylight hardly does."""
    share = 0.7 if light.disc in ("low sun", "moon") else 0.3
    r, g, b = (round(h * share + p * (1 - share)) for h, p in zip(hour, place, strict=True))
    return r, g, b


def framing_of(text: str) -> Framing | None:
    """The camera that a text asks for, by the first word about cameras in it; None when it names none."""
    found = [
        (m.start(), name)
        for name, words in FRAMINGS
        if (m := re.search(rf"(?i)\b(?:{words}){_NOT_A_CAMERA}", text))
    ]
    return min(found)[1] if found else None


def _corner(words: str) -> tuple[bool, bool]:
    """'Top-left' as (bottom?, right?), which sorts in reading order."""
    return bool(re.match("(?i)bottom|lower", words)), words.lower().endswith("right")


def _plain(text: str) -> str:
    """``text`` without the sentences that speak about the grid instead of the scene."""
    text = re.sub(
        r"(?i)^.*?\b2\s?[x×]\s?2\b[^.:,;]*?\b(?:of|showing|shows?)\b(?:\s+(?:\d|four)[^.:,;]*?\b(?:of|showing)\b)?[:\s]*",
        "",
        text,
        count=1,
    )
    text = re.sub(r"(?i)^\s*the same scene:\s*", "", text, count=1)
    text = re.sub(r"(?i)^\s*create one single\b.*?\bof\s+", "", text, count=1)
    kept = [
        s
        for s in re.split(r"(?<=[.!?;])\s+", text)
        if not re.search(
            r"(?i)2\s?[x×]\s?2|\bgrid|gutter|\bpanels?\b|sub-?images?|\bMUST\b|reference image", s
        )
    ]
    return " ".join(kept).strip(" .,:;")


def _gutter(text: str) -> Rgb:
    """The colour named next to the word gutter; white when none is."""
    for near in re.finditer(r"(?i)((?:[\w#-]+\s+){0,5})gutters?((?:[\s:,(]+[\w#-]+){0,6})", text):
        for word in [*reversed(near[1].split()), *re.findall(r"[\w#-]+", near[2])]:
            if word.lower() in ImageColor.colormap or re.fullmatch(r"#(?:[0-9a-fA-F]{3}){1,2}", word):
                return ImageColor.getrgb(word)[:3]
    return (255, 255, 255)


T = TypeVar("T", Light, Place)


def _first(known: tuple[T, ...], text: str, *, ordered: bool = False) -> T | None:
    """The entry whose words come first in ``text`` (or, ``ordered``, the first entry that occurs at all)."""
    hits = [
        (m.start(), i) for i, one in enumerate(known) if (m := re.search(rf"(?i)\b(?:{one.words})\b", text))
    ]
    if not hits:
        return None
    return known[hits[0][1] if ordered else min(hits)[1]]


def _cast(text: str) -> tuple[Figure, ...] | None:
    """Everybody the text names or counts, the subject first; None where it does not say who is there."""
    low = text.lower()
    nobody = re.search(
        rf"\b(?:no|without(?: any)?)\s+(?:{PEOPLE}|one)\b|\b(?:nobody|empty|deserted|abandoned)\b", low
    )
    people = [] if nobody and "@" not in low else _people(text, low)
    props = [Figure(kind, kind) for kind, words in _PROPS[1:] if re.search(rf"\b(?:{words})\b", low)]
    if people and re.search(rf"\b(?:{_PROPS[0][1]})\b", low):
        people = [replace(person, kind="rider", pose="ride") for person in people]
        props = [prop for prop in props if prop.kind != "horse"]
    return (*people, *props) if people or props or nobody else None


def _people(text: str, low: str) -> list[Figure]:
    pose = next((name for name, words in _POSES if re.search(rf"\b(?:{words})\b", low)), "stand")
    names = list(dict.fromkeys(re.findall(r"@([\w-]+)", text)))
    crowd = 9 if re.search(rf"\b(?:{_MANY})\b", low) else 0
    woman = bool(re.search(rf"\b(?:{_WOMEN})\b", low))
    child = bool(re.search(rf"\b(?:{_CHILDREN})\b", low))
    counted = [
        _NUMBERS.get(noun, _NUMBERS.get(word, 1))
        for word, noun in re.findall(rf"(?:\b(\w+)\s+)?(?:\w+\s+)??\b({PEOPLE})\b", low)
    ]
    count = max(len(names), crowd, sum(counted) if not names else max(counted, default=0))
    people = []
    for i in range(count):
        name = names[i] if i < len(names) else f"{'named' if names else 'figure'}{i}"
        digest = sha256(name.encode()).digest()
        people.append(
            Figure(
                "person",
                name,
                pose,
                woman=digest[0] % 2 == 0 if names or count > 2 else woman,
                child=child and i == count - 1,
                accent=ACCENTS[digest[1] % len(ACCENTS)] if i < max(1, len(names)) else None,
            )
        )
    return people
