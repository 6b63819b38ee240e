#!/usr/bin/env bash
# av 18.1.0 and imageio-ffmpeg 0.8.1 (ffmpeg 9.0.2): fewer or more channels through libswresample.
# `-ac 1` halves the sum of both channels only where the samples come out as integers. Where they come out as floats it multiplies the sum by
# 0.707: a stereo sound with two equal channels is 3 dB louder, 5.1 to stereo 7.7 dB, and peaks go above 1. Which one it is depends on the
# codecs, not on the command: the same line makes an MP3 of 0.8 from FLAC, and of 1.1 from MP3 or from WAV in floats; Opus likewise.
# From mono to stereo every format is 3 dB quieter.
# One would expect one level for each pair of layouts, as soundfile and librosa have it: the mean of the channels, and a copy.
# Way round: say the matrix, -af "pan=mono|c0=0.5*c0+0.5*c1", or mix the channels yourself.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check av==18.1.0 imageio-ffmpeg==0.8.1 numpy==2.4.6 soundfile==0.14.0
env/bin/python - <<'PYTHON'
import subprocess, sys
import av, imageio_ffmpeg, numpy, soundfile

rate = 48000
tone = 0.8 * numpy.sin(2 * numpy.pi * 440 * numpy.arange(rate) / rate)


def level(samples):
    """The amplitude of the tone in the first channel, away from the ends of the file."""
    samples = samples if samples.ndim == 1 else samples[:, 0]
    return round(float(numpy.sqrt(2 * numpy.mean(samples[rate // 4 : 3 * rate // 4] ** 2))), 2)


def resampled(layout_in, layout_out, kind):
    channels = av.AudioLayout(layout_in).nb_channels
    frame = av.AudioFrame.from_ndarray(numpy.tile(tone, (channels, 1)).astype(numpy.float32), format="fltp", layout=layout_in)
    frame.sample_rate = rate
    frames = av.AudioResampler(format=kind, layout=layout_out, rate=rate).resample(frame)
    samples = numpy.concatenate([frame.to_ndarray() for frame in frames], axis=1)[0]
    return level(samples / 32767 if kind == "s16p" else samples)


table = {}
for pair in (("stereo", "mono"), ("5.1", "stereo"), ("mono", "stereo")):
    table[pair] = [resampled(*pair, kind) for kind in ("s16p", "fltp")]
    print(f"{pair[0]} to {pair[1]}, a tone of 0.8 in each channel: {table[pair][0]} in 16 bits, {table[pair][1]} in floats")


def ffmpeg(*arguments):
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error", *arguments], check=True)


stereo = numpy.stack([tone, tone], 1)
soundfile.write("in.flac", stereo, rate)
soundfile.write("in.wav", stereo, rate, subtype="FLOAT")
ffmpeg("-i", "in.flac", "-b:a", "192k", "in.mp3")
files = {}
for source in ("in.flac", "in.wav", "in.mp3"):
    for target in ("out.mp3", "out.opus", "out.flac"):
        ffmpeg("-i", source, "-ac", "1", target)
        ffmpeg("-i", target, "-c:a", "pcm_f32le", "seen.wav")
        files[source, target] = level(soundfile.read("seen.wav")[0])
        print(f"ffmpeg -i {source} -ac 1 {target}: {files[source, target]}")
sys.exit(not (
    table == {("stereo", "mono"): [0.8, 1.13], ("5.1", "stereo"): [0.8, 1.93], ("mono", "stereo"): [0.57, 0.57]}
    and all(files["in.flac", target] < 0.83 for target in ("out.mp3", "out.opus", "out.flac"))
    and all(files[source, target] > 1 for source in ("in.wav", "in.mp3") for target in ("out.mp3", "out.opus"))
    and all(files[source, "out.flac"] < 0.83 for source in ("in.wav", "in.mp3"))
))
PYTHON
