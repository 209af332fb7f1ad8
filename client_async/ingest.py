"""Taking in a file that somebody has saved: all of it, or nothing and the reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from client_async.draft import Draft
from client_async.face import Contents
from client_async.journal import Journal, Rendered
from client_async.merge import Differences, Edit, differences, overwritten_reports
from client_async.ownership import News, Raw, add_notice, brief_of, canonical, same
from client_async.picks import BadPick, grid_seen_by, record_pick, withdraw_pick
from client_async.saved_file import SavedFile, unwritable

CHECKED_AT_ONCE = 200
MENDING = {"prompt", "shots", "elements", "aspect_ratio"}
"""Who changes one of these in a sequence that has failed wants it tried again."""


@dataclass(slots=True)
class Found:
    """What a save means for the journal. ``owed``: the file says something that is not so, and must be rendered again."""

    changed: dict[str, bytes] = field(default_factory=dict)
    news: list[News] = field(default_factory=list)
    owed: bool = False
    applied: list[tuple[int, str, str, bytes]] = field(default_factory=list)
    top: bytes | None = None
    adopted: tuple[int, float, list[tuple[str, str | None, bytes]]] | None = None

    def note(self, journal: Journal) -> None:
        """Write down what was found, inside a transaction."""
        for edit in self.applied:
            journal.apply(*edit)
        if self.top is not None:
            journal.keep("top", self.top)
        if self.adopted is not None:
            journal.show(*self.adopted)
            journal.keep("revision", self.adopted[0])


class Ingest:
    """Reads one saved file against the journal. Keeps nothing by itself.

    Args:
        bodies, versions: the sequences as they stand.
        shown: the newest version that the face shows.
        now: seconds since the epoch.
    """

    def __init__(
        self,
        journal: Journal,
        bodies: Mapping[str, bytes],
        versions: Mapping[str, int],
        *,
        shown: int,
        path: Path,
        now: float,
    ) -> None:
        self._journal = journal
        self._bodies = bodies
        self._versions = versions
        self._shown = shown
        self._path = path
        self._now = now
        known = journal.get("revision")
        self._revision = known if isinstance(known, int) else None

    def take(self, contents: Contents, *, displaced: bool) -> Found:
        """What the file says that was not known. ``displaced``: a render of ours has taken its place since.

        Raises BrokenJson, BadShape, BadDocument: nothing of it is taken.
        """
        saved = SavedFile.read(contents, self._path, self._bodies)
        try:
            return self._take(saved, displaced=displaced)
        except orjson.JSONEncodeError as wrong:
            raise unwritable(self._path, contents.data, wrong) from wrong

    def _take(self, saved: SavedFile, *, displaced: bool) -> Found:
        named = saved.named
        if self._revision is None or (named is not None and named > self._revision and not displaced):
            return self._adopt(saved)
        found = Found(top=self._top(saved), owed=not displaced and named != self._revision)
        draft = Draft(self._bodies, self._path)
        told = self._differences(saved, displaced=displaced)
        self._apply(told.edits, draft, found, saved)
        if not displaced:
            self._answer(told, draft, found)
        if told.omitted:
            found.owed = True
        if named is not None:
            found.applied = [(named, e.name, e.field, canonical(e.value)) for e in told.edits]
        found.changed = draft.changed()
        return found

    # ---------------------------------------------------------------------------------------------- reading

    def _differences(self, saved: SavedFile, *, displaced: bool) -> Differences:
        assert self._revision is not None
        named, sequences = saved.named, saved.sequences
        if named is not None and named < self._journal.oldest_revision():
            raise saved.bad_revision(f"revision {named} is too old to tell what was changed in it")
        touched = self._journal.edited(named) if named is not None else set()
        base = self._unnamed(saved) if named is None else self._journal.shown(named)
        as_shown = not displaced and named == self._revision
        same_as_now = {n for n, body in sequences.items() if n not in touched and body is self._bodies.get(n)}
        others = {name: orjson.loads(body) for name, body in sequences.items() if name not in same_as_now}
        told = differences(
            others,
            {name: shown for name, shown in base.items() if name not in same_as_now},
            decode=orjson.loads,
            history=lambda name, wish: self._journal.applied(named or 0, name, wish),
            touched=touched,
            in_turn=named == self._revision - displaced,
        )
        for name, raw in others.items():
            if name not in self._bodies:
                told.reported += overwritten_reports(name, raw, {})
            elif as_shown and self._versions[name] <= self._shown:
                told.reported += overwritten_reports(name, raw, orjson.loads(self._bodies[name]))
        return told

    def _unnamed(self, saved: SavedFile) -> dict[str, Rendered]:
        """For a save that names no revision: everything as it stands, with the grids that its writer can have seen."""
        base = {}
        at = min(saved.saved, self._now)  # its machine's clock may be ahead of ours
        for name, body in self._bodies.items():
            raw = orjson.loads(body)
            base[name] = Rendered(canonical(brief_of(raw)), grid_seen_by(raw, at))
        return base

    def _top(self, saved: SavedFile) -> bytes | None:
        """What lies beside the sequences, when it differs from what was there."""
        kept = self._journal.get("top")
        before: Raw = orjson.loads(kept) if isinstance(kept, bytes) else {}
        now = before | saved.beside
        return None if now == before else orjson.dumps(now)

    # ---------------------------------------------------------------------------------------------- applying

    def _apply(self, edits: list[Edit], draft: Draft, found: Found, saved: SavedFile) -> None:
        picks = []
        for edit in edits:
            raw = draft[edit.name] if edit.name in draft else draft.add(edit.name)
            if edit.field == "selected_cell":
                picks.append((edit, raw.get("selected_cell")))
            elif edit.field == "regrid" and edit.value is True and edit.grid != raw.get("grid_id"):
                why = f"regrid was asked of {edit.grid}, which has been replaced by {raw.get('grid_id')}: nothing was done"
                self._refuse(edit.name, raw, "edit_ignored", why, found)
                continue
            else:
                self._conflict(edit, raw, found)
                if edit.field in MENDING and raw.get("grid_state") == "failed":
                    raw["resume"] = True
            raw[edit.field] = edit.value
        self._check(draft, edits, saved)
        for edit, before in picks:
            self._pick(edit, draft[edit.name], before, found, saved.owner)

    def _check(self, draft: Draft, edits: list[Edit], saved: SavedFile) -> None:
        """Everything that was touched is still a sequence. Raises BadDocument with line and JSON path."""
        # A new sequence that says nothing has no edits.
        new = dict.fromkeys(name for name in saved.sequences if name not in self._bodies)
        names = dict.fromkeys(edit.name for edit in edits) | new
        if not names:
            return
        from client_async.sequences import check_names  # start-up: without an edit nobody needs models

        saved.check({name: draft.add(name) if name in new else draft[name] for name in names})
        check_names(list(new), list(draft), self._path)

    def _pick(self, edit: Edit, raw: Raw, before: object, found: Found, by: str) -> None:
        raw["selected_cell"] = before
        if edit.value is None:
            withdraw_pick(raw, by)
            return
        try:
            if edit.grid is None:
                raise BadPick(
                    "the file was edited before there was a grid to pick from",
                    where=edit.name,
                    remedy="look at the grid and pick again",
                )
            pick = record_pick(
                raw, edit.name, edit.value, by=by, via="sequences.json", at=self._moment(), grid=edit.grid
            )
        except BadPick as stale:
            self._refuse(edit.name, raw, "pick_refused", str(stale), found)
            return
        if before is not None and not same(before, edit.before) and not same(before, pick["cell"]):
            self._tell(
                edit.name,
                raw,
                f"cell {before} was picked meanwhile; cell {pick['cell']} by {by} came later and holds",
                found,
            )

    def _conflict(self, edit: Edit, raw: Raw, found: Found) -> None:
        now = raw.get(edit.field)
        if not same(now, edit.before) and not same(now, edit.value):
            text = f"{edit.field} was {_short(now)} by then; {_short(edit.value)} came later and holds"
            self._tell(edit.name, raw, text, found)

    def _answer(self, told: Differences, draft: Draft, found: Found) -> None:
        """Say what was not done of what the file seems to ask."""
        for edit in told.repeated:
            raw = draft[edit.name]
            if not same(raw.get(edit.field), edit.value):
                text = f"{edit.field} {_short(edit.value)} was applied before and has changed since: load the file again to change it"
                self._refuse(edit.name, raw, "edit_ignored", text, found)
        for name, reported in told.reported:
            text = f"{reported} is the daemon's to write: the edit was ignored"
            self._refuse(name, draft[name], "edit_ignored", text, found)

    def _refuse(self, name: str, raw: Raw, kind: str, text: str, found: Found) -> None:
        found.owed = True
        found.news.append(News(name, kind, text))
        add_notice(raw, self._iso(), text)

    def _tell(self, name: str, raw: Raw, text: str, found: Found) -> None:
        found.news.append(News(name, "edit_conflict", text))
        add_notice(raw, self._iso(), text)

    # ---------------------------------------------------------------------------------------------- adopting

    def _adopt(self, saved: SavedFile) -> Found:
        """There is no journal, or it is older than the file: the file is the truth, the daemon's fields included."""
        from client_async.sequences import check_names

        named, sequences = saved.named, saved.sequences
        names = list(sequences)
        check_names(names, names, self._path)
        found = Found(top=self._top(saved), owed=named is None)
        briefs: list[tuple[str, str | None, bytes]] = []
        # Models of all at once take ten times the document's room; what has been read is let go of as it is turned into bytes.
        for begin in range(0, len(names), CHECKED_AT_ONCE):
            some = {
                name: orjson.loads(sequences.pop(name)) for name in names[begin : begin + CHECKED_AT_ONCE]
            }
            saved.check(some)
            draft = Draft(self._bodies, self._path)
            for name, raw in some.items():
                briefs.append((name, raw.get("grid_id"), canonical(brief_of(raw))))
                self._adopt_one(
                    draft[name] if name in draft else draft.add(name), name, raw, found, saved.owner
                )
            found.changed |= draft.changed()
        found.adopted = (max(named or 0, self._revision or 0), self._now, briefs)
        return found

    def _adopt_one(self, mine: Raw, name: str, raw: Raw, found: Found, by: str) -> None:
        mine.clear()
        mine.update(raw)
        cell, pick = raw.get("selected_cell"), raw.get("pick")
        if cell is not None and raw.get("grid_id") and (not pick or pick.get("cell") != cell):
            mine["selected_cell"] = None
            self._pick(Edit(name, "selected_cell", cell, None, raw["grid_id"]), mine, None, found, by)

    def _moment(self) -> datetime:
        return datetime.fromtimestamp(self._now, UTC)

    def _iso(self) -> str:
        return self._moment().isoformat(timespec="seconds")


def _short(value: Any) -> str:  # noqa: ANN401 - JSON
    text = orjson.dumps(value).decode()
    return text if len(text) <= 60 else f"{text[:57]}..."
