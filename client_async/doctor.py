"""Is everything there that work needs? Asked before money is spent, and for free: no call of a vendor's API is made."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from client_async import machine_checks, vendor_checks
from client_async.accounts import as_kept
from client_async.driver_lock import daemon_drives
from client_async.findings import Finding, Report
from client_async.ledger import cited_by, ledger_at, look_at_store
from client_async.projects import Place, place_of, project_names
from client_async.sequences import check_sequences
from starsend.clock import Clock
from starsend.config import Settings, load_settings
from starsend.errors import StarsendError
from starsend.json_file import MissingFile, read_json

STUDIO = "studio"


def examine(root: Path, names: Sequence[str], clock: Clock) -> Report:
    """Look at the studio and at the named projects, or all. Writes nothing that stays."""
    return Report.of(_all(root, names or project_names(root), clock))


def _all(root: Path, names: Sequence[str], clock: Clock) -> Iterator[Finding]:
    yield from _studio(root)
    if not names:
        yield Finding(
            "warn", STUDIO, "projects", f"there are none in {root / 'projects'}", "run `starsend init NAME`"
        )
    asked: dict[tuple[str, str], list[Finding]] = {}
    for name in names:
        try:
            place = place_of(root, name)
        except StarsendError as wrong:  # a folder whose name is no text; the others are looked at
            yield Finding.of_error(STUDIO, "projects", wrong)
            continue
        settings, found = _settings_of(place)
        yield found
        if settings:
            yield from _providers(place, settings, clock, asked)
        yield from _project(place, settings)


def _studio(root: Path) -> Iterator[Finding]:
    try:
        load_settings(root, None)
        yield Finding("ok", STUDIO, "config", "starsend_config.json and the environment can be read")
    except StarsendError as wrong:
        yield Finding.of_error(STUDIO, "config", wrong)
    yield from machine_checks.check_codecs(STUDIO)
    try:
        temporary = Path(tempfile.gettempdir())
    except OSError:
        yield Finding("fail", STUDIO, "temp", "no folder for temporary files can be written", "set TMPDIR")
    else:
        yield machine_checks.check_room(STUDIO, "temp", temporary)


def _settings_of(place: Place) -> tuple[Settings | None, Finding]:
    of = _named(place)
    try:
        settings = load_settings(place.root, place.folder)
    except StarsendError as wrong:
        return None, Finding.of_error(of, "config", wrong)
    image, video = settings.image, settings.video
    who = f"pictures by {image.provider}/{image.model}, takes by {video.provider}/{video.model}"
    return settings, Finding("ok", of, "config", who)


def _providers(
    place: Place, settings: Settings, clock: Clock, asked: dict[tuple[str, str], list[Finding]]
) -> Iterator[Finding]:
    """``asked``: what is known of a host already; one is asked once, however many projects there are."""
    yield vendor_checks.check_opens(place, settings, "image")
    yield vendor_checks.check_opens(place, settings, "video")
    for name in dict.fromkeys((settings.image.provider, settings.video.provider)):
        yield from vendor_checks.check_key_files(name)
        host = (name, str(settings.options_of(name)))
        if host not in asked:
            asked[host] = vendor_checks.check_host(name, settings, clock)
        yield from asked[host]


def _project(place: Place, settings: Settings | None) -> Iterator[Finding]:
    of = _named(place)
    if settings:
        yield from vendor_checks.check_prices(of, settings)
        yield vendor_checks.check_limits(of, settings)
    yield _brief(place)
    yield machine_checks.check_room(of, "disk", place.folder)
    state = place.folder / "state"
    for name, folder in (("state", state), ("media", place.folder / "media")):
        yield machine_checks.check_writable(of, name, folder)
    yield from machine_checks.check_file_system(of, state)
    yield machine_checks.check_database(of, "journal", place.client / "journal.db")
    if settings:
        yield _ledger(place, settings)
    drives = "a daemon drives this project" if daemon_drives(place) else "none runs; commands do the work"
    yield Finding("ok", of, "daemon", drives)


def _brief(place: Place) -> Finding:
    of, path = _named(place), place.file.path
    try:
        sequences = read_json(path, what="brief", remedy="write one: docs/guide.md").get("sequences")
        if not isinstance(sequences, dict):
            return Finding("fail", of, "brief", f"{path}: it has no sequences", "write some: docs/guide.md")
        check_sequences(sequences, path)
    except MissingFile as none:
        if (place.folder / "shots.json").is_file():
            return Finding("ok", of, "brief", "there is none; shots.json is the house line's")
        return Finding.of_error(of, "brief", none)
    except StarsendError as wrong:
        return Finding.of_error(of, "brief", wrong)
    return Finding("ok", of, "brief", f"sequences that can be read: {len(sequences)}")


def _ledger(place: Place, settings: Settings) -> Finding:
    """Is the ledger whole, of our schema, and the one that the documents cite?"""
    of, (_url, file) = _named(place), ledger_at(place, settings)
    found = Finding("ok", of, "ledger", "PostgreSQL answers, and it is of our schema")
    if file is not None:
        found = machine_checks.check_database(of, "ledger", file)
        if found.level != "ok":
            return found
    try:
        sequences = as_kept(place)
    except (StarsendError, OSError):  # the brief's fault or the journal's, and told as theirs
        sequences = {}
    try:
        with look_at_store(place, settings, cited_by(sequences)):
            return found
    except StarsendError as wrong:
        return Finding.of_error(of, "ledger", wrong)
    except OSError as error:
        return machine_checks.refused(of, "ledger", place.folder / "state", error)


def _named(place: Place) -> str:
    return f"project {place.name}"
