"""Are a project's books never mistaken for another's, and never lost with a folder's name?"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from client_async.ledger import NameTaken, look_at_store, open_store
from client_async.projects import Place
from starsend.clock import SystemClock
from starsend.config import Settings
from starsend.errors import StarsendError
from starsend.orchestrator.database import OtherLedger
from tests.unit.studio import Studio

pytestmark = pytest.mark.anyio


async def refused(studio: Studio) -> StarsendError:
    with pytest.raises(OtherLedger, match="Put that one back") as found:
        await studio.advance()
    return found.value


@pytest.mark.parametrize("another", [False, True], ids=["missing", "another"])
async def test_a_ledger_that_does_not_know_the_takes_is_refused(explored: Studio, another: bool) -> None:
    """Missing or replaced beside a journal that cites it: is nothing sent, nothing counted, and nothing made in its place?"""
    file = explored.place.folder / "state" / "execution.db"
    explored.close()
    shutil.copy(file, file.with_name("kept"))
    for left in file.parent.glob("execution.db*"):
        left.unlink()
    if another:
        with open_store(Place(explored.place.root, "other"), Settings(), SystemClock()):
            pass
        (explored.place.root / "projects" / "other" / "state" / "execution.db").rename(file)
    explored.edit(selected_cell=1)
    error = await refused(explored)
    assert str(file) in str(error)
    assert file.exists() == another
    assert explored.bill == ["SEQ01_grid"]
    file.with_name("kept").replace(file)
    assert await explored.advance() is None
    assert explored.bill == ["SEQ01_grid", "SEQ01"]


async def test_a_renamed_project_keeps_its_books(explored: Studio) -> None:
    """Is nothing paid twice, and no cost forgotten, because a folder is called otherwise now?"""
    take = explored.shop.store.takes()[0]
    explored.close()
    renamed = Place(explored.place.root, "renamed")
    explored.place.folder.rename(renamed.folder)
    with open_store(renamed, Settings(), SystemClock()) as store:
        assert (store.project, store.takes()) == ("job", [take])


def test_two_folders_never_share_the_rows_of_one_database(tmp_path: Path) -> None:
    """A copy, or a new project under an old one's first name: is it refused where one database holds them all?"""
    shared = Settings(store_url=f"sqlite:///{tmp_path / 'shared.db'}")
    first, renamed, copy = (Place(tmp_path, name) for name in ("first", "renamed", "copy"))

    def name(place: Place) -> str:
        place.folder.mkdir(parents=True, exist_ok=True)
        with open_store(place, shared, SystemClock()) as store:
            return store.project

    assert name(first) == "first"
    shutil.copytree(first.folder, copy.folder)
    with pytest.raises(NameTaken, match="move it out if it is a copy"):
        name(copy)
    assert name(first) == "first"
    shutil.rmtree(copy.folder)
    first.folder.rename(renamed.folder)
    assert name(renamed) == "first"
    with pytest.raises(NameTaken, match="rename this folder if it is a new project"):
        name(first)
    assert name(renamed) == "first"


@pytest.mark.parametrize("name", ["%41", "a?b", "a#b", "a+b", "a b", "%2e%2e"])
def test_a_ledger_lies_in_its_own_project_whatever_that_is_called(tmp_path: Path, name: str) -> None:
    """A folder whose name means something else in a URL: are its books its own, and nothing written beside it?"""
    place = Place(tmp_path, name)
    (place.folder / "state").mkdir(parents=True)
    with open_store(place, Settings(), SystemClock()) as store:
        assert store.project == name
    with look_at_store(place, Settings(), set()) as shown:
        assert shown is not None
    assert (place.folder / "state" / "execution.db").is_file()
    assert [one.name for one in (tmp_path / "projects").iterdir()] == [name]
