"""Signals that each show one fault, and what every measure of tones.py and envelopes.py says of them: test/goldens/measures.json.

    python -m melody_train.goldens_measures test/goldens/measures.json

and of two recordings beside that file: a corpus clip, and what the decoder of melody-small before 0.2.0 made of it.
test/audio/measures/fault_signals.ts makes the same signals; shared.test.ts measures them in TypeScript and compares.
"""

from __future__ import annotations

import json
import math
import os
import sys
from pathlib import Path

os.environ.setdefault('OMP_NUM_THREADS', '1')

import numpy as np
from scipy.io import wavfile

from . import envelopes, tones

RATE, SECONDS = 24000, 6
CHORDS = ((48, 60, 64, 67), (53, 60, 65, 69), (55, 59, 62, 67), (45, 57, 60, 64), (50, 57, 62, 65), (48, 55, 64, 72))
DETUNED = (-38, 31, -22, 44)  # cents of the chords' four voices, turned by one voice a chord
T = np.arange(RATE * SECONDS) / RATE


def noise(seed: int, length: int = len(T)) -> np.ndarray:
    """Uniform in [-1, 1): mulberry32, as test/audio/signals.ts."""
    t = (seed + (np.arange(length, dtype=np.uint64) + 1) * 0x6D2B79F5) & 0xFFFFFFFF
    mask = np.uint64(0xFFFFFFFF)
    t = ((t ^ (t >> np.uint64(15))) * (t | np.uint64(1))) & mask
    t = t ^ ((t + (((t ^ (t >> np.uint64(7))) * (t | np.uint64(61))) & mask)) & mask)
    return ((t ^ (t >> np.uint64(14))) & mask).astype(np.float64) / 2**31 - 1


def chords(move=lambda hz, chord, voice: hz, attack: float = 0.004, reference: float = 440.0) -> np.ndarray:
    """A chord a second, each of four voices with six falling harmonics, struck and dying away. move changes a harmonic's frequency."""
    out = np.zeros(len(T))
    since = np.arange(RATE) / RATE
    shape = np.minimum(since / attack, 1) * np.exp(-since / 0.4)
    for c, notes in enumerate(CHORDS):
        for voice, note in enumerate(notes):
            for h in range(1, 7):
                hz = move(h * reference * 2 ** ((note - 69) / 12), c, voice)
                out[c * RATE : (c + 1) * RATE] += 0.06 / h * shape * np.sin(2 * np.pi * hz * since + h)
    return out


def hats() -> np.ndarray:
    """Bursts of noise, four a second."""
    return 0.1 * noise(3) * np.exp(-(T % 0.25) / 0.03)


def signals() -> dict:
    """name → [samples] float32."""
    frames = noise(5).reshape(-1, 480)[np.arange(SECONDS * 50) // 25].ravel()  # a new frame each half second, repeated 25 times
    comb = sum(0.003 * np.sin(2 * np.pi * 25 * k * T + 2 * math.pi * ((k * 0.6180339887) % 1)) for k in range(160, 400))
    made = {
        'music': chords() + hats(),
        'music at A 446': chords(reference=446.0) + hats(),
        'snapped': chords(lambda hz, c, v: 50 * max(1, math.floor(hz / 50 + 0.5))) + hats(),
        'detuned': chords(lambda hz, c, v: hz * 2 ** (DETUNED[(c + v) % 4] / 1200)) + hats(),
        'repeated frames': 0.1 * frames,
        'buzz': 0.1 * noise(7) * (1 + 0.5 * np.cos(2 * np.pi * 50 * T) + 0.4 * np.cos(2 * np.pi * 100 * T)),
        'whistle': chords() + comb,
        'hiss': chords() + 0.02 * noise(9),
        'slow': chords(attack=0.08),
        'noise': 0.1 * noise(11),
    }
    return {k: v.astype(np.float32) for k, v in made.items()}


def described(x: np.ndarray, rate: int = RATE) -> dict:
    """Every measure of one clip, None where it has none."""
    tuned, haze, buzz, attacks = tones.tuning(x, rate), tones.haze(x, rate), envelopes.modulation(x, rate), envelopes.attack_times(x, rate)
    out = {
        'latticeShare': tones.lattice_share(x, rate),
        'cents': tuned['cents'],
        'inTune': tuned['in_tune'],
        'reference': tuned['reference'],
        'haze.low': haze[0],
        'haze.middle': haze[1],
        'haze.high': haze[2],
        'bassShare': tones.bass_share(x, rate),
        'ripple': envelopes.ripple(x, rate),
        'buzz.once': buzz[0],
        'buzz.twice': buzz[1],
        'attack.median': float(np.median(attacks)) if len(attacks) else None,
        'attack.fastest': float(np.percentile(attacks, 25)) if len(attacks) else None,
        'drumStrokes': envelopes.drum_strokes(x, rate),
        'pulseClarity': envelopes.pulse_clarity(x, rate),
    }
    return {k: None if v is None or not math.isfinite(v) else round(v, 5) for k, v in out.items()}


def main() -> None:
    target = Path(sys.argv[1])
    recordings = {name: wavfile.read(target.parent / name)[1] / 32768 for name in ('corpus_clip.wav', 'decoded_2026_11.wav')}
    report = {'signals': {}, 'recordings': {}}
    for group, made, source, rate in (('signals', signals(), 'music', RATE), ('recordings', recordings, 'corpus_clip.wav', 12000)):
        for name, x in made.items():
            kept = tones.lines_kept(x, made[source], rate)
            report[group][name] = {**described(x, rate), **{f'kept.{k}': None if math.isnan(v) else round(v, 5) for k, v in kept.items()}}
            print(name, report[group][name], flush=True)
    with open(target, 'w') as f:
        json.dump(report, f, indent=1)
        f.write('\n')


if __name__ == '__main__':
    main()
