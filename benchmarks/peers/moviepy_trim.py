"""A cut the way MoviePy's documentation makes one: source, target, start, seconds."""

import sys

from moviepy import VideoFileClip


def main() -> None:
    """Cut and write with MoviePy's defaults (H.264 and AAC)."""
    source, target = sys.argv[1:3]
    start, seconds = map(float, sys.argv[3:5])
    VideoFileClip(source).subclipped(start, start + seconds).write_videofile(target, logger=None, audio_codec="aac")


main()
