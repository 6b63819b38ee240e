#!/usr/bin/env bash
# imageio-ffmpeg 0.8.1 (ffmpeg 9.0.2), pyloudnorm 0.2.0, pyebur128 0.1.1 (libebur128).
# The loudness range (EBU Tech 3342) of a tone that does not change is 0 LU. ffmpeg's filter ebur128 says 20.0 LU where the clip lasts 3.0 to
# 3.2 seconds, and 0 at 2.9 and 3.5; its filter loudnorm says 0 for the same file. pyloudnorm says 2.6 LU at 3 seconds, still 1.0 at 10, and 0
# only at 20: the blocks at the end of the clip are not whole. libebur128 says 0 each time.
# One would expect 0, or no value for a clip that has hardly a window of 3 seconds. Way round: libebur128, or loudnorm with print_format=json.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check imageio-ffmpeg==0.8.1 pyloudnorm==0.2.0 pyebur128==0.1.1 soundfile==0.14.0 numpy==2.4.6 scipy==1.17.1
env/bin/python -W ignore - <<'PYTHON'
import re, subprocess, sys
import imageio_ffmpeg, numpy, pyebur128, pyloudnorm, soundfile

rate = 48000
modes = pyebur128.MeasurementMode


def ffmpeg(filters, pattern):
    """The last number that ffmpeg prints behind the pattern."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-i", "tone.wav", "-af", filters, "-f", "null", "-"]
    return float(re.findall(pattern, subprocess.run(command, capture_output=True, text=True).stderr)[-1])


seen = {}
for seconds in (2.9, 3.0, 3.2, 3.5, 10, 20):
    tone = 0.1 * numpy.sin(2 * numpy.pi * 997 * numpy.arange(round(seconds * rate)) / rate)
    soundfile.write("tone.wav", tone, rate, subtype="FLOAT")
    state = pyebur128.R128State(1, rate, modes.MODE_I | modes.MODE_LRA)
    state.add_frames(tone.astype(numpy.float32), len(tone))
    ranges = {
        "ffmpeg ebur128": ffmpeg("ebur128", r"LRA:\s+([\d.]+) LU"),
        "ffmpeg loudnorm": ffmpeg("loudnorm=print_format=json", r'"input_lra" : "([\d.]+)"'),
        "pyloudnorm": float(pyloudnorm.Meter(rate).loudness_range(tone[:, None])),
        "libebur128": pyebur128.get_loudness_range(state),
    }
    seen[seconds] = [round(value, 1) for value in ranges.values()]
    print(f"{seconds} s:", ", ".join(f"{name} {value:.1f}" for name, value in ranges.items()))
ours, norm, python, reference = ([seen[seconds][column] for seconds in seen] for column in range(4))
sys.exit(not (
    ours == [0, 20, 20, 0, 0, 0] and norm == [0] * 6 and reference == [0] * 6
    and python[1] > 2 and python[4] > 0.5 and python[5] == 0
))
PYTHON
