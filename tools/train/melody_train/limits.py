"""Which part of a running-phase codec loses spectral lines: parts of the decoder are replaced by the truth, one at a time.

    python -m melody_train.limits --config CONFIG --data DATA --runs RUNS [--clips 32] [--notes]

reads RUNS/vae (and RUNS/polish where it is) and prints, for each replacement, the share of the clips' lines that the decoded mid keeps
(tones.lines_kept): all, below 260 Hz, 260 to 1000 Hz; with --notes also the notes' F1, all and of the bass (notes.py). An exported model is
unpacked first (stage `unpack`).
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from . import notes, tones
from .config import load_config
from .corpus import Corpus
from .losses import LinePitch
from .models.spectrum import framed_stft
from .stages.vae import load_codec

WINDOW = 32768  # of the oracle's salience at 48 kHz, 0.68 s: long enough to tell semitones apart from 50 Hz on
BASS_BINS = 11  # the lowest, whose lines lie below 275 Hz


@torch.no_grad()
def replaced(decoder, z, mid, rate):
    """z [1, L, D], mid [1, n] -> {what is true: audio [n]}; every phase starts at random."""
    log_magnitude, c, logits, _ = decoder.parts(z)
    spectrum = framed_stft(mid, decoder.size, decoder.hop)[:, : log_magnitude.shape[1]]
    own = decoder.advance(c, logits)
    start = torch.rand_like(own[:, :1])
    true_phase = spectrum.angle() / (2 * math.pi)
    true_advance = torch.diff(true_phase, dim=1, prepend=true_phase[:, :1])
    true_magnitude = (spectrum.abs() + 1e-5).log()
    said = lambda magnitude, turns: decoder.synthesise(magnitude, 2 * math.pi * (turns % 1.0))[0]
    run = lambda advance: start + advance.double().cumsum(1).float()
    tuned = lambda advance: torch.cat([advance[..., : decoder.locked], own[..., decoder.locked :]], -1)
    results = {
        'nothing': said(log_magnitude, run(own)),
        'magnitudes': said(true_magnitude, run(own)),
        'phases': said(log_magnitude, true_phase),
        'advance of all bins': said(log_magnitude, run(true_advance)),
        'advance of tuned bins': said(log_magnitude, run(tuned(true_advance))),
    }
    line = decoder.turns[LinePitch(decoder, rate)(mid, own.shape[1])[0]]
    results |= {
        'pitch of the lines of half a second': said(log_magnitude, run(tuned(line))),
        f'that in the {BASS_BINS} lowest bins': said(log_magnitude, run(torch.cat([line[..., :BASS_BINS], own[..., BASS_BINS:]], -1))),
        'that and magnitudes': said(true_magnitude, run(tuned(line))),
        'that and magnitudes above the tuned bins': said(
            torch.cat([log_magnitude[..., : decoder.locked], true_magnitude[..., decoder.locked :]], -1), run(tuned(line))
        ),
        'magnitudes and advance of tuned bins': said(true_magnitude, run(tuned(true_advance))),
        'magnitudes and advance of all bins': said(true_magnitude, run(true_advance)),
    }
    for per_semitone in (1, 3):
        name = f'salience of {WINDOW} samples, {per_semitone} a semitone'
        results[name] = said(log_magnitude, run(tuned(oracle(decoder, mid, rate, own.shape[1], per_semitone))))
    return results


def oracle(decoder, mid, rate, frames, per_semitone):
    """Turns a frame [1, frames, tuned bins] of the pitch that the clip's own spectrum chooses, `per_semitone` of them, over the decoder's
    range."""
    window = torch.hann_window(WINDOW)
    rows = F.pad(mid, (WINDOW // 2, WINDOW // 2)).unfold(1, WINDOW, decoder.hop)[:, :frames] * window
    spectrum = torch.fft.rfft(rows, 4 * WINDOW).abs()
    lowest, highest = float(decoder.frequency[0]), float(decoder.frequency[-1])
    count = round(12 * per_semitone * math.log2(highest / lowest)) + 1
    frequency = lowest * 2 ** (torch.arange(count, dtype=torch.float64) / (12 * per_semitone))
    place = frequency * 4 * WINDOW / rate
    left = place.floor().long()
    rest = (place - left).float()
    salience = (spectrum[..., left] * (1 - rest) + spectrum[..., left + 1] * rest + 1e-4).log()
    shape = decoder.line_shape(frequency, rate)
    turns = (frequency * decoder.hop / rate).float()
    return torch.cat([turns[(part[:, :, None] + shape).argmax(-1)] for part in salience.split(200, 1)], 1)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--config', required=True)
    p.add_argument('--data', required=True)
    p.add_argument('--runs', required=True)
    p.add_argument('--clips', type=int, default=32)
    p.add_argument('--notes', action='store_true', help='also count notes, which takes longer')
    a = p.parse_args()
    if a.notes and not notes.available():
        p.error(notes.MISSING)
    torch.set_num_threads(1)
    c, runs = load_config(a.config), Path(a.runs)
    rate, channels = c['sample_rate'], c.get('channels', 1)
    encoder, decoder = load_codec(c, runs)
    corpus = Corpus(a.data, 'heldout', limit=a.clips, channels=channels)
    torch.manual_seed(0)
    rows: dict[str, list] = {}
    clips = min(a.clips, len(corpus))
    for i in range(clips):
        audio = corpus.crop(i, 0, 10 * rate)[None]
        mid = audio.mean(1) if channels == 2 else audio
        with torch.no_grad():
            z = encoder(audio)[0]
        source = mid[0].double().numpy()
        heard = notes.notes(source, rate) if a.notes else None
        for name, made in replaced(decoder, z, mid, rate).items():
            made = made.double().numpy()
            kept = tones.lines_kept(made, source, rate)
            found = notes.notes_kept(made, source, rate, heard) if a.notes else ()
            rows.setdefault(name, []).append([*(kept[k] for k in ('all', 'bass', 'middle')), *found])
    counted = '; F1 of notes, all and below 165 Hz' if a.notes else ''
    print(f'{clips} clips; true: share of lines kept, of all, below 260 Hz, 260 to 1000 Hz{counted}')
    for name, values in rows.items():
        print(f'{name:45}', '  '.join(f'{v:.3f}' for v in np.nanmean(np.array(values, float), 0)))


if __name__ == '__main__':
    main()
