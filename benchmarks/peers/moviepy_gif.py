"""A GIF the way MoviePy's documentation makes one; runs under either MoviePy, in the peer's own venv.

Arguments: source, target, start, seconds, width, height, frames per second.
"""

import sys

try:
    from moviepy import VideoFileClip
except ImportError:  # before 2.0
    from moviepy.editor import VideoFileClip


def main() -> None:
    """Cut, scale to cover, crop to the centre, write."""
    source, target = sys.argv[1:3]
    start, seconds, width, height, fps = map(float, sys.argv[3:8])
    clip = VideoFileClip(source, audio=False)
    new = hasattr(clip, "subclipped")
    clip = clip.subclipped(start, start + seconds) if new else clip.subclip(start, start + seconds)
    scale = max(width / clip.w, height / clip.h)
    clip = clip.resized(scale) if new else clip.resize(scale)
    box = {"x_center": clip.w / 2, "y_center": clip.h / 2, "width": int(width), "height": int(height)}
    if new:
        clip = clip.cropped(**box)
    else:
        from moviepy.video.fx.crop import crop

        clip = crop(clip, **box)
    options = {} if new else {"program": "imageio"}
    clip.write_gif(target, fps=int(fps), logger=None, loop=0, **options)


main()
