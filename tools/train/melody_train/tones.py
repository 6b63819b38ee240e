"""Measures of tones in finished clips: numpy float arrays [samples], mono, at any rate from 16 kHz up.

src/audio/measures/tones.ts computes the same numbers with the same formulas; goldens_measures.py writes the signals and values that hold
the two
together. "Line": the highest point within 10 Hz on either side in the power spectrum of a 1 s Hann window, placed by a parabola through
three log
powers. Windows start every half second, whole windows only, zero-padded to the next power of two; a window whose mean power is below
-60 dBFS has no lines.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import maximum_filter1d

FRAME_RATE = 50.0  # latent frames a second of the shipped codec: a decoder that repeats its frames plays multiples of it
APART = 10.0  # Hz: nearer than this to a stronger line is its skirt or its vibrato
STRONGEST = 20  # lines of a window that count
BELOW_STRONGEST_DB = 30.0
CENTS = 15.0  # nearer than this is the same tone to a listener
QUIET = 1e-6  # mean power of a window: -60 dBFS
HAZE_BANDS = ((200.0, 1000.0), (1000.0, 4000.0), (4000.0, 10000.0))
HAZE_WINDOW, HAZE_GROUP, HAZE_CELL = 0.34, 5, 50.0  # seconds; windows (half overlapping) averaged, about 1 s; Hz


def window_powers(x: np.ndarray, seconds: float, rate: int) -> np.ndarray:
    """Power spectra [windows, bins] of half-overlapping periodic Hann windows, zero-padded to a power of two. Scaled so that a sine of
    amplitude
    1 on a bin has power 1. A clip shorter than a window has no window."""
    size = round(seconds * rate)
    padded = 1 << (size - 1).bit_length()
    starts = range(0, len(x) - size + 1, size // 2)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    out = np.empty((len(starts), padded // 2 + 1))
    for row, start in enumerate(starts):
        out[row] = np.abs(np.fft.rfft(np.asarray(x[start : start + size], np.float64) * hann, padded)) ** 2
    return out * (4 / size) ** 2


def lines_of(power: np.ndarray, bin_hz: float, low: float, high: float) -> np.ndarray:
    """Frequencies in Hz, strongest first, of at most 20 lines of one window's power spectrum between low and high Hz, within 30 dB of the
    strongest of them."""
    reach = round(APART / bin_hz)
    at = np.arange(int(np.ceil(low / bin_hz)), min(int(high / bin_hz), len(power) - 2) + 1)
    highest = maximum_filter1d(power[: at[-1] + reach + 1], 2 * reach + 1)
    at = at[(power[at] >= highest[at]) & (power[at] > power[at - 1])]
    at = at[np.argsort(-power[at], kind='stable')][:STRONGEST]
    if not len(at):
        return np.empty(0)
    at = at[power[at] >= power[at[0]] * 10 ** (-BELOW_STRONGEST_DB / 10)]
    left, middle, right = (np.log(power[at + k] + 1e-30) for k in (-1, 0, 1))
    return (at + 0.5 * (left - right) / np.minimum(left - 2 * middle + right, -1e-12)) * bin_hz


def lines(x: np.ndarray, rate: int, low: float, high: float) -> list:
    """Lines in Hz of every window, an empty array for a quiet one."""
    powers = window_powers(x, 1.0, rate)
    bin_hz = rate / (2 * (powers.shape[1] - 1))
    return [lines_of(p, bin_hz, low, high) if loud else np.empty(0) for p, loud in zip(powers, loud_windows(x, 1.0, rate))]


def loud_windows(x: np.ndarray, seconds: float, rate: int) -> list:
    """Whether each window of window_powers has a mean power of -60 dBFS or more."""
    size = round(seconds * rate)
    return [float(np.mean(np.square(np.asarray(x[k : k + size], np.float64)))) >= QUIET for k in range(0, len(x) - size + 1, size // 2)]


def lattice_share(x: np.ndarray, rate: int, frame_rate: float = FRAME_RATE) -> float:
    """Share of the lines between 150 and 3000 Hz that lie within 1 Hz of a multiple of the frame rate. Chance is 2 / frame_rate; NaN for
    a clip without lines."""
    f = np.concatenate([np.empty(0), *lines(x, rate, 150.0, 3000.0)])
    return float(np.mean(np.abs(f - frame_rate * np.round(f / frame_rate)) <= 1.0)) if len(f) else float('nan')


def tuning(x: np.ndarray, rate: int) -> dict:
    """Distance of the lines between 150 and 1000 Hz from the semitones of the clip's own best reference pitch, which is the one of 100
    grids a cent
    apart with the least mean distance. cents: median distance (about 20 by chance); in_tune: share within 15 cents (about 0.4 by
    chance); reference: Hz of the A nearest to 440. NaN for a clip without lines."""
    f = np.concatenate([np.empty(0), *lines(x, rate, 150.0, 1000.0)])
    if not len(f):
        return {'cents': float('nan'), 'in_tune': float('nan'), 'reference': float('nan')}
    cents = 1200 * np.log2(f / 440)
    offsets = np.arange(-50, 50)
    away = np.abs((cents[None] - offsets[:, None] + 50) % 100 - 50)  # [offsets, lines]
    best = int(away.mean(1).argmin())
    return {
        'cents': float(np.median(away[best])),
        'in_tune': float(np.mean(away[best] <= CENTS)),
        'reference': float(440 * 2 ** (offsets[best] / 1200)),
    }


def lines_kept(output: np.ndarray, source: np.ndarray, rate: int) -> dict:
    """Of the source's lines between 60 and 3000 Hz, the share that the output has within 15 cents in the same window: all, bass (below 260
    Hz),
    middle (260 to 1000 Hz); and true, the share of the output's lines that the source has. NaN where there is none to meet."""
    n = min(len(output), len(source))
    ours, theirs = (lines(a[:n], rate, 60.0, 3000.0) for a in (output, source))

    def met(wanted, found):
        if not len(found):
            return np.zeros(len(wanted), bool)
        return np.abs(1200 * np.log2(wanted[:, None] / found[None])).min(1) <= CENTS

    kept = np.concatenate([np.empty(0, bool), *(met(s, o) for s, o in zip(theirs, ours))])
    true = np.concatenate([np.empty(0, bool), *(met(o, s) for s, o in zip(theirs, ours))])
    at = np.concatenate([np.empty(0), *theirs])
    share = lambda v: float(v.mean()) if len(v) else float('nan')
    return {'all': share(kept), 'bass': share(kept[at < 260]), 'middle': share(kept[(at >= 260) & (at < 1000)]), 'true': share(true)}


def haze(x: np.ndarray, rate: int) -> list:
    """Partials over valleys in dB, for 200-1000, 1000-4000 and 4000-10000 Hz: power spectra of 0.34 s windows are averaged over about a
    second;
    in every cell of 50 Hz the 90th percentile over the 10th; the median over cells and seconds. Steady tones stand far over
    their valleys, noise stands near 6 dB. Too low: haze between partials; too high up there: cymbals that whistle."""
    powers, loud = window_powers(x, HAZE_WINDOW, rate), loud_windows(x, HAZE_WINDOW, rate)
    bin_hz = rate / (2 * (powers.shape[1] - 1))
    found = [[] for _ in HAZE_BANDS]
    for g in range(0, len(powers) - HAZE_GROUP + 1, HAZE_GROUP):
        if not any(loud[g : g + HAZE_GROUP]):
            continue
        mean = powers[g : g + HAZE_GROUP].mean(0)
        for values, (low, high) in zip(found, HAZE_BANDS):
            for edge in np.arange(low, min(high, rate / 2 - HAZE_CELL) - HAZE_CELL / 2, HAZE_CELL):
                cell = mean[int(np.ceil(edge / bin_hz)) : int(np.ceil((edge + HAZE_CELL) / bin_hz))]
                top, bottom = np.percentile(cell, (90, 10))
                values.append(10 * np.log10((top + 1e-14) / (bottom + 1e-14)))
    return [float(np.median(v)) if v else float('nan') for v in found]


def bass_share(x: np.ndarray, rate: int) -> float:
    """Share of the energy below 250 Hz, 0 … 1; NaN for silence."""
    powers = window_powers(x, 1.0, rate)
    if not len(powers) or powers.sum() <= 0:
        return float('nan')
    mean = powers.mean(0)
    edge = int(np.ceil(250 / (rate / (2 * (powers.shape[1] - 1)))))
    return float(mean[:edge].sum() / mean.sum())
