"""The Chrome kit: what is in the archive, what the manifests say, and that the colours can be read."""

from __future__ import annotations

import json
import random
import shutil
import zipfile
from pathlib import Path

import pytest

from converter.engine import chromekit, run
from converter.engine.chromekit import colours
from converter.engine.errors import MediaError
from converter.engine.gif import inspect_gif
from converter.engine.operations import get
from converter.engine.operations.chrome_kit import MEMBERS
from converter.engine.probe import inspect
from converter.engine.tests import making

SMALL = {"duration": 1.0, "width": 160, "height": 90, "fps": 12.0, "title": "Street"}


@pytest.fixture(scope="module")
def kit(media_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> run.Result:
    """A small kit of a real clip."""
    return making.execute("chrome_kit", [media_dir / "car_432p_12fps.mp4"], SMALL, tmp_path_factory.mktemp("kit"))


def test_the_archive_holds_three_ways_and_the_facts(kit: run.Result, tmp_path: Path) -> None:
    assert kit.media.kind == "archive" and kit.path.suffix == ".zip"
    with zipfile.ZipFile(kit.path) as archive:
        assert tuple(archive.namelist()) == MEMBERS
        archive.extractall(tmp_path)
    info = inspect_gif(tmp_path / "background.gif")
    assert (info.width, info.height, info.frames, sum(info.delays_cs), info.loop) == (160, 90, 12, 100, 0)
    assert (tmp_path / "theme/images/background.gif").read_bytes() == (tmp_path / "background.gif").read_bytes()
    film = inspect(tmp_path / "newtab/background.webm", "background.webm")
    assert (film.container, film.video and (film.video.width, film.video.codec), film.audio) == ("webm", (160, "vp9"), None)
    theme, page = (json.loads((tmp_path / folder / "manifest.json").read_text()) for folder in ("theme", "newtab"))
    assert (theme["manifest_version"], theme["name"]) == (3, "Street (theme)")
    assert (tmp_path / "theme" / theme["theme"]["images"]["theme_ntp_background"]).is_file()
    assert (tmp_path / "newtab" / page["chrome_url_overrides"]["newtab"]).is_file()
    for words, ground in chromekit.PAIRS.items():
        pair = (tuple(theme["theme"]["colors"][key]) for key in (words, ground))
        assert chromekit.contrast(*pair) >= chromekit.LEAST_CONTRAST
    readme = (tmp_path / "README.txt").read_text()
    assert "STILL picture" in readme and "Load unpacked" in readme and "160 x 90" in readme
    html = (tmp_path / "newtab/newtab.html").read_text()
    assert "<script>" not in html and " on" not in html and " style=" not in html  # an extension may run no inline script


def test_the_same_clip_gives_the_same_colours_again(kit: run.Result, media_dir: Path, tmp_path: Path) -> None:
    again = making.execute("chrome_kit", [media_dir / "car_432p_12fps.mp4"], SMALL, tmp_path)
    with zipfile.ZipFile(kit.path) as one, zipfile.ZipFile(again.path) as other:
        assert one.read("theme/manifest.json") == other.read("theme/manifest.json")


@pytest.mark.parametrize("seed", range(60))
def test_every_picture_gives_colours_that_can_be_read(seed: int) -> None:
    chance = random.Random(seed)
    raw = bytes(chance.randrange(256) for _ in range(3 * 40)) if seed % 3 else bytes([chance.randrange(256) for _ in range(3)]) * 20
    found = chromekit.theme_colours(raw)
    assert set(found) >= {*chromekit.PAIRS, *chromekit.PAIRS.values()}
    assert all(chromekit.contrast(found[words], found[ground]) >= chromekit.LEAST_CONTRAST for words, ground in chromekit.PAIRS.items())


def test_the_strongest_hue_is_taken_and_grey_stays_grey() -> None:
    assert chromekit.dominant(bytes((200, 20, 20)) * 5 + bytes((120, 120, 120)) * 20) == (200, 20, 20)
    assert chromekit.dominant(bytes((90, 90, 90)) * 4) == (90, 90, 90)
    assert colours.contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    with pytest.raises(ValueError, match="no pixels"):
        chromekit.dominant(b"")


@pytest.mark.parametrize(
    ("params", "code", "field"),
    [
        ({"width": 3840, "height": 2160}, "too_many_pixels", "width"),
        ({"title": ""}, "bad_parameter", "title"),
        ({"title": 'a"<b>'}, "bad_parameter", "title"),
        ({"duration": 0}, "empty_range", "duration"),
        ({"start": 99}, "start_past_end", "start"),
    ],
)
def test_what_chrome_would_not_take_is_refused(params: dict[str, object], code: str, field: str) -> None:
    with pytest.raises(MediaError) as caught:
        run.plan("chrome_kit", [making.media()], params, "chrome-kit")
    assert (caught.value.code.name, caught.value.field) == (code, field)


def test_without_a_moving_picture_there_is_none() -> None:
    with pytest.raises(MediaError) as caught:
        run.plan("chrome_kit", [making.media(kind="audio", container="mp3", mime="audio/mpeg")], {}, "chrome-kit")
    assert caught.value.code.name == "no_video"


def test_a_kit_that_lies_is_found_out(kit: run.Result, tmp_path: Path) -> None:
    broken = tmp_path / "result.zip"
    with zipfile.ZipFile(kit.path) as before, zipfile.ZipFile(broken, "w") as after:
        for name in before.namelist():
            data = before.read(name)
            if name == "theme/manifest.json":
                manifest = json.loads(data)
                manifest["theme"]["colors"]["tab_text"] = manifest["theme"]["colors"]["toolbar"]
                data = json.dumps(manifest).encode()
            after.writestr(name, data)
    with pytest.raises(MediaError) as caught:
        get("chrome_kit").check(kit.plan, broken, kit.media)
    assert caught.value.code.name == "tool_failed" and "tab_text" in caught.value.log
    shutil.copy(kit.path, broken)
    get("chrome_kit").check(kit.plan, broken, kit.media)
