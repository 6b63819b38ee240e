"""Semantic features at 25 Hz: what a token is made of. Only framed STFT → power → matrix → log or square root → matrix, so that the engine
can repeat it. One frame is 960 samples of 24 kHz audio, frame t centred on sample 960·t + 480, zeros outside the clip.

    p4 = |STFT 4096, hop 960|²      chroma = √(p4 · chroma + 1e-8) ; ÷ max(its largest, 1)                        12 numbers, C first
    p8 = |STFT 8192, hop 960|²      bass   = √(p8 · bass + 1e-8)   ; ÷ max(its largest, 1)                        12 numbers, C first
    p1 = |STFT 1024, hop 480|²      (two per token)
      b = log(p1 · onset + 1e-3)    onset  = min(relu(b[2t] − b[2t−1]) + relu(b[2t+1] − b[2t]), 4); b[−1] = b[0]   3 numbers: low, mid, high
      m = log(p1 · mel + 1e-4)      timbre = (mean of the token's two m − mel_mean) · mel_basis                    1 energy + 12 timbre
    features = [chroma, bass, onset, energy, timbre] · scale                                                       40 numbers

STFTs use periodic Hann windows without normalisation (models/spectrum.py framed_stft). The matrices are buffers and are exported;
mel_mean, mel_basis and scale are fitted on data by `fit_mel_pca`.
"""

from __future__ import annotations

import math

import torch
from torch import nn

from .models.spectrum import framed_stft, mel_filters

SAMPLE_RATE, HOP, RATE = 24000, 960, 25
CHROMA, BASS, ONSET, ENERGY, TIMBRE = slice(0, 12), slice(12, 24), slice(24, 27), slice(27, 28), slice(28, 40)
COUNT, MEL_BANDS = 40, 48
PARTS = (12, 12, 3, MEL_BANDS)  # widths of what parts() returns
ONSET_EDGES = ((30.0, 200.0), (200.0, 2000.0), (2000.0, 10000.0))  # kick and bass · snare, chords, melody · hats
# total variance each group has after `scale`, before k-means: onsets and energy count 1.5–2 times their plain share (docs/training.md §3)
GROUP_VARIANCE = {'onset': 1.2, 'energy': 0.5, 'timbre': 1.2}


def chroma_matrix(size: int, low: float, high: float, sample_rate: int = SAMPLE_RATE) -> torch.Tensor:
    """[size // 2 + 1, 12]: bin → pitch classes, triangles one semitone wide to each side, between `low` and `high` Hz."""
    freq = torch.arange(size // 2 + 1, dtype=torch.float64) * sample_rate / size
    pitch = 69 + 12 * torch.log2(freq.clamp(min=1.0) / 440)
    distance = (pitch[:, None] - torch.arange(12) + 6) % 12 - 6
    weight = (1 - distance.abs()).clamp(min=0)
    return (weight * ((freq >= low) & (freq <= high))[:, None]).float()


def band_matrix(size: int, edges: tuple, sample_rate: int = SAMPLE_RATE) -> torch.Tensor:
    """[size // 2 + 1, bands]: mean power of each band."""
    freq = torch.arange(size // 2 + 1, dtype=torch.float64) * sample_rate / size
    weight = torch.stack([((freq >= lo) & (freq < hi)).double() for lo, hi in edges], 1)
    return (weight / weight.sum(0)).float()


class SemanticFeatures(nn.Module):
    """forward: audio [B, n] at 24 kHz → [B, n // 960, 40]. Until fitted, mel_basis is zero and only chroma, bass and onsets speak."""

    def __init__(self):
        super().__init__()
        self.register_buffer('chroma', chroma_matrix(4096, 100.0, 2500.0))
        self.register_buffer('bass', chroma_matrix(8192, 30.0, 260.0))
        self.register_buffer('onset', band_matrix(1024, ONSET_EDGES))
        self.register_buffer('mel', mel_filters(SAMPLE_RATE, 1024, MEL_BANDS, 30.0, 11500.0))
        self.register_buffer('mel_mean', torch.zeros(MEL_BANDS))
        self.register_buffer('mel_basis', torch.zeros(MEL_BANDS, 13))
        self.register_buffer('scale', torch.ones(COUNT))

    def _pitch(self, audio: torch.Tensor, size: int, matrix: torch.Tensor) -> torch.Tensor:
        used = int(matrix.any(1).nonzero().max()) + 1  # the bins above are multiplied by zero
        c = (_power(audio, size, HOP, used) @ matrix[:used] + 1e-8).sqrt()
        return c / c.amax(-1, keepdim=True).clamp(min=1.0)

    def parts(self, audio: torch.Tensor) -> tuple:
        """(chroma, bass [B, T, 12], onset [B, T, 3], log-mel [B, T, 48]) before basis and scale."""
        frames = audio.shape[-1] // HOP
        if frames == 0:
            raise ValueError(f'semantic features need at least {HOP} samples, got {audio.shape[-1]}')
        audio = audio[..., : frames * HOP]
        fine = _power(audio, 1024, HOP // 2)  # [B, 2T, 513]
        band = (fine @ self.onset + 1e-3).log()
        rise = (band - torch.cat([band[:, :1], band[:, :-1]], 1)).clamp(min=0)
        onset = rise.reshape(len(audio), frames, 2, 3).sum(2).clamp(max=4.0)
        mel = (fine @ self.mel + 1e-4).log().reshape(len(audio), frames, 2, MEL_BANDS).mean(2)
        return self._pitch(audio, 4096, self.chroma), self._pitch(audio, 8192, self.bass), onset, mel

    def forward(self, audio: torch.Tensor) -> torch.Tensor:
        return self.join(*self.parts(audio))

    def join(self, chroma: torch.Tensor, bass: torch.Tensor, onset: torch.Tensor, mel: torch.Tensor) -> torch.Tensor:
        """The parts of parts() → [B, T, 40]. A --parts-only shard holds them side by side: join(*parts.split(PARTS, -1))."""
        return torch.cat([chroma, bass, onset, (mel - self.mel_mean) @ self.mel_basis], -1) * self.scale

    @torch.no_grad()
    def fit(self, batches) -> SemanticFeatures:
        """Fit mel_mean, mel_basis and scale on batches of audio [B, n] (a few minutes of varied music are enough)."""
        onsets, mels = [], []
        for audio in batches:
            _, _, onset, mel = self.parts(audio)
            onsets.append(onset.reshape(-1, 3))
            mels.append(mel.reshape(-1, MEL_BANDS))
        onset, mel = torch.cat(onsets).double(), torch.cat(mels).double()
        self.mel_mean.copy_(mel.mean(0))
        centred = mel - mel.mean(0)
        energy = torch.full((MEL_BANDS, 1), 1 / MEL_BANDS, dtype=torch.float64, device=mel.device)
        shape = centred - centred.mean(1, keepdim=True)  # the energy is a number of its own
        values, vectors = torch.linalg.eigh(shape.T @ shape / len(shape))
        vectors = vectors.flip(1)[:, :12]
        vectors = vectors * _sign(vectors)
        self.mel_basis.copy_(torch.cat([energy, vectors], 1))
        scale = torch.ones(COUNT, dtype=torch.float64)
        scale[ONSET] = math.sqrt(GROUP_VARIANCE['onset'] / 3) / onset.std(0)
        scale[ENERGY] = math.sqrt(GROUP_VARIANCE['energy']) / (centred @ energy).std()
        scale[TIMBRE] = math.sqrt(GROUP_VARIANCE['timbre'] / float(values.flip(0)[:12].sum()))
        self.scale.copy_(scale)
        return self


def _power(audio: torch.Tensor, size: int, hop: int, bins: int | None = None) -> torch.Tensor:
    s = framed_stft(audio, size, hop)[..., :bins]
    return s.real.square() + s.imag.square()


def _sign(vectors: torch.Tensor) -> torch.Tensor:
    """Eigenvectors have no sign: make the largest entry of each column positive, so that fits agree between machines."""
    largest = vectors.abs().argmax(0)
    return torch.sign(vectors[largest, torch.arange(vectors.shape[1], device=vectors.device)])


def fit_mel_pca(batches, device='cpu') -> SemanticFeatures:
    """A fitted SemanticFeatures from an iterable of audio batches [B, n] at 24 kHz."""
    return SemanticFeatures().to(device).fit(x.to(device) for x in batches)


def rotate_each(features: torch.Tensor, semitones: torch.Tensor) -> torch.Tensor:
    """rotate_keys with a number of semitones for every row: features [B, T, 40], semitones [B]."""
    place = (torch.arange(12, device=features.device) - semitones.to(features.device)[:, None]) % 12  # [B, 12]
    place = place[:, None].expand(-1, features.shape[1], -1)
    return torch.cat([features[..., CHROMA].gather(2, place), features[..., BASS].gather(2, place), features[..., 24:]], -1)


def rotate_keys(features: torch.Tensor, semitones: int) -> torch.Tensor:
    """Features of the same music `semitones` higher (chroma and bass chroma roll, the rest stays): data augmentation. [..., 40]."""
    return torch.cat([features[..., CHROMA].roll(semitones, -1), features[..., BASS].roll(semitones, -1), features[..., 24:]], -1)
