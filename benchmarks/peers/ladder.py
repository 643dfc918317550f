"""The bitrate ladder that many converters use: encode, look at the size, lower the bitrate, again.

Arguments: ffmpeg, source, target, wanted bytes, first video bitrate (bit/s), audio bitrate (bit/s),
preset. Prints the number of encodes.
"""

import subprocess
import sys
from pathlib import Path

STEP = 0.9
MOST = 40


def main() -> None:
    """Lower by a tenth until it fits."""
    ffmpeg, source, target = sys.argv[1:4]
    wanted, rate, audio = map(int, sys.argv[4:7])
    encodes = 0
    while encodes < MOST:
        encodes += 1
        arguments = ["-c:v", "libx264", "-preset", sys.argv[7], "-b:v", str(rate), "-c:a", "aac", "-b:a", str(audio), "-movflags", "+faststart"]
        subprocess.run([ffmpeg, "-v", "error", "-nostdin", "-y", "-i", source, *arguments, target], check=True)
        if Path(target).stat().st_size <= wanted:
            break
        rate = int(rate * STEP)
    print(encodes)


main()
