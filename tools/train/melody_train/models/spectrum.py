"""Framed Fourier transforms with one convention: frame t of hop h is centred on the middle of its hop, sample t*h + h/2.

Zeros stand outside the signal, so a clip of n = h*T samples has exactly T frames and every frame sees a finite neighbourhood.
"""

import math

import torch
import torch.nn.functional as F


def hann(size, device=None):
    """Periodic Hann window."""
    return torch.hann_window(size, periodic=True, device=device)


def framed_stft(audio, size, hop):
    """audio [B, n] -> complex [B, n // hop, size // 2 + 1]."""
    pad = size // 2 - hop // 2
    frames = F.pad(audio, (pad, size)).unfold(-1, size, hop)[:, : audio.shape[-1] // hop]
    return torch.fft.rfft(frames * hann(size, audio.device))


def framed_istft(spectrum, size, hop):
    """Inverse of framed_stft for size = 4 * hop: spectrum complex [B, T, size/2 + 1] -> audio [B, hop * T].

    Overlap-add of windowed frames, divided by 1.5, the constant sum of squared Hann windows at a quarter hop.
    """
    if size != 4 * hop:
        raise ValueError(f'framed_istft: size must be 4 * hop; got size {size}, hop {hop}')
    frames = torch.fft.irfft(spectrum, n=size) * (hann(size, spectrum.device) / 1.5)  # [B, T, size]
    batch, count, _ = frames.shape
    quarters = frames.view(batch, count, 4, hop)
    out = sum(F.pad(quarters[:, :, i], (0, 0, i, 3 - i)) for i in range(4))  # [B, T + 3, hop]
    start = size // 2 - hop // 2
    return out.flatten(1)[:, start : start + hop * count]


def mel_filters(sample_rate, size, bands, low=20.0, high=None):
    """Triangular filters on the HTK mel scale, each of unit sum: [size // 2 + 1, bands]."""
    high = high or sample_rate / 2
    mel = lambda f: 2595.0 * math.log10(1.0 + f / 700.0)
    edges = 700.0 * (10.0 ** (torch.linspace(mel(low), mel(high), bands + 2, dtype=torch.float64) / 2595.0) - 1.0)
    freq = torch.arange(size // 2 + 1, dtype=torch.float64) * sample_rate / size
    up = (freq[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    down = (edges[2:] - freq[:, None]) / (edges[2:] - edges[1:-1])
    weight = torch.minimum(up, down).clamp(min=0)
    empty = weight.sum(0) == 0  # bands narrower than a bin take their nearest bin
    nearest = (freq[:, None] - edges[1:-1]).abs().argmin(0)
    weight[nearest[empty], torch.nonzero(empty)[:, 0]] = 1.0
    return (weight / weight.sum(0, keepdim=True)).float()


def erb_bands(sample_rate, size, count):
    """[size // 2 + 1] int64: the band of every bin, `count` bands of equal width on the ERB-rate scale (Glasberg and Moore 1990) from 0 to
    half the
    rate, at least one bin each."""
    rate = lambda f: 21.4 * math.log10(1 + 0.00437 * f)
    bins = size // 2 + 1
    edges = (10 ** (torch.linspace(0, rate(sample_rate / 2), count + 1, dtype=torch.float64) / 21.4) - 1) / 0.00437
    lowest = (edges[:-1] * size / sample_rate).round().long()
    for i in range(1, count):
        lowest[i] = max(lowest[i], lowest[i - 1] + 1)
    return torch.searchsorted(lowest, torch.arange(bins), right=True) - 1


def stereo_image(audio, size, hop, band, count):
    """audio [B, 2, n] -> (pan, width), each [B, n // hop, count]: of side S = (L - R) / 2 over mid M = (L + R) / 2 in every band
    pan = sum Re(M conj S) / sum |M|^2, the part of the side that is the mid (1 hard left, -1 hard right), within [-1, 1], and
    width = sqrt(sum |S|^2 / sum |M|^2 - pan^2), the level of the rest, at most 1."""
    mid, side = (framed_stft(x, size, hop) for x in ((audio[:, 0] + audio[:, 1]) / 2, (audio[:, 0] - audio[:, 1]) / 2))
    sums = lambda x: torch.zeros(*x.shape[:2], count, device=x.device).index_add_(2, band.to(x.device), x)
    energy = sums(mid.real.square() + mid.imag.square()) + 1e-6
    common = sums(mid.real * side.real + mid.imag * side.imag) / energy
    rest = (sums(side.real.square() + side.imag.square()) / energy - common.square()).clamp(min=0).sqrt()
    return common.clamp(-1, 1), rest.clamp(max=1)
