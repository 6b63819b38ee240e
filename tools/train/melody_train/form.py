"""Does a long piece keep its sound? python -m melody_train.form CLIP.wav...

Each clip's first and last ten seconds (of what is heard: the mean of the channels at 24 kHz): brightness (mean frequency of the magnitudes,
Hz), onsets a
second, key by profile, level. A clip is kept where brightness and onsets stay within 30 % and the key is that of the start, its relative or
parallel
counting as another one. Prints a line a clip and how many of them are kept.
"""

from __future__ import annotations

import argparse

import numpy as np
from scipy.io import wavfile

from . import measures as m
from .envelopes import resampled

SECONDS = 10
WITHIN = 0.3


def heard(path: str) -> np.ndarray:
    """[samples] at 24 kHz of a WAV file of 16 bits or floats."""
    rate, x = wavfile.read(path)
    x = x / 32768 if x.dtype == np.int16 else x.astype(np.float64)
    return resampled(x.mean(1) if x.ndim == 2 else x, rate, m.RATE)


def describe(x: np.ndarray) -> dict:
    """x [samples] at 24 kHz."""
    s = m.magnitudes(x, 2048, 512)
    freq = np.arange(s.shape[1]) * m.RATE / 2048
    return {
        'brightness': float((s @ freq).sum() / max(s.sum(), 1e-9)),
        'onsets': len(m.onsets(x)) / (len(x) / m.RATE),
        'key': m.key(x)[:2],
        'level': 20 * float(np.log10(np.sqrt(np.mean(np.square(x))) + 1e-9)),
    }


def compare(x: np.ndarray) -> dict:
    """The start and the end of x [samples] at 24 kHz, and which of its properties are kept."""
    n = SECONDS * m.RATE
    if len(x) < 2 * n:
        raise ValueError(f'got {len(x) / m.RATE:.1f} s, expected at least {2 * SECONDS} s')
    start, end = describe(x[:n]), describe(x[-n:])
    near = lambda name: abs(end[name] / max(start[name], 1e-9) - 1) <= WITHIN
    return {
        'start': start,
        'end': end,
        'kept': {'brightness': near('brightness'), 'onsets': near('onsets'), 'key': start['key'] == end['key']},
    }


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('clips', nargs='+')
    found = []
    for path in p.parse_args().clips:
        r = compare(heard(path))
        found.append(r['kept'])
        pair = lambda name, digits: f'{r["start"][name]:7.{digits}f} > {r["end"][name]:7.{digits}f}'  # noqa: B023
        lost = ', '.join(name for name, kept in r['kept'].items() if not kept)
        print(
            f'{path[-24:]:24} Hz {pair("brightness", 0)}  onsets/s {pair("onsets", 1)}  dB {pair("level", 1)}  key {r["start"]["key"]} > {r["end"]["key"]}  {"lost: " + lost if lost else "kept"}',  # noqa: E501
            flush=True,
        )
    count = lambda name: sum(kept[name] for kept in found)
    print(
        f'{sum(all(kept.values()) for kept in found)} of {len(found)} kept; brightness {count("brightness")}, onsets {count("onsets")}, key {count("key")}'  # noqa: E501
    )


if __name__ == '__main__':
    main()
