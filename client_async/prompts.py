"""What is said to the models: pure functions from a brief to words."""

from __future__ import annotations

from collections.abc import Sequence as Many

from client_async.sequence_parts import GridRecord, Shot

FRAMINGS = (
    ("Top-left", "a wide establishing shot, seen from far away"),
    ("Top-right", "a close shot of what matters most, the background soft"),
    ("Bottom-left", "a low angle, the camera near the ground looking up"),
    ("Bottom-right", "a high angle, the camera above looking down"),
)
"""One a cell, in the order in which cells are counted."""

_WRONG = {
    "single": "you drew one single picture instead of four",
    "wrong_layout": "the panels were not two rows of two",
    "unequal": "the four panels were not of the same size",
    "blank": "the picture was blank",
    "blank_cell": "one of the four panels was blank",
    "same": "the four frames were nearly the same",
    "too_small": "the picture was too small",
    "corrupt": "the picture could not be read",
}
"""What is said of the last attempt, by the reader's reason."""


_NUMBERS = ("no", "one", "two", "three", "four", "five")


def grid_prompt(
    scene: str, *, gutter: str, note: str = "", wrong: Many[GridRecord] = (), template: bool = False
) -> str:
    """Ask for one picture of four candidate start frames.

    Args:
        scene: the brief, elements already spelt out.
        gutter: a colour the scene does not hold; a named gutter can be found again (docs/measured.md).
        note: what somebody asked of this grid who had seen the one before, elements spelt out.
        wrong: earlier attempts of this round; the last one is named, so that no two prompts are the same.
        template: an empty 2x2 sheet goes along as the last reference.
    """
    lines = [
        f"Create a 2x2 contiguous grid of 4 distinct images of the same scene: {scene}",
        "",
        "You MUST obey ALL of the following rules for these subimages:",
        "- exactly two rows and two columns, four panels of exactly the same size, filling the picture to its edges;",
        f"- the panels are separated by one thin solid {gutter} gutter, straight and unbroken, and {gutter} appears nowhere else;",
        "- every panel is a complete frame of the same scene, same people, same clothes, same light;",
        "- the four panels differ in framing, as described below;",
        "- no text, no numbers, no borders, no frames around the picture.",
    ]
    if note:
        lines.append(
            f"- art direction for all four panels, above the scene where the two differ: {_line(note)};"
        )
    if wrong:
        said = "; ".join(dict.fromkeys(_mistake(record) for record in wrong))
        lines.append(
            f"- this is attempt {len(wrong) + 1}: before, {said}; do not repeat that, draw four separate panels."
        )
    if template:
        lines.append(
            f"- the last reference picture is an empty template: keep its four panels and its {gutter} gutter exactly where "
            "they are, and fill each panel with one frame."
        )
    return "\n".join([*lines, "", *(f"{place}: {framing}." for place, framing in FRAMINGS)])


def frame_prompt(scene: str, cell: int, note: str = "") -> str:
    """Ask for one of the four start frames by itself; ``cell`` counts 1 to 4, ``note`` as for ``grid_prompt``."""
    _, framing = FRAMINGS[cell - 1]
    direction = f"\nArt direction, above the scene where the two differ: {_line(note)}." if note else ""
    return (
        f"Create one single full-frame image of {scene}\n\nFraming: {framing}.{direction}"
        "\nNo panels, no text, no borders."
    )


def shot_prompt(shot: Shot) -> str:
    """One shot of a take, with its camera move."""
    return f"{shot.prompt.rstrip('. ')}. Camera: {shot.camera}." if shot.camera else shot.prompt


def _line(note: str) -> str:
    return " ".join(note.split()).rstrip(".;")


def _mistake(record: GridRecord) -> str:
    verdict = record.verdict
    if verdict.reason == "no_picture":
        return f"there was no picture ({verdict.explanation})"
    if verdict.reason == "wrong_layout" and verdict.rows and verdict.columns:
        return _counted(verdict.rows, verdict.columns)
    return _WRONG.get(verdict.reason, verdict.explanation)


def _counted(rows: int, columns: int) -> str:
    """What was drawn instead of two rows of two."""
    if (rows, columns) in {(1, 2), (2, 1)}:
        return (
            f"you drew two panels {'side by side' if columns == 2 else 'one above the other'} instead of four"
        )
    if (rows, columns) in {(1, 1), (2, 2)} or max(rows, columns) >= len(_NUMBERS):
        return _WRONG["wrong_layout"]
    return (
        f"you drew {_NUMBERS[rows]} row{'s' * (rows > 1)} and {_NUMBERS[columns]} column{'s' * (columns > 1)} "
        "of panels instead of two rows of two"
    )
