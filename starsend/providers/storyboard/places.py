"""What a storyboard artist knows by heart: the light of each hour and what stands in each kind of place.

Pure data. Tones run 0 (ink) to 255 (paper); a drawing is a duotone between the two colours of its palette.
"""

from __future__ import annotations

from dataclasses import dataclass

Rgb = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Light:
    """One hour or weather: the tones it gives, its two tints, and what hangs in the sky."""

    name: str
    words: str
    sky_top: int
    sky_low: int
    ground: int
    shade: int
    """Tone of near objects: the nearer a thing stands, the closer it comes to this."""
    ink: Rgb
    paper: Rgb
    disc: str = ""
    """``sun``, ``low sun``, ``moon`` or nothing."""


@dataclass(frozen=True, slots=True)
class Scatter:
    """``count`` pieces of one kind, strewn over x and z (metres; z runs away from the camera)."""

    kind: str
    count: int
    x: tuple[float, float]
    z: tuple[float, float]
    height: tuple[float, float]
    """Height range in metres."""


@dataclass(frozen=True, slots=True)
class Place:
    """One kind of setting: its ground, what closes it off behind, what stands about, and its own tint."""

    name: str
    words: str
    ground: str
    backdrop: str
    scatter: tuple[Scatter, ...]
    ink: Rgb
    paper: Rgb
    indoors: bool = False
    shore: float | None = None
    """Where water begins (z in metres), if there is any."""


LIGHTS: tuple[Light, ...] = (
    Light("night", r"night|midnight|moon\w*|starlight|stars|neon", 26, 74, 84, 34, (12, 18, 38), (214, 226, 246), "moon"),
    Light("dawn", r"dawn|sunrise|daybreak|first light|early morning|golden hour", 128, 244, 178, 70, (52, 42, 68), (255, 238, 214), "low sun"),
    Light("dusk", r"dusk|sunset|twilight|evening|blue hour|gloaming|candle\w*|firelight", 84, 220, 124, 46, (40, 26, 54), (255, 212, 172), "low sun"),
    Light("overcast", r"rain\w*|storm\w*|overcast|gr[ea]y sky|drizzle|fog\w*|mist\w*|clouds?|cloudy|snow\w*|blizzard|winter", 148, 206, 150, 62, (34, 44, 56), (230, 240, 246)),
    Light("noon", r"noon|midday|daylight|sunny|bright|afternoon|summer|day|morning", 176, 246, 214, 84, (44, 46, 56), (255, 250, 238), "sun"),
)  # fmt: skip
"""Tried in this order: 'a rainy night' is drawn as night, with rain."""

PLACES: tuple[Place, ...] = (
    Place(
        "harbour", r"harbou?rs?|ports?|piers?|docks?|quays?|jett(?:y|ies)|marina|wharf|boats?|ships?|ferry|fishermen", "planks", "headland",
        (Scatter("boat", 6, (-15, 15), (7, 30), (3.2, 6.0)), Scatter("bollard", 4, (-6, 6), (2.0, 3.0), (0.6, 0.8)),
         Scatter("lamp", 2, (-7, 7), (2.2, 3.1), (4.2, 4.8)), Scatter("crate", 4, (-6, 6), (0.8, 2.4), (0.6, 1.0))),
        (22, 42, 62), (240, 246, 240), shore=3.4,
    ),
    Place(
        "sea", r"sea|ocean|beach\w*|shores?|coast\w*|waves?|surf|bay|lagoon|island|cliffs?", "sand", "headland",
        (Scatter("rock", 7, (-16, 16), (2, 16), (0.5, 2.2)), Scatter("boat", 2, (-16, 16), (26, 44), (4, 6))),
        (20, 46, 66), (244, 246, 238), shore=6.0,
    ),
    Place(
        "room", r"interior|rooms?|kitchen|bedroom|office|inside|bar|caf[eé]|restaurant|corridor|hall\w*|apartment|flat|studio|library|attic|cellar|kitchens|window|table|desk|sofa", "boards", "room",
        (Scatter("table", 1, (-2.6, -1.4), (0.1, 0.7), (0.8, 0.8)), Scatter("chair", 2, (-2.9, -0.9), (-0.3, 1.1), (0.95, 1.0)),
         Scatter("plant", 1, (2.4, 2.9), (1.0, 1.4), (0.9, 1.4)), Scatter("pendant", 1, (-2.0, -1.5), (0.2, 0.6), (0.45, 0.5))),
        (56, 40, 32), (255, 242, 218), indoors=True,
    ),
    Place(
        "city", r"city|streets?|alley\w*|town|downtown|skyscrapers?|rooftops?|tokyo|new york|london|paris|traffic|pavement|sidewalk|urban|cars?|taxi\w*|road chase|market|square", "road", "skyline",
        (Scatter("lamp", 8, (-4.6, 4.6), (-2, 26), (4.6, 5.2)), Scatter("traffic", 2, (1.7, 2.6), (5, 24), (1.4, 1.5)), Scatter("traffic", 2, (-2.6, -1.7), (8, 30), (1.4, 1.5))),
        (26, 34, 56), (244, 242, 236),
    ),
    Place(
        "forest", r"forests?|woods?|woodland|jungle|trees?|grove|glade|pines?|orchard|park|garden", "grass", "treeline",
        (Scatter("pine", 16, (-17, 17), (4.5, 26), (4, 8)), Scatter("tree", 9, (-14, 14), (5.0, 18), (3.5, 6)),
         Scatter("bush", 9, (-10, 10), (1, 12), (0.5, 1.3)), Scatter("rock", 3, (-6, 6), (1, 6), (0.3, 0.7))),
        (22, 44, 36), (242, 246, 222),
    ),
    Place(
        "desert", r"deserts?|dunes?|sahara|sand\w*|wasteland|canyon|mesa|badlands|cactus|prairie", "ripples", "dunes",
        (Scatter("cactus", 4, (-14, 14), (4, 18), (1.6, 3.2)), Scatter("rock", 6, (-15, 15), (3, 20), (0.4, 1.6)),
         Scatter("mesa", 3, (-60, 60), (55, 80), (9, 16))),
        (78, 46, 30), (255, 238, 204),
    ),
    Place(
        "mountains", r"mountains?|alps?|peaks?|valley|glacier|ridge|summit|snow\w*|hills?|highlands?|ice", "grass", "mountains",
        (Scatter("pine", 12, (-18, 18), (6, 30), (4, 8)), Scatter("rock", 9, (-12, 12), (2, 18), (0.5, 2.0))),
        (34, 44, 62), (244, 248, 252),
    ),
    Place(
        "fields", r"fields?|farm\w*|village|country\w*|meadows?|plains?|roads?|barn|house|cottage|river|lake|battlefield", "grass", "hills",
        (Scatter("tree", 8, (-18, 18), (7, 34), (4, 7)), Scatter("bush", 8, (-12, 12), (2, 16), (0.4, 1.0)),
         Scatter("post", 12, (-13, 13), (4.5, 5.0), (1.1, 1.3)), Scatter("house", 2, (-20, 20), (18, 32), (5, 6))),
        (46, 52, 36), (252, 248, 226),
    ),
)  # fmt: skip
"""The place named first in a prompt wins: 'a harbour ... by the boats' is a harbour."""
