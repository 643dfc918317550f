"""A largest size: never passed whatever comes, met where it can be, and told what it cost."""

from __future__ import annotations

import json
import random
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from converter.engine import gif, probe, run
from converter.engine.config import current
from converter.engine.errors import MediaError
from converter.engine.gif import encoder, inspect_gif, warm
from converter.engine.gif.kernel.budget import STILL_BYTES, TRIES, Budget
from converter.engine.gif.kernel.canvas import LOOSEST
from converter.engine.gif.write import _tell
from converter.engine.tests.making import FLOWER, clip, execute

pytestmark = pytest.mark.xdist_group("gif-kernel")
WIDTH, HEIGHT, FRAMES = 128, 80, 16


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    assert warm.warm(current().kernel_cache)


def scene(kind: str) -> list[np.ndarray]:
    """Pictures as bgr0, some of which are harder at the end than a survey would expect."""
    generator = np.random.default_rng(4)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    found = []
    for turn in range(FRAMES):
        picture = np.stack([x + 2 * turn, 2 * y, (x + y) // 2, 0 * x], axis=-1) % 256
        if kind == "noise at the end" and turn > FRAMES // 2:
            picture[..., :3] = (picture[..., :3] + generator.integers(0, 40, (HEIGHT, WIDTH, 3))) % 256
        if kind == "a box":
            picture = np.full((HEIGHT, WIDTH, 4), 90)
            picture[20:60, 3 * turn : 3 * turn + 40, :3] = generator.integers(0, 256, (40, 40, 3))
        found.append(picture.astype(np.uint8))
    return found


def made(pictures: list[np.ndarray], work: Path, most: int = 0) -> Path | None:
    """The GIF, through the survey where it has a largest size; None where that is refused."""
    height, width, _ = pictures[0].shape
    weights = work / "weights.json"
    if most:
        small = [np.ascontiguousarray(picture[::4, ::4]) for picture in pictures]
        request = encoder.Request(width // 4, height // 4, (4,) * len(small), 0, "balanced", 256, "normal", False, str(weights), survey=True)
        subprocess.run(request.argv(0), input=b"".join(picture.tobytes() for picture in small), check=True)
    target = work / "made.gif"
    request = encoder.Request(
        width, height, (4,) * len(pictures), 0, "balanced", 256, "normal", False, str(target), most=most, weights=str(weights) if most else ""
    )
    data = b"".join(picture.tobytes() for picture in pictures)
    done = subprocess.run(request.argv(0), input=data, check=False, capture_output=True)
    assert done.returncode in ((0, encoder.TOO_SMALL) if most else (0,)), done.stderr
    return None if done.returncode else target


@pytest.mark.parametrize("kind", ["moving", "noise at the end", "a box"])
def test_every_size_is_met_or_refused_and_never_passed(tmp_path: Path, kind: str) -> None:
    pictures = scene(kind)
    whole = made(pictures, tmp_path)
    assert whole is not None
    free = whole.stat().st_size
    misses = []
    for part in (0.7, 0.35, 0.15):
        most = int(free * part)
        target = made(pictures, tmp_path, most)
        if target is None:
            misses.append(-1.0)
            continue
        assert target.stat().st_size <= most
        assert inspect_gif(target).frames == FRAMES
        misses.append(target.stat().st_size / most - 1)
        cost = json.loads((tmp_path / "weights.json").read_text())
        assert 0 <= cost["looser"] <= LOOSEST and 0 <= cost["still"] < FRAMES
    assert sum(miss >= -0.08 for miss in misses) >= 2


@pytest.mark.parametrize("seed", range(8))
def test_a_budget_is_kept_whatever_frames_take(seed: int) -> None:
    """Sizes that have nothing to do with what was foreseen, nor with what is forgiven."""
    generator = random.Random(seed)
    count, most = generator.randrange(1, 60), generator.randrange(4000, 90_000)
    times = [generator.choice((1, 1, 3)) for _ in range(count)]
    budget = Budget(most, times, [generator.randrange(1, 9000) for _ in range(count)], LOOSEST)
    for number in range(count):
        for attempt in range(TRIES):
            size = int(generator.paretovariate(1.1) * 300)
            if budget.accepts(size, attempt):
                budget.spend(size)
                break
        else:
            if budget.hopeless(size):
                assert budget.nearest > 0
                return
            budget.spend(29, forced=True)
        assert budget.left >= STILL_BYTES * sum(times[number + 1 :])


def test_what_it_cost_is_told(media_dir: Path, tmp_path: Path) -> None:
    asked = {"width": 480, "height": 270, "fps": 24, "duration": 2, "max_mb": 0.06}
    plan = run.plan("gif", [probe.inspect(clip(media_dir, FLOWER))], asked)
    assert any("The largest size leaves" in warning for warning in plan.warnings)
    result = execute("gif", [clip(media_dir, FLOWER)], asked, tmp_path)
    assert result.size <= 60_000
    assert any("To stay below" in warning for warning in result.warnings)
    assert gif.inspect_gif(result.path).delays_cs == (4, 4, 4, 4, 4, 5) * 8
    roomy = run.plan("gif", [probe.inspect(clip(media_dir, FLOWER))], {**asked, "max_mb": 5})
    assert not any("The largest size" in warning for warning in roomy.warnings)


class Bench:
    """As much of a workbench as hears what keeping to a size has cost."""

    def __init__(self, work: Path) -> None:
        self.work, self.said = work, list[str]()

    def warn(self, text: str) -> None:
        self.said.append(text)


SHOWS = [(24, 114, True), (24, 116, False), (10, 30, True), (10, 31, False), (12, 42, True), (12, 43, False), (4, 13, False)]


@pytest.mark.parametrize(("rate", "still", "made"), SHOWS)
def test_a_slide_show_is_no_animation(tmp_path: Path, rate: int, still: int, made: bool) -> None:
    frames = 6 * rate
    request = encoder.Request(64, 64, gif.delays(frames, Fraction(rate)), 0, "balanced", 256, "normal", False, "made.gif", most=50_000)
    (tmp_path / "weights.json").write_text(json.dumps({"looser": 9.0, "still": still}))
    bench = Bench(tmp_path)
    if made:
        _tell(request, bench)  # type: ignore[arg-type]
        assert f"{still} of {frames} frames stand still" in bench.said[0]
        return
    with pytest.raises(MediaError) as caught:
        _tell(request, bench)  # type: ignore[arg-type]
    assert (caught.value.code.name, caught.value.field) == ("target_unreachable", "max_mb")
    assert "about 0.0" in caught.value.detail
