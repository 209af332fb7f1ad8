"""Failures that a saved file may have mended: such sequences go on by themselves."""

from __future__ import annotations

from client_async.ownership import Raw
from starsend.documents import BadDocument
from starsend.elements import MissingReference, SameName
from starsend.errors import StarsendError, UnknownName
from starsend.json_file import BrokenJson, MissingFile
from starsend.orchestrator.step_faults import OtherProvider
from starsend.pricing import NoPrice
from starsend.shot_lint import ShotsRefused
from starsend.tools.picture_file import BadPicture
from starsend.vendor_faults import Unauthorized

CURED_BY: dict[str, tuple[type[StarsendError], ...]] = {
    "elements": (
        UnknownName,
        MissingReference,
        SameName,
        BadPicture,
        BadDocument,
        BrokenJson,
        MissingFile,
        ShotsRefused,
    ),
    "config": (NoPrice, ShotsRefused, Unauthorized, OtherProvider, UnknownName, BadDocument),
}
"""By what was saved: the project's elements, or its settings."""


def may_be_cured(raw: Raw, what: str) -> bool:
    """Whether a change of ``what``, a key of ``CURED_BY``, may have mended what a sequence has failed of."""
    faults = {fault.__name__ for fault in CURED_BY[what]}
    return raw.get("grid_state") == "failed" and raw.get("grid_fault") in faults
