"""Whatever a prompt holds: does it come back as it was from PNG, JPEG and MP4, by our reader and by others'?"""

from __future__ import annotations

import io
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import av
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from starsend.orchestrator.provenance import as_comment, provenance
from starsend.orchestrator.records import Step
from starsend.tools.media_comment import comment_in, copy_with_comment
from tests.media import film, picture

FILES = {"png": picture("PNG"), "jpeg": picture("JPEG"), "mp4": film()}
TEXT = st.text(st.characters(), max_size=200)
AT = datetime(2026, 11, 23, tzinfo=UTC)


def step(prompt: str) -> Step:
    return Step(
        step_key="S-a1-0",
        shot_id="S",
        sequence="S",
        kind="keyframe",
        attempt=1,
        provider="animatic",
        model="storyboard",
        state="intended",
        request={"prompt": prompt, "references": []},
        handle=None,
        error_kind=None,
        error=None,
        created_at=AT,
        updated_at=AT,
    )


def read_by_others(kind: str, data: bytes) -> str:
    """The comment as Pillow or FFmpeg shows it."""
    if kind == "mp4":
        with av.open(io.BytesIO(data)) as container:
            return container.metadata["comment"]
    with Image.open(io.BytesIO(data)) as image:
        if kind == "png":
            return str(image.text["Comment"])  # type: ignore[attr-defined]
        comment: bytes = image.info["comment"]
        return comment.decode()


@pytest.mark.parametrize("kind", FILES)
@settings(max_examples=40)
@given(prompt=TEXT)
@example(prompt="")
@example(prompt="line\r\nline\tand \0 and \x1b[31m \x7f \u2028 \ufeff \ufffe")
@example(prompt="👩‍👩‍👧‍👦🎬" * 1_250)
@example(prompt="é" * 10_000)
@example(prompt='"}{"schema":"starsend.provenance/1"}</x:xmpmeta>\\u0000\\')
@example(prompt="half a pair \ud83c here, \udfac there")
def test_any_prompt_survives(kind: str, prompt: str) -> None:
    """Line breaks, NUL, emoji, ten thousand characters, halves of a surrogate pair: is nothing cut or changed?"""
    comment = as_comment(provenance(step(prompt)))
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "source", Path(folder) / "target"
        source.write_bytes(FILES[kind])
        copy_with_comment(source, target, comment)
        found = comment_in(target)
        assert found == comment
        assert json.loads(found)["prompt"] == prompt
        assert json.loads(read_by_others(kind, target.read_bytes()))["prompt"] == prompt
