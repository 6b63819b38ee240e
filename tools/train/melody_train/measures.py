"""Measures of finished clips and of pairs of clips: numpy float arrays [samples] at 24 kHz mono (docs/requirements.md section 3)."""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.signal import lfilter, resample_poly

from .models.spectrum import hann, mel_filters

RATE = 24000
MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)  # Krumhansl-Kessler
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
ONSET_HOP = 240  # 100 frames a second


def magnitudes(x: np.ndarray, size: int, hop: int) -> np.ndarray:
    """|STFT| [frames, size // 2 + 1], periodic Hann, reflected edges."""
    t = torch.stft(torch.from_numpy(np.ascontiguousarray(x, np.float32)), size, hop, window=hann(size), return_complex=True)
    return t.abs().T.numpy()


# ---- pairs -------------------------------------------------------------------------------------------------------------------
def si_sdr(estimate: np.ndarray, reference: np.ndarray) -> float:
    """Scale-invariant signal-to-distortion ratio in dB."""
    e, r = estimate - estimate.mean(), reference - reference.mean()
    target = (e @ r) / (r @ r + 1e-12) * r
    return float(10 * np.log10((target @ target + 1e-12) / ((e - target) @ (e - target) + 1e-12)))


def multi_resolution_stft(a: np.ndarray, b: np.ndarray, sizes: tuple = (2048, 1024, 512, 128)) -> float:
    """Mean over FFT sizes of spectral convergence + L1 of log magnitude (floor 1e-3 of an amplitude-1 sine)."""
    total = 0.0
    for n in sizes:
        x, y = (magnitudes(s, n, n // 4) * (4 / n) for s in (a, b))
        total += np.linalg.norm(y - x) / (np.linalg.norm(y) + 1e-9) + np.abs(np.log(x + 1e-3) - np.log(y + 1e-3)).mean()
    return float(total / len(sizes))


def log_mel(x: np.ndarray) -> np.ndarray:
    """log-mel [frames, 80]: FFT 1024, hop 256, floor 1e-3. The log-mel distance is the mean absolute difference, in nats."""
    return np.log(magnitudes(x, 1024, 256) @ mel_filters(RATE, 1024, 80).numpy() + 1e-3)


def log_mel_distance(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(log_mel(a) - log_mel(b)).mean())


def chroma(x: np.ndarray) -> np.ndarray:
    """[frames, 12] square root of energy per pitch class, 100 to 2500 Hz, FFT 4096, hop 1024."""
    power = magnitudes(x, 4096, 1024) ** 2
    freq = np.arange(2049) * RATE / 4096
    pitch = np.round(69 + 12 * np.log2(np.maximum(freq, 1) / 440)).astype(int) % 12
    used = (freq > 100) & (freq < 2500)
    return np.sqrt(np.stack([power[:, used & (pitch == k)].sum(1) for k in range(12)], 1) + 1e-10)


def chroma_cosine(a: np.ndarray, b: np.ndarray) -> float:
    x, y = chroma(a), chroma(b)
    return float(((x * y).sum(1) / (np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1))).mean())


# ---- rhythm ------------------------------------------------------------------------------------------------------------------
def onset_envelope(x: np.ndarray) -> np.ndarray:
    """Mean over 64 mel bands of the positive rise of log power, 100 frames a second."""
    m = np.log(magnitudes(x, 1024, ONSET_HOP) ** 2 @ mel_filters(RATE, 1024, 64).numpy() + 1e-2)
    return np.concatenate([[0.0], np.maximum(np.diff(m, axis=0), 0).mean(1)])


def onsets(x: np.ndarray) -> np.ndarray:
    """Onset times in seconds: peaks of the envelope above its local mean (0.2 s) by half its standard deviation, 50 ms apart."""
    e = onset_envelope(x)
    local = np.convolve(e, np.ones(41) / 41, 'same')
    peaks, last = [], -10
    for i in range(1, len(e) - 1):
        if e[i] >= e[i - 1] and e[i] > e[i + 1] and e[i] > local[i] + 0.5 * e.std() and i - last >= 5:
            peaks.append(i)
            last = i
    return np.array(peaks) * ONSET_HOP / RATE


def onset_f1(estimate: np.ndarray, reference: np.ndarray, tolerance: float = 0.05) -> float:
    """F measure of onset times, greedy one-to-one matching within 50 ms. Both empty: 1."""
    a, b = onsets(estimate), onsets(reference)
    if not len(a) or not len(b):
        return float(len(a) == len(b))
    used, hits = set(), 0
    for t in a:
        j = int(np.abs(b - t).argmin())
        for k in (j, j - 1, j + 1):
            if 0 <= k < len(b) and k not in used and abs(b[k] - t) <= tolerance:
                used.add(k)
                hits += 1
                break
    return 2 * hits / (len(a) + len(b))


def onset_correlation(a: np.ndarray, b: np.ndarray) -> float:
    x, y = onset_envelope(a), onset_envelope(b)
    return float(np.corrcoef(x, y)[0, 1]) if x.std() > 0 and y.std() > 0 else 0.0


def tempo(x: np.ndarray) -> tuple:
    """(beats a minute, pulse clarity 0..1) of a clip."""
    return tempo_of_envelope(onset_envelope(x), RATE / ONSET_HOP)


def tempo_of_envelope(e: np.ndarray, rate: float) -> tuple:
    """(beats a minute, pulse clarity 0..1) of an onset envelope. Its autocorrelation, summed over the first multiples of each lag, times a
    log-normal prior at 115 BPM with a deviation of 0.8 octaves; parabolic peak; 40 to 240 BPM. Silence gives (0, 0)."""
    wide, smooth = 2 * round(0.4 * rate) + 1, 2 * round(0.03 * rate) + 1
    e = e - np.convolve(e, np.ones(wide) / wide, 'same')
    if e.std() < 1e-6:
        return 0.0, 0.0
    n, window = len(e), np.hanning(smooth + 2)[1:-1]
    spectrum = np.abs(np.fft.rfft(np.convolve(e, window / window.sum(), 'same'), 2 * n)) ** 2
    r = np.fft.irfft(spectrum)[:n] / np.arange(n, 0, -1)
    r = r / r[0]
    fine = np.interp(np.arange(0, n - 1, rate / 100), np.arange(n), r)  # lags in hundredths of a second
    lags = np.arange(25, 151)
    at = lambda k: np.maximum(np.interp(k, np.arange(len(fine)), fine), 0)
    score = (at(lags) + 0.6 * at(2 * lags) + 0.3 * at(4 * lags)) * np.exp(-0.5 * (np.log2(6000 / lags / 115) / 0.8) ** 2)
    lag = float(lags[int(score.argmax())]) * rate / 100  # in frames
    for multiple in (8, 4, 2, 1):  # refine on the longest multiple that still has a peak: less quantisation
        k = round(lag * multiple)
        if k + 3 < n // 2:
            reach = max(1, round(0.02 * rate))
            around = np.arange(k - reach, k + reach + 1)
            j = int(around[r[around].argmax()])
            if r[j] >= r[j - 1] and r[j] >= r[j + 1] and r[j] > 0:
                d = r[j - 1] - 2 * r[j] + r[j + 1]
                lag = (j + (0.5 * (r[j - 1] - r[j + 1]) / d if d < 0 else 0.0)) / multiple
                break
    return 60 * rate / lag, float(r[round(rate * 0.2) : round(rate * 2)].max())


def tempo_agrees(measured: float, asked: float, folded: bool = False, tolerance: float = 0.04) -> bool:
    """Within 4 %; folded: also at half, double, a third or three times the tempo."""
    factors = (1.0, 0.5, 2.0, 1 / 3, 3.0) if folded else (1.0,)
    return any(abs(measured - asked * f) <= tolerance * asked * f for f in factors)


# ---- key ---------------------------------------------------------------------------------------------------------------------
def key(x: np.ndarray) -> tuple:
    """(tonic 0..11, 'major' | 'minor', clarity): best Pearson r of the mean chroma with the 24 rotated profiles; ('clarity' is that r)."""
    c = chroma(x)
    mean = c.mean(0)
    best = (-2.0, 0, 'major')
    for mode, profile in (('major', MAJOR), ('minor', MINOR)):
        for tonic in range(12):
            best = max(best, (float(np.corrcoef(mean, np.roll(profile, tonic))[0, 1]), tonic, mode))
    return best[1], best[2], best[0]


# ---- one clip: technical health ------------------------------------------------------------------------------------------------
def k_weighting(rate: int) -> list:
    """The two biquads of BS.1770-4 designed for this rate from their analogue parameters: [(b, a), (b, a)]."""
    out = []
    for kind, f0, gain, q in (
        ('shelf', 1681.974450955533, 3.999843853973347, 0.7071752369554196),
        ('high', 38.13547087602444, 0.0, 0.5003270373238773),
    ):
        k = math.tan(math.pi * f0 / rate)
        if kind == 'shelf':
            vh = 10 ** (gain / 20)
            vb = vh**0.4996667741545416
            a0 = 1 + k / q + k * k
            b = [(vh + vb * k / q + k * k) / a0, 2 * (k * k - vh) / a0, (vh - vb * k / q + k * k) / a0]
        else:
            a0 = 1 + k / q + k * k
            b = [1.0, -2.0, 1.0]
        out.append((b, [1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0]))
    return out


def loudness(x: np.ndarray, rate: int = RATE) -> float:
    """Integrated loudness in LUFS (BS.1770-4, mono), −70 for silence."""
    for b, a in k_weighting(rate):
        x = lfilter(b, a, x)
    size, hop = int(0.4 * rate), int(0.1 * rate)
    power = np.array([np.mean(x[i : i + size] ** 2) for i in range(0, max(1, len(x) - size + 1), hop)])
    level = lambda p: -0.691 + 10 * np.log10(p + 1e-12)
    loud = power[level(power) > -70]
    if not len(loud):
        return -70.0
    loud = loud[level(loud) > level(loud.mean()) - 10]
    return float(level(loud.mean()))


def true_peak(x: np.ndarray) -> float:
    """Largest |x| after 4x oversampling, linear (1 = 0 dBTP): Kaiser sinc, 16 samples each side, as src/audio/loudness.ts."""
    t = np.arange(-64, 65) / 4
    taps = np.sinc(t) * np.kaiser(129, 8)
    return float(np.abs(resample_poly(np.asarray(x, np.float64), 4, 1, window=taps / 4)).max())


def hop_buzz(x: np.ndarray, hop: int) -> float:
    """Normalised autocorrelation of |difference| at the hop, minus the median of its neighbours: a click or comb every hop shows."""
    d = np.abs(np.diff(x))
    d = d - d.mean()
    f = np.abs(np.fft.rfft(d, 2 * len(d))) ** 2
    r = np.fft.irfft(f)[: 3 * hop]
    r = r / (r[0] + 1e-12)
    near = np.concatenate([r[hop - hop // 4 : hop - 3], r[hop + 4 : hop + hop // 4]])
    return float(r[hop] - np.median(near))


def seam(x: np.ndarray, sample: int, rate: int = RATE) -> float:
    """Largest |difference| within 2 ms of a join ÷ the 99th percentile of the rest of the second around it: ≤ 1 is unremarkable."""
    d = np.abs(np.diff(x))
    w, around = int(0.002 * rate), int(0.5 * rate)
    at = d[max(0, sample - w) : sample + w]
    rest = np.concatenate([d[max(0, sample - around) : max(0, sample - w)], d[sample + w : sample + around]])
    return float(at.max() / (np.percentile(rest, 99) + 1e-9))


def health(x: np.ndarray, hop: int = 480) -> dict:
    """The technical numbers of one clip."""
    frames = x[: len(x) // 1200 * 1200].reshape(-1, 1200)
    rms = np.sqrt((frames**2).mean(1))
    full = np.abs(x) >= 1 - 2**-15
    runs = full[:-2] & full[1:-1] & full[2:]
    return {
        'non_finite': int((~np.isfinite(x)).sum()),
        'peak': float(np.abs(x).max()),
        'clipping': float(runs.mean()),
        'dc': float(abs(x.mean())),
        'silence': float((rms < 1e-3).mean()),
        'loudness': loudness(x),
        'crest_db': float(20 * np.log10(np.abs(x).max() / (np.sqrt((x**2).mean()) + 1e-9) + 1e-9)),
        'hop_buzz': hop_buzz(x, hop),
    }


# ---- descriptor and Fréchet distance ---------------------------------------------------------------------------------------------
def descriptor(x: np.ndarray) -> np.ndarray:
    """64 numbers of a clip: level and spread of 12 mel bands (24), its own chroma order from the strongest class (12), onsets in three
    bands (6), onset autocorrelation at 12 lags of 0.2 to 1.4 s (12), centroid, flatness, roll-off, bandwidth (8), pulse clarity, crest."""
    s = magnitudes(x, 2048, 512) + 1e-6
    bands = np.log(s**2 @ mel_filters(RATE, 2048, 12).numpy() + 1e-3)
    c = chroma(x).mean(0)
    c = np.roll(c / (c.sum() + 1e-9), -int(c.argmax()))
    rises = np.maximum(np.diff(bands, axis=0), 0)
    low, mid, high = (rises[:, k : k + 4].mean(1) for k in (0, 4, 8))
    e = onset_envelope(x)
    e = e - e.mean()
    r = np.array([(e[:-k] * e[k:]).mean() for k in np.round(np.geomspace(20, 140, 12)).astype(int)]) / (e.var() + 1e-9)
    freq = np.arange(s.shape[1]) * RATE / 2048 / 1000
    p = s**2 / (s**2).sum(1, keepdims=True)
    centroid = p @ freq
    spread = np.sqrt(np.maximum(p @ freq**2 - centroid**2, 0))
    flat = np.log(np.exp(np.log(s**2).mean(1)) / (s**2).mean(1))
    roll = freq[np.minimum((np.cumsum(p, 1) < 0.85).sum(1), len(freq) - 1)]
    shape = [f(v) for v in (centroid, flat, roll, spread) for f in (np.mean, np.std)]
    crest = np.log(np.abs(x).max() / (x.std() + 1e-6) + 1e-6)
    return np.concatenate(
        [bands.mean(0), bands.std(0), c, [f(v) for v in (low, mid, high) for f in (np.mean, np.std)], r, shape, [tempo(x)[1], crest]]
    )


def frechet(a: np.ndarray, b: np.ndarray, shrink: float = 0.05) -> float:
    """Fréchet distance of two sets of vectors [n, d]; covariances shrunk towards their diagonal (few clips, many dimensions).

    |μa − μb|² + tr(Sa + Sb − 2 (Sa^½ Sb Sa^½)^½), by eigenvalues of the symmetric form, so nothing complex can appear.
    """

    def covariance(x):
        s = np.cov(x.T)
        return (1 - shrink) * s + shrink * np.diag(np.diag(s))

    sa, sb = covariance(a), covariance(b)
    w, v = np.linalg.eigh(sa)
    root = (v * np.sqrt(np.maximum(w, 0))) @ v.T
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ sb @ root), 0)).sum()
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(sa) + np.trace(sb) - 2 * cross)


def shaped_noise(x: np.ndarray, seed: int = 0) -> np.ndarray:
    """Noise with the long-term spectrum and level of x: what is left of a clip when all its notes are taken away."""
    phase = np.random.default_rng(seed).uniform(0, 2 * np.pi, len(x) // 2 + 1)
    spectrum = np.abs(np.fft.rfft(x))
    smooth = np.sqrt(np.convolve(spectrum**2, np.ones(201) / 201, 'same'))
    y = np.fft.irfft(smooth * np.exp(1j * phase), len(x))
    return y * (x.std() / (y.std() + 1e-9))
