"""Spectral reconstruction losses and measures for the VAE."""

import math

import torch
import torch.nn.functional as F

from .models.spectrum import framed_stft, hann, mel_filters, stereo_image


def magnitude(audio, size):
    """|STFT| at a quarter hop with a Hann window scaled so that white noise has the same level at every size: [B, T, bins]."""
    pad = size // 2
    frames = F.pad(audio, (pad, pad)).unfold(-1, size, size // 4)
    spectrum = torch.fft.rfft(frames * (hann(size, audio.device) * (2.0 / size) ** 0.5 * 16))
    return (spectrum.real.square() + spectrum.imag.square() + 1e-6).sqrt()


class SpectralLoss:
    """Mean over FFT sizes of L1(log|S|) + 0.5 * L1(|S|) / mean|S|, plus L1 of log-mel at the sizes in `mels` {size: bands}.

    Long windows (2048, 4096) teach pitch, short ones onsets (docs/training.md section 2). `pitch`, an FFT size (8192), adds L1 of log
    energy in
    third tones from 40 Hz to 4 kHz at that size, quantity `pitch`: a wrong semitone in the bass costs as much as one in the melody.
    """

    def __init__(self, sample_rate, sizes, mels, device='cpu', pitch=None):
        self.sizes, self.pitch = sizes, pitch
        self.mels = {int(n): mel_filters(sample_rate, int(n), bands).to(device) for n, bands in mels.items()}
        self.tones = third_tones(sample_rate, pitch).to(device) if pitch else None

    def __call__(self, output, target):
        """output, target [B, n] -> dict of scalar tensors: stft, mel."""
        stft = mel = 0.0
        for size in sorted({*self.sizes, *self.mels}):
            a = magnitude(output, size)
            with torch.no_grad():
                b = magnitude(target, size)
            if size in self.sizes:
                log_part = ((a + 1e-2).log() - (b + 1e-2).log()).abs().mean()
                stft = stft + (log_part + 0.5 * (a - b).abs().mean() / (b.mean() + 1e-3)) / len(self.sizes)
            if size in self.mels:
                w = self.mels[size]
                mel = mel + ((a @ w + 1e-3).log() - (b @ w + 1e-3).log()).abs().mean() / len(self.mels)
        losses = {'stft': stft, 'mel': mel}
        if self.pitch:
            a, b = (magnitude(x, self.pitch)[..., : len(self.tones)] @ self.tones for x in (output, target))
            losses['pitch'] = ((a + 1e-3).log() - (b + 1e-3).log()).abs().mean()
        return losses


class PhaseLoss:
    """What the running phase of a RunningPhaseDecoder learns from: how far every bin's phase turns from frame to frame in the target.

    With X the target's framed STFT, C[t] = X[t] conj X[t-1], e = C / |C| and w = sqrt|C| over its mean:
        advance = mean(w |c - e|^2), a squared error, so that |c| becomes the mean resultant length and tells how noisy the bin is;
        lock    = cross-entropy of the pitch logits against the tempered pitch nearest to the bin's true frequency, weighted by w, where
                  that frequency lies within 1.5 bins of the bin's centre and inside the range of pitches.
    The true frequency is how far the bin's own phase turns in one frame. With `lines`, it is that of the line which a window of half
    a second finds for the bin (`LinePitch`): a bin of 40 ms holds several lines of the bass, and its phase turns with none of them.
    """

    def __init__(self, decoder, sample_rate, reference_pitch=440.0, lowest=24, per_semitone=1, lines=False):
        self.size, self.hop, self.locked, self.rate = decoder.size, decoder.hop, decoder.locked, sample_rate
        self.count, self.lowest, self.reference, self.per_semitone = len(decoder.frequency), lowest, reference_pitch, per_semitone
        self.bands, self.band = decoder.bands, getattr(decoder, 'band', None)
        self.lines = LinePitch(decoder, sample_rate) if lines else None

    def targets(self, audio):
        """audio [B, n] -> (e complex [B, T, K], weight [B, T, K], pitch [B, T, locked] int64, its weight): frame 0 has weight 0."""
        x = framed_stft(audio, self.size, self.hop)
        product = F.pad(torch.view_as_real(x[:, 1:] * x[:, :-1].conj()), (0, 0, 0, 0, 1, 0))
        turn = torch.view_as_complex(product.contiguous())
        size = turn.abs()
        e = torch.where(size > 0, turn / size.clamp(min=1e-20), torch.ones_like(turn))
        weight = size.sqrt()
        weight = weight / weight.mean().clamp(min=1e-9)
        if self.lines:
            pitch, fits = self.lines(audio, weight.shape[1])
            return e, weight, pitch, weight[..., : self.locked] * fits
        bins = torch.arange(self.locked, device=audio.device)
        own = 2 * math.pi * self.hop / self.size * bins
        beyond = torch.remainder(e[..., : self.locked].angle() - own + math.pi, 2 * math.pi) - math.pi
        width = self.rate / self.size
        beyond = beyond / (2 * math.pi) * self.rate / self.hop  # Hz from the bin's centre
        frequency = (bins * width + beyond).clamp(min=1.0)
        pitch = ((69 + 12 * torch.log2(frequency / self.reference) - self.lowest) * self.per_semitone).round().long()
        fits = (beyond.abs() < 1.5 * width) & (pitch >= 0) & (pitch < self.count)
        return e, weight, pitch.clamp(0, self.count - 1), weight[..., : self.locked] * fits

    def __call__(self, parts, audio, inside=slice(None)):
        """`parts` of the decoder, audio [B, hop * T] or [B, 2, hop * T] -> {advance, lock, direction, image}, over the frames `inside`.

        image, for stereo: mean |pan - pan'| + 0.25 |log(width + 0.01) - log(width' + 0.01)| weighted by the root of the band's energy."""
        _, c, logits, (pan, width) = parts
        mid = audio.mean(1) if audio.ndim == 3 else audio
        with torch.no_grad():
            e, w, pitch, locked = (x[:, inside] for x in self.targets(mid))
            e, w = e[..., : c.shape[-1]], w[..., : c.shape[-1]]
        c, logits = c[:, inside], logits[:, inside]
        losses = {'advance': (w * torch.view_as_real(c - e).square().sum(-1)).mean()}
        entropy = F.cross_entropy(logits.flatten(0, 2), pitch.flatten(), reduction='none')
        losses['lock'] = (entropy * locked.flatten()).sum() / locked.sum().clamp(min=1e-9)
        if self.bands:
            with torch.no_grad():
                true_pan, true_width = (x[:, inside] for x in stereo_image(audio, self.size, self.hop, self.band, self.bands))
                energy = framed_stft(mid, self.size, self.hop)[:, inside].abs().square()
                loud = torch.zeros_like(true_pan).index_add_(2, self.band, energy).sqrt()
                loud = loud / loud.mean().clamp(min=1e-9)
            narrow = lambda x: (x + 0.01).log()
            off = (pan[:, inside] - true_pan).abs() + 0.25 * (narrow(width[:, inside].clamp(max=0).exp()) - narrow(true_width)).abs()
            losses['image'] = (loud * off).mean()
        with torch.no_grad():  # weighted cosine between said and true advance: 1 is perfect, not learnt from
            losses['direction'] = (w * (c / c.abs().clamp(min=1e-9) * e.conj()).real).sum() / w.sum()
        return losses


class LinePitch:
    """The tempered pitch whose line a long window finds strongest in every tuned bin: argmax_p log(|A_p| + 1e-4) + log(W(f_p N / SR - k) +
    1e-4), A_p the amplitude of the clip at the pitch's frequency f_p in a Hann window of `SECONDS` around the frame.

    Measured: such advances keep as many lines as any window from 0.34 to 0.68 s does (8 clips: 0.744, 0.616 below 260 Hz)."""

    SECONDS, RATE = 0.5, 3000  # the tuned bins end at 1 kHz

    def __init__(self, decoder, sample_rate):
        self.step, self.hop = sample_rate // self.RATE, decoder.hop * self.RATE // sample_rate
        if self.step * self.RATE != sample_rate or self.hop * self.step != decoder.hop:
            raise ValueError(f'sample rate {sample_rate} Hz with hop {decoder.hop} does not divide down to {self.RATE} Hz')
        taps = torch.arange(-8 * self.step, 8 * self.step + 1)
        fir = torch.sinc(taps / self.step) * torch.hann_window(len(taps) + 2, periodic=False)[1:-1]
        self.fir = (fir / fir.sum())[None, None]
        size = 2 * round(self.SECONDS * self.RATE / 2)
        turn = 2 * math.pi * torch.outer(torch.arange(size, dtype=torch.float64), decoder.frequency.double() / self.RATE)
        window = torch.hann_window(size, dtype=torch.float64)[:, None]
        self.size, self.probe = size, torch.cat([window * turn.cos(), window * turn.sin()], 1).float()  # [size, 2 P]
        self.shape = decoder.shape  # [bins, P]
        centre = torch.arange(decoder.locked)[:, None] * sample_rate / decoder.size
        self.near = (decoder.frequency - centre).abs() < 1.5 * sample_rate / decoder.size  # [bins, P]

    def salience(self, audio, frames, chosen=slice(None)):
        """audio [B, n] -> log amplitude of every tempered pitch at the `chosen` of its frames, [B, chosen, P]."""
        low = F.conv1d(audio[:, None], self.fir.to(audio.device), stride=self.step, padding=8 * self.step)[:, 0]
        rows = F.pad(low, (self.size // 2, self.size // 2 + self.hop)).unfold(1, self.size, self.hop)[:, :frames][:, chosen]
        real, imag = (rows @ self.probe.to(audio.device)).chunk(2, -1)
        return ((real.square() + imag.square()).sqrt() + 1e-4).log()

    def __call__(self, audio, frames):
        """audio [B, n] -> (pitch [B, frames, bins] int64, whether its line lies within 1.5 bins [B, frames, bins] bool)."""
        shape, near = self.shape.to(audio.device), self.near.to(audio.device)
        salience = self.salience(audio, frames)
        pitch = torch.stack([(salience + s).argmax(-1) for s in shape], -1)
        return pitch, torch.stack([near[k][pitch[..., k]] for k in range(len(near))], -1)


def third_tones(sample_rate, size, low=40.0, high=4000.0, per_octave=36):
    """[bins, bands]: triangles a third of a semitone wide to each side, at least one bin, each of unit sum."""
    centres = low * 2 ** (torch.arange(int(math.log2(high / low) * per_octave)) / per_octave)
    width = (centres * (2 ** (1 / per_octave) - 1)).clamp(min=sample_rate / size)
    freq = torch.arange(int(high * size / sample_rate) + 2) * sample_rate / size
    weight = (1 - (freq[:, None] - centres).abs() / width).clamp(min=0)
    return weight / weight.sum(0, keepdim=True)


def chroma(audio, sample_rate):
    """Chroma of the 4096-point spectrum from 100 to 2500 Hz: [B, T, 12], square root of energy, unit norm a frame."""
    size = 4096
    power = magnitude(audio, size).square()
    freq = torch.arange(size // 2 + 1, device=audio.device) * sample_rate / size
    pitch = 69 + 12 * torch.log2(freq.clamp(min=1) / 440)
    fold = F.one_hot(pitch.round().long() % 12, 12).float() * ((freq > 100) & (freq < 2500)).float()[:, None]
    return F.normalize((power @ fold).clamp(min=1e-10).sqrt(), dim=-1)


def chroma_cosine(a, b, sample_rate):
    return (chroma(a, sample_rate) * chroma(b, sample_rate)).sum(-1).mean()


def log_mel_distance(a, b, sample_rate):
    """Mean L1 of log-mel (FFT 1024, 80 bands, floor 1e-3) in nats."""
    w = mel_filters(sample_rate, 1024, 80).to(a.device)
    mels = [
        (torch.stft(x, 1024, 256, window=hann(1024, x.device), return_complex=True).abs().transpose(1, 2) @ w + 1e-3).log() for x in (a, b)
    ]
    return (mels[0] - mels[1]).abs().mean()


@torch.no_grad()
def baselines(audio, sample_rate):
    """What held-out measures of audio [B, n] are compared with: `mean_mel`, the log-mel distance of a sound that stands still at every
    clip's mean
    log-mel, and `other_chroma`, the chroma cosine with another clip."""
    w = mel_filters(sample_rate, 1024, 80).to(audio.device)
    mel = (torch.stft(audio, 1024, 256, window=hann(1024, audio.device), return_complex=True).abs().transpose(1, 2) @ w + 1e-3).log()
    return {'mean_mel': (mel - mel.mean(1, keepdim=True)).abs().mean(), 'other_chroma': chroma_cosine(audio, audio.roll(1, 0), sample_rate)}
