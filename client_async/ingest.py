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
from client_async.ownership import SCHEMA, News, Raw, add_notice, brief_of, canonical, exact, same, spelt
from client_async.picks import BadPick, grid_seen_by, record_pick, withdraw_pick
from starsend.errors import BadInput
from starsend.json_file import MEND, line_of, parse_json

CHECKED_AT_ONCE = 200
MENDING = {"prompt", "shots", "elements", "aspect_ratio"}
"""Who changes one of these in a sequence that has failed wants it tried again."""


class BadShape(BadInput):
    """The document is JSON but not a document of sequences."""

    def __init__(self, path: Path, data: bytes, loc: tuple[str, ...], what: str) -> None:
        where = f"{path}:{line_of(data.decode('utf-8-sig'), loc)}" + (f": {'.'.join(loc)}" if loc else "")
        super().__init__(what, where=where, remedy=MEND)


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
        try:
            document = parse_json(contents.data, self._path, inside="sequences", pack=self._packed)
            return self._take(document, contents, displaced=displaced)
        except orjson.JSONEncodeError as wrong:  # whole numbers past 64 bits, nesting past 250 levels
            raise BadShape(self._path, contents.data, (), f"it cannot be written again ({wrong})") from wrong

    def _packed(self, name: str, raw: Any) -> Any:  # noqa: ANN401 - any JSON
        """A sequence as JSON: the very bytes that are kept, where it says the same. What is no object stays what it is."""
        if not isinstance(raw, dict):
            return raw
        body, kept = spelt(raw), self._bodies.get(name)
        return kept if body == kept else exact(body)

    def _take(self, document: Raw, contents: Contents, *, displaced: bool) -> Found:
        named, sequences = self._shape(document, contents.data)
        if self._revision is None or (named is not None and named > self._revision and not displaced):
            return self._adopt(document, contents, named)
        found = Found(top=self._top(document), owed=not displaced and named != self._revision)
        draft = Draft(self._bodies, self._path)
        told = self._differences(sequences, named, contents, displaced=displaced)
        self._apply(told.edits, draft, found, contents)
        if not displaced:
            self._answer(told, draft, found)
        if told.omitted:
            found.owed = True
        if named is not None:
            found.applied = [(named, e.name, e.field, canonical(e.value)) for e in told.edits]
        found.changed = draft.changed()
        return found

    # ---------------------------------------------------------------------------------------------- reading

    def _shape(self, document: Raw, data: bytes) -> tuple[int | None, dict[str, bytes]]:
        """The revision that the document names, and its sequences, packed. Raises BadShape."""
        head = document.get("_starsend", {})
        if not isinstance(head, dict) or head.get("schema", SCHEMA) != SCHEMA:
            raise BadShape(self._path, data, ("_starsend", "schema"), f"this Starsend reads {SCHEMA!r}")
        named = head.get("revision")
        if named is not None and (isinstance(named, bool) or not isinstance(named, int) or named < 0):
            what = f"a whole number is needed, this is {named!r:.40}; take the line out if you do not know it"
            raise BadShape(self._path, data, ("_starsend", "revision"), what)
        sequences = document.get("sequences")
        if not isinstance(sequences, dict):
            raise BadShape(self._path, data, ("sequences",), 'an object {"SEQ01": {...}} is needed')
        for name, sequence in sequences.items():
            if not isinstance(sequence, bytes):
                what = f"an object is needed, this is {sequence!r:.40}"
                raise BadShape(self._path, data, ("sequences", name), what)
        return named, sequences

    def _differences(
        self,
        sequences: Mapping[str, bytes],
        named: int | None,
        contents: Contents,
        *,
        displaced: bool,
    ) -> Differences:
        assert self._revision is not None
        if named is not None and named < self._journal.oldest_revision():
            what = f"revision {named} is too old to tell what was changed in it"
            raise BadShape(self._path, contents.data, ("_starsend", "revision"), what)
        touched = self._journal.edited(named) if named is not None else set()
        base = self._unnamed(contents) if named is None else self._journal.shown(named)
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

    def _unnamed(self, contents: Contents) -> dict[str, Rendered]:
        """For a save that names no revision: everything as it stands, with the grids that its writer can have seen."""
        base = {}
        saved = min(contents.identity.mtime_ns / 1e9, self._now)  # its machine's clock may be ahead of ours
        for name, body in self._bodies.items():
            raw = orjson.loads(body)
            base[name] = Rendered(canonical(brief_of(raw)), grid_seen_by(raw, saved))
        return base

    def _top(self, document: Raw) -> bytes | None:
        """What lies beside the sequences, when it differs from what was there."""
        kept = self._journal.get("top")
        before: Raw = orjson.loads(kept) if isinstance(kept, bytes) else {}
        now = before | {
            key: value for key, value in document.items() if key not in ("_starsend", "sequences")
        }
        return None if now == before else orjson.dumps(now)

    # ---------------------------------------------------------------------------------------------- applying

    def _apply(self, edits: list[Edit], draft: Draft, found: Found, contents: Contents) -> None:
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
        self._check(draft, edits, contents.data)
        for edit, before in picks:
            self._pick(edit, draft[edit.name], before, found, contents.owner)

    def _check(self, draft: Draft, edits: list[Edit], data: bytes) -> None:
        """Everything that was touched is still a sequence. Raises BadDocument with line and JSON path."""
        names = dict.fromkeys(edit.name for edit in edits)
        if not names:
            return
        from client_async.sequences import check_names  # start-up: without an edit nobody needs models

        self._check_each({name: draft[name] for name in names}, data)
        check_names([name for name in names if name not in self._bodies], list(draft), self._path)

    def _check_each(self, sequences: Mapping[str, Raw], data: bytes) -> None:
        from client_async.sequences import check_sequences

        try:
            check_sequences(sequences, self._path)
        except BadInput:  # told again, with the line: the text of a large file is made only for that
            check_sequences(sequences, self._path, data.decode("utf-8-sig"))
            raise

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

    def _adopt(self, document: Raw, contents: Contents, named: int | None) -> Found:
        """There is no journal, or it is older than the file: the file is the truth, the daemon's fields included."""
        from client_async.sequences import check_names

        sequences: dict[str, bytes] = document["sequences"]
        names = list(sequences)
        check_names(names, names, self._path)
        found = Found(top=self._top(document), owed=named is None)
        briefs: list[tuple[str, str | None, bytes]] = []
        # Models of all at once take ten times the document's room; what has been read is let go of as it is turned into bytes.
        for begin in range(0, len(names), CHECKED_AT_ONCE):
            some = {
                name: orjson.loads(sequences.pop(name)) for name in names[begin : begin + CHECKED_AT_ONCE]
            }
            self._check_each(some, contents.data)
            draft = Draft(self._bodies, self._path)
            for name, raw in some.items():
                briefs.append((name, raw.get("grid_id"), canonical(brief_of(raw))))
                self._adopt_one(
                    draft[name] if name in draft else draft.add(name), name, raw, found, contents.owner
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
