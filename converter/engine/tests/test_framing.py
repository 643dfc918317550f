"""Sizes, colours and sentences of framing."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageStat

from converter.engine import framing
from converter.engine.errors import MediaError
from converter.engine.framing import Frame
from converter.engine.tests import making


@pytest.mark.parametrize(
    ("source", "asked", "even", "wanted"),
    [
        ((1920, 1080), (None, None), False, (1920, 1080)),
        ((1920, 1080), (640, None), False, (640, 360)),
        ((1080, 1920), (None, 100), False, (56, 100)),
        ((101, 51), (None, None), True, (100, 50)),
        ((1, 1), (None, None), True, (2, 2)),
        ((4000, 2), (16, None), False, (16, 1)),
        ((1920, 1080), (33, 77), True, (32, 76)),
    ],
)
def test_frame_size(source: tuple[int, int], asked: tuple[int | None, int | None], even: bool, wanted: tuple[int, int]) -> None:
    assert framing.frame_size(making.video(*source), *asked, even=even) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"), [("#336699", "336699"), ("336699", "336699"), ("#Fa0", "ffaa00"), ("black", "000000"), ("White", "ffffff")]
)
def test_colours(text: str, wanted: str) -> None:
    assert framing.colour(text, field="bar_colour") == wanted


@pytest.mark.parametrize("text", ["", "#12", "red", "#3366990", "0x0000", "#33669g", "#000,drawtext=textfile=x"])
def test_no_colours(text: str) -> None:
    with pytest.raises(MediaError) as caught:
        framing.colour(text, field="bar_colour")
    assert (caught.value.code.name, caught.value.field) == ("bad_parameter", "bar_colour")


def test_remarks() -> None:
    assert framing.remarks(making.video(), Frame(1280, 720)) == ()
    assert framing.remarks(making.video(1440, 1080), Frame(1280, 720)) == ("The picture is cropped at the top and bottom: 25% of it is not shown.",)
    assert framing.remarks(making.video(1080, 1080), Frame(1280, 720, "contain")) == (
        "There are bars left and right of the picture: 44% of the frame.",
    )
    assert framing.remarks(making.video(1920, 800), Frame(1280, 720, "blur")) == (
        "A blurred copy fills the space above and below the picture: 26% of the frame.",
    )
    assert "enlarged 2.0 times from 640×360" in framing.remarks(making.video(640, 360), Frame(1280, 720))[0]


def render(path: Path, stream: object, frame: Frame, pixel_format: str = "rgb24") -> Image.Image:
    graph = framing.graph(stream, frame, "0:v:0", "out")  # type: ignore[arg-type]
    raw = making.ffmpeg("-i", str(path), "-filter_complex", graph, "-map", "[out]", "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", pixel_format, "-")
    return Image.frombytes("RGB", (frame.width, frame.height), raw)


@pytest.mark.parametrize("size", [(64, 36), (36, 64), (50, 50), (161, 91), (2, 2)])
@pytest.mark.parametrize("fit", ["cover", "contain", "blur"])
def test_any_source_becomes_exactly_the_frame(media_dir: Path, size: tuple[int, int], fit: str) -> None:
    path = making.clip(media_dir, "wide_pixels.mp4")
    stream = making.probe.inspect(path).video
    picture = render(path, stream, Frame(*size, fit, "ff0000"))
    assert picture.size == size
    corner = picture.getpixel((0, 0))
    wide = size[0] / size[1] > 1.9 or size[0] / size[1] < 1.7
    if fit == "contain" and wide and min(size) > 10:
        assert corner == (255, 0, 0)


def test_transparency_lies_over_black(tmp_path: Path) -> None:
    path = tmp_path / "alpha.png"
    Image.new("RGBA", (40, 40), (200, 100, 50, 128)).save(path)
    stream = making.video(40, 40, has_alpha=True)
    assert render(path, stream, Frame(40, 40)).getpixel((20, 20)) == pytest.approx((100, 50, 25), abs=2)


def test_hdr_is_brought_to_sdr(tmp_path: Path) -> None:
    path = tmp_path / "pq.mp4"
    tags = ("-color_trc", "smpte2084", "-color_primaries", "bt2020", "-colorspace", "bt2020nc")
    source = "color=gray:s=64x64:d=0.2,format=yuv420p10le,setparams=color_trc=smpte2084:color_primaries=bt2020:colorspace=bt2020nc"
    making.ffmpeg("-f", "lavfi", "-i", source, "-c:v", "libx265", "-x265-params", "log-level=error", *tags, "-tag:v", "hvc1", str(path))
    stream = making.probe.inspect(path).video
    assert stream is not None
    assert stream.color_transfer == "smpte2084"
    graph = framing.graph(stream, Frame(64, 64), "0:v:0", "out")
    assert "tonemap" in graph
    # Half of PQ's scale is 92 nits: a middle grey, not the white that it is when nothing is done.
    red, green, blue = render(path, stream, Frame(64, 64)).getpixel((32, 32))
    assert 80 < green < 235
    assert abs(red - green) < 12
    assert abs(blue - green) < 12


def test_hd_colours_are_no_darker_than_the_source(media_dir: Path, tmp_path: Path) -> None:
    """A camera's clip in the colours of SD video, as most phones of ten years ago made them."""
    result = making.execute("join", [making.clip(media_dir, making.FLOWER)], {"ranges": [{"start": 0, "end": 0.4}], "width": 320}, tmp_path)
    exact = "scale=160:90:flags=area+accurate_rnd+full_chroma_int+full_chroma_inp"
    before, after = (ImageStat.Stat(making.frames(path, exact)[0]).mean for path in (making.clip(media_dir, making.FLOWER), result.path))
    # Rounded carelessly it was 2.5 levels off.
    assert after == pytest.approx(before, abs=1.5)
