"""Taking in a file that somebody has saved: all of it, or nothing and the reason."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from client_async import edit_answers
from client_async.draft import Draft
from client_async.found import Found
from client_async.journal import Journal, Rendered
from client_async.merge import Differences, Edit, differences, overwritten_reports
from client_async.ownership import BESIDE, Raw, brief_of, canonical, same
from client_async.picks import grid_seen_by
from client_async.review import merged_review
from client_async.saved_file import SavedFile, unwritable
from client_async.whole_file import Contents
from client_async.wishes import fault_of_wish, is_note_alone, take_pick

CHECKED_AT_ONCE = 200
MENDING = {"prompt", "shots", "split", "elements", "aspect_ratio"}
"""Who changes one of these in a sequence that has failed wants it tried again."""


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
        found = Found(self._iso(), owed=not displaced and named != self._revision)
        draft, top = Draft(self._bodies, self._path), self._top()
        told = self._differences(saved, top, displaced=displaced)
        self._apply_beside([edit for edit in told.edits if edit.name == BESIDE], top, found)
        self._apply([edit for edit in told.edits if edit.name != BESIDE], draft, found, saved)
        if not displaced:
            edit_answers.answer_undone(told, draft, top, found)
            if named is not None:
                edit_answers.answer_omissions(told, draft, top, found)
        found.owed |= bool(told.omitted or told.left_out)
        if named is not None:
            found.applied = [(named, e.name, e.field, canonical(e.value)) for e in told.edits]
        found.changed = draft.changed()
        return found

    # ---------------------------------------------------------------------------------------------- reading

    def _differences(self, saved: SavedFile, top: Raw, *, displaced: bool) -> Differences:
        assert self._revision is not None
        named, sequences = saved.named, saved.sequences
        if named is not None and named < self._journal.oldest_revision():
            raise saved.bad_revision(f"revision {named} is too old to tell what was changed in it")
        touched = self._journal.edited(named) if named is not None else set()
        base = self._unnamed(saved) if named is None else self._journal.shown(named)
        base.setdefault(BESIDE, Rendered(canonical(top), None))
        as_shown = not displaced and named == self._revision
        # What is as it stands needs no look where it was shown so; else somebody has typed what we had not yet shown, and it
        # must be known for theirs when the same buffer is saved again.
        same_as_now = {
            n
            for n, body in sequences.items()
            if body is self._bodies.get(n)
            and n not in touched
            and (named is None or (as_shown and self._versions[n] <= self._shown))
        }
        others = {name: orjson.loads(body) for name, body in sequences.items() if name not in same_as_now}
        told = differences(
            {BESIDE: saved.beside, **{name: brief_of(raw) for name, raw in others.items()}},
            {name: shown for name, shown in base.items() if name not in same_as_now},
            history=lambda name, wish: self._journal.applied(named or 0, name, wish),
            touched=touched,
            in_turn=named == self._revision - displaced,
        )
        for name, raw in others.items():
            # A new sequence is often a copy of another: what the daemon had reported of that one is nobody's edit.
            if as_shown and name in self._bodies and self._versions[name] <= self._shown:
                told.reported += overwritten_reports(name, raw, orjson.loads(self._bodies[name]))
        return told

    def _unnamed(self, saved: SavedFile) -> dict[str, Rendered]:
        """For a save that names no revision: everything as it stands, with the grids that its writer can have seen."""
        base, at = {}, self._time_of(saved).timestamp()
        for name, body in self._bodies.items():
            raw = orjson.loads(body)
            base[name] = Rendered(canonical(brief_of(raw)), grid_seen_by(raw, at))
        return base

    def _top(self) -> Raw:
        """What lies beside the sequences."""
        kept = self._journal.get("top")
        top: Raw = orjson.loads(kept) if isinstance(kept, bytes) else {}
        return top

    def _time_of(self, saved: SavedFile) -> datetime:
        """When the file was saved; its machine's clock may be ahead of ours."""
        return datetime.fromtimestamp(min(saved.saved, self._now), UTC)

    # ---------------------------------------------------------------------------------------------- applying

    def _apply_beside(self, edits: list[Edit], top: Raw, found: Found) -> None:
        for edit in edits:
            edit_answers.tell_conflict(edit, top, found)
            top[edit.field] = edit.value
        if edits:
            found.top, found.owed = orjson.dumps(top), True

    def _apply(self, edits: list[Edit], draft: Draft, found: Found, saved: SavedFile) -> None:
        picks = []
        regrids = set()
        for edit in edits:
            raw = draft[edit.name] if edit.name in draft else draft.add(edit.name)
            if edit.field == "selected_cell":
                picks.append((edit, raw.get("selected_cell")))
            elif why := fault_of_wish(edit, raw, saved.sequences[edit.name]):
                found.refuse(edit.name, raw, "edit_ignored", f"{why}: nothing was done")
                continue
            elif edit.field == "review":
                raw["review"] = self._reviewed(edit, raw, found, saved)
                continue
            else:
                edit_answers.tell_conflict(edit, raw, found)
                if edit.field in MENDING and raw.get("grid_state") == "failed":
                    raw["resume"] = True
                if edit.field == "regrid" and edit.value is True:
                    regrids.add(edit.name)
            raw[edit.field] = edit.value
        self._check(draft, edits, saved)
        for edit in edits:
            edit_answers.ask_about_spelling(edit.name, draft[edit.name], {edit.field: edit.value}, found)
        for edit, before in picks:
            raw = draft[edit.name]
            raw["selected_cell"] = before
            take_pick(edit, raw, found, by=saved.owner, at=self._time_of(saved))
            if edit.name in regrids and not raw["regrid"]:
                text = "selected_cell and regrid were set at once: the pick holds, and no other grid is drawn"
                found.refuse(edit.name, raw, "edit_ignored", text)
        for edit in edits:
            if is_note_alone(edit, draft[edit.name]):
                text = (
                    'regrid_note is kept, and asks for nothing by itself: "regrid": true draws another grid'
                )
                found.refuse(edit.name, draft[edit.name], "edit_ignored", text)

    def _reviewed(self, edit: Edit, raw: Raw, found: Found, saved: SavedFile) -> Any:  # noqa: ANN401 - JSON
        """What people say of takes, note by note: nobody's save takes out what others have written since."""
        told = self._journal.applied(saved.named, edit.name, "review") if saved.named is not None else []
        earlier = [orjson.loads(value) for value in told]
        merged, words = merged_review(edit.value, edit.before, raw.get("review"), earlier)
        found.owed |= not same(merged, edit.value)  # the file lacks what others have written
        for text in words:
            found.tell(edit.name, raw, text)
        return merged

    def _check(self, draft: Draft, edits: list[Edit], saved: SavedFile) -> None:
        """Everything that was touched is still a sequence. Raises BadDocument with line and JSON path."""
        # A new sequence that says nothing has no edits.
        new = dict.fromkeys(name for name in saved.sequences if name not in self._bodies)
        names = dict.fromkeys(edit.name for edit in edits) | new
        if names:
            saved.check({name: draft.add(name) if name in new else draft[name] for name in names})
            saved.check_names(list(new), list(draft))

    # ---------------------------------------------------------------------------------------------- adopting

    def _adopt(self, saved: SavedFile) -> Found:
        """There is no journal, or it is older than the file: the file is the truth, the daemon's fields included."""
        named, sequences = saved.named, saved.sequences
        names = list(sequences)
        saved.check_names(names, names)
        top = self._top() | saved.beside
        found = Found(self._iso(), top=orjson.dumps(top), owed=named is None)
        briefs: list[tuple[str, str | None, bytes]] = [(BESIDE, None, canonical(top))]
        # Models of all at once take ten times the document's room; what has been read is let go of as it is turned into bytes.
        for begin in range(0, len(names), CHECKED_AT_ONCE):
            some = {
                name: orjson.loads(sequences.pop(name)) for name in names[begin : begin + CHECKED_AT_ONCE]
            }
            saved.check(some)
            draft = Draft(self._bodies, self._path)
            for name, raw in some.items():
                briefs.append((name, raw.get("grid_id"), canonical(brief_of(raw))))
                mine = draft[name] if name in draft else draft.add(name)
                self._adopt_one(mine, name, raw, found, saved)
                edit_answers.ask_about_spelling(name, mine, brief_of(raw), found)
            found.changed |= draft.changed()
        found.adopted = (max(named or 0, self._revision or 0), self._now, briefs)
        return found

    def _adopt_one(self, mine: Raw, name: str, raw: Raw, found: Found, saved: SavedFile) -> None:
        mine.clear()
        mine.update(raw)
        cell, pick = raw.get("selected_cell"), raw.get("pick")
        if cell is not None and raw.get("grid_id") and (not pick or pick.get("cell") != cell):
            mine["selected_cell"] = None
            edit = Edit(name, "selected_cell", cell, None, raw["grid_id"])
            take_pick(edit, mine, found, by=saved.owner, at=self._time_of(saved))

    def _iso(self) -> str:
        return datetime.fromtimestamp(self._now, UTC).isoformat(timespec="seconds")
