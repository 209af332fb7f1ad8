"""What is said to the models: pure functions from a brief to words."""

from __future__ import annotations

from collections.abc import Sequence as Many

from client_async.sequences import GridRecord, Shot

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


def grid_prompt(scene: str, *, gutter: str, wrong: Many[GridRecord] = ()) -> str:
    """Ask for one picture of four candidate start frames.

    Args:
        scene: the brief, elements already spelt out.
        gutter: a colour the scene does not hold; a named gutter can be found again (docs/measured.md).
        wrong: earlier attempts of this round; the last one is named, so that no two prompts are the same.
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
    if wrong:
        said = "; ".join(dict.fromkeys(_mistake(record) for record in wrong))
        lines.append(
            f"- this is attempt {len(wrong) + 1}: before, {said}; do not repeat that, draw four separate panels."
        )
    return "\n".join([*lines, "", *(f"{place}: {framing}." for place, framing in FRAMINGS)])


def frame_prompt(scene: str, cell: int) -> str:
    """Ask for one of the four start frames by itself; ``cell`` counts 1 to 4."""
    _, framing = FRAMINGS[cell - 1]
    return f"Create one single full-frame image of {scene}\n\nFraming: {framing}.\nNo panels, no text, no borders."


def shot_prompt(shot: Shot) -> str:
    """One shot of a take, with its camera move."""
    return f"{shot.prompt.rstrip('. ')}. Camera: {shot.camera}." if shot.camera else shot.prompt


def _mistake(record: GridRecord) -> str:
    reason = record.verdict.reason
    if reason == "no_picture":
        return f"there was no picture ({record.verdict.explanation})"
    return _WRONG.get(reason, record.verdict.explanation)
