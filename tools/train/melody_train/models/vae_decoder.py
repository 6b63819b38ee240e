"""VAE-GAN decoder: latents [B, L, D] -> audio [B, hop * L], or [B, 2, hop * L] with `image`, in [-1, 1]. docs/system.md section 6.

kind 'istft_running'  (shipped): ConvNeXt trunk at the frame rate, upsampled by `upsample`; magnitude and phase *advance* a bin, summed up
                                 over frames; inverse STFT. Held tones keep their pitch.
kind 'istft_convnext' (older):   the same trunk with an absolute phase a frame: its tones snap to multiples of the frame rate.
kind 'hifigan'        (paper):   transposed convolutions and multi-receptive-field residual blocks.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

from .layers import ConvNeXt, LayerNorm
from .spectrum import erb_bands, framed_istft


def vae_decoder(config):
    kinds = {'istft_running': RunningPhaseDecoder, 'istft_convnext': IstftConvNextDecoder, 'hifigan': HifiGanDecoder}
    return kinds[config['kind']](config)


class Trunk(nn.Module):
    """z [B, L, D] -> Linear(D -> dim) -> LayerNorm -> low blocks -> Linear(dim -> upsample * dim), reshaped to more frames -> high blocks
    -> LayerNorm -> `head`, Linear(dim -> outputs): [B, upsample * L, outputs] in float32."""

    def __init__(self, c, outputs):
        super().__init__()
        self.upsample, self.size = c['upsample'], c['fft_size']
        self.hop, self.bins = c['hop_length'] // c['upsample'], c['fft_size'] // 2 + 1
        layers = c['low_layers'] + c['high_layers']
        block = lambda: ConvNeXt(c['dim'], c['ffn'], c['kernel'], 1 / layers)
        self.embed = nn.Linear(c['latent_dim'], c['dim'])
        self.norm_in = LayerNorm(c['dim'])
        self.low = nn.ModuleList(block() for _ in range(c['low_layers']))
        self.expand = nn.Linear(c['dim'], c['upsample'] * c['dim'])
        self.high = nn.ModuleList(block() for _ in range(c['high_layers']))
        self.norm_out = LayerNorm(c['dim'])
        self.head = nn.Linear(c['dim'], outputs)
        with torch.no_grad():
            self.head.bias[: self.bins] -= 2.0

    def head_of(self, z):
        x = self.norm_in(self.embed(z))
        for block in self.low:
            x = block(x)
        x = self.expand(x).unflatten(2, (self.upsample, -1)).flatten(1, 2)
        for block in self.high:
            x = block(x)
        return self.head(self.norm_out(x)).float()

    def synthesise(self, log_magnitude, phase):
        """S = exp(min(log_magnitude, 5)) (cos phase + i sin phase), [B, T, bins], radians -> audio [B, hop * T], not clipped."""
        magnitude = log_magnitude.clamp(max=5.0).exp()
        spectrum = torch.complex(magnitude * phase.cos(), magnitude * phase.sin())
        return framed_istft(spectrum, self.size, self.hop)

    def forward(self, z):
        return self.unclipped(z).clamp(-1, 1)


class IstftConvNextDecoder(Trunk):
    """Trunk -> 2 * bins numbers a frame = (log magnitude, phase) -> inverse STFT -> clip to [-1, 1]."""

    def __init__(self, c):
        super().__init__(c, 2 * (c['fft_size'] // 2 + 1))

    def unclipped(self, z):
        return self.synthesise(*self.head_of(z).chunk(2, -1))


class RunningPhaseDecoder(Trunk):
    """Trunk -> log magnitude [K], direction (a, b) [K] each and salience [P] a frame -> advance of every bin's phase -> running phase ->
    inverse STFT.

    With K bins, hop H, size N, rate SR, bin k and tempered pitch p of frequency f_p (MIDI `lowest` ... `lowest + count - 1`):
        c[t,k]       = (a + ib) exp(2 pi i k H / N)
        advance[t,k] = f_p H / SR, p = argmax_p s[t,p] + log(W(f_p N / SR - k) + 1e-4)          for k < `bins` of `pitches`
                     = (arg c + eps sqrt(-2 ln |c|)) / 2 pi, eps ~ N(0, 1)                       above
        phase[t,k]   = phase[t-1,k] + advance[t,k] turns, from a random start
    W is the line shape of a Hann window. |c| learns to be the length of the mean direction, so it says how noisy a bin is.
    A frame that says an absolute phase repeats every hop for as long as its latent is held, and can only sound multiples of the frame rate
    (horizontal phase coherence: arXiv 2208.12782).

    `directed` (default K) is how many bins have a direction; the ones above are noise, whose phase turns by chance (|c| = 0.01).
    With `image` {bands} the head also says pan and log width of every ERB band, and this sound is the mid M of a stereo pair:
        S[k] = (pan + width exp(i phi[k])) M[k],  L = M + S,  R = M - S
    phi[k] = pi k / 2 + 1.5 sin(2 pi k / 37), a delay of 10 ms that sways by 1.6 ms over frequency (Lauridsen's pseudo-stereo, its comb
    blurred).
    The mean of both channels is the mid exactly."""

    def __init__(self, c):
        bins, p = c['fft_size'] // 2 + 1, c['pitches']
        self.directed, self.bands = c.get('directed', bins), c.get('image', {}).get('bands', 0)
        super().__init__(c, bins + 2 * self.directed + p['count'] + 2 * self.bands)
        rate = c['sample_rate']
        self.locked, self.count, self.smooth = p['bins'], p['count'], p.get('smooth', 0)
        index = torch.arange(p['count'], dtype=torch.float64) / p.get('per_semitone', 1)
        frequency = c['reference_pitch'] * 2 ** ((p['lowest'] + index - 69) / 12)
        self.register_buffer('frequency', frequency.float(), persistent=False)  # Hz [P]
        self.register_buffer('shape', self.line_shape(frequency, rate), persistent=False)  # [locked bins, P]
        self.register_buffer('turns', (frequency * self.hop / rate).float(), persistent=False)  # a frame [P]
        with torch.no_grad():
            a, b, s = bins, bins + self.directed, bins + 2 * self.directed
            nn.init.normal_(self.head.weight[a:s], std=0.01)
            nn.init.zeros_(self.head.weight[s:])
            self.head.bias[a:b], self.head.bias[b:] = 1.0, 0.0
            self.head.bias[s + self.count + self.bands :] = -2.0  # width
        if self.bands:
            self.register_buffer('band', erb_bands(rate, self.size, self.bands), persistent=False)
            k = torch.arange(bins, dtype=torch.float64)
            angle = math.pi / 2 * k + 1.5 * torch.sin(2 * math.pi * k / 37)
            self.register_buffer('decorrelation', torch.polar(torch.ones(bins), angle.float()), persistent=False)

    def line_shape(self, frequency, rate):
        """Log magnitude that a line of each frequency, Hz [P] float64, has in the tuned bins: [locked bins, P]."""
        bins = torch.arange(self.locked, dtype=torch.float64)[:, None]
        return (hann_line(frequency * self.size / rate - bins) + 1e-4).log().float()

    def parts(self, z):
        """z [B, L, D] -> (log magnitude [B, T, K], c complex [B, T, directed], pitch logits [B, T, locked, P], (pan, log width) [B, T,
        bands] each)."""
        return self.parts_of(self.head_of(z))

    def parts_of(self, head, tuned=None):
        """The same of what `head_of` said. `tuned` [B, T, P]: the salience to choose pitches by, in place of the smoothed one."""
        d = self.directed
        log_magnitude, a, b, salience, pan, width = head.split([self.bins, d, d, self.count, self.bands, self.bands], -1)
        tuned = self.smoothed(salience) if tuned is None else tuned
        own = 2 * math.pi * self.hop / self.size * torch.arange(d, device=head.device)
        c = torch.complex(a, b) * torch.polar(torch.ones_like(own), own)
        return log_magnitude, c, tuned[:, :, None] + self.shape, (pan, width)

    def smoothed(self, salience):
        """[B, T, P], the mean over the frames that there are up to `smooth` of `pitches` to each side; in training each frame says its own.
        A choice that
        changes from frame to frame sounds between two pitches (measured: lines kept below 260 Hz 0.47 -> 0.52 with 4 frames)."""
        if self.training or not self.smooth:
            return salience
        width = 2 * self.smooth + 1
        return F.avg_pool1d(salience.transpose(1, 2), width, 1, self.smooth, count_include_pad=False).transpose(1, 2)

    def advance(self, c, logits, noise=None):
        """Turns a frame [B, T, K]; no gradient. noise [B, T, K] ~ N(0, 1) (default: drawn)."""
        with torch.no_grad():
            c = F.pad(torch.view_as_real(c), (0, 0, 0, self.bins - self.directed))
            c = torch.view_as_complex(c.contiguous())
            noise = torch.randn_like(c.real) if noise is None else noise
            width = (-2 * c.abs().clamp(0.01, 0.9999).log()).sqrt()
            free = (c.angle() + width * noise) / (2 * math.pi)
            return torch.cat([self.turns[logits.argmax(-1)], free[..., self.locked :]], -1)

    def phase(self, c, logits, noise=None, start=None):
        """[B, T, K] radians. start [B, K] turns: the phase before the first frame (default: random). No gradient: through the summed phase
        it
        would teach the advance nothing (measured)."""
        advance = self.advance(c, logits, noise).double()
        start = torch.rand_like(advance[:, 0]) if start is None else start
        return (2 * math.pi * ((start[:, None] + advance.cumsum(1)) % 1.0)).float()

    def sound(self, parts, noise=None, start=None):
        """`parts` -> the mid [B, n], not clipped, with gradients for the magnitudes."""
        log_magnitude, c, logits, _ = parts
        return self.synthesise(log_magnitude, self.phase(c, logits, noise, start))

    def side(self, parts, noise=None, start=None):
        """`parts` -> the side [B, n] that belongs to the same noise and start."""
        log_magnitude, c, logits, (pan, width) = parts
        phase = self.phase(c, logits, noise, start)
        spread = pan.clamp(-1, 1)[..., self.band] + width.clamp(max=0).exp()[..., self.band] * self.decorrelation
        spectrum = torch.polar(log_magnitude.clamp(max=5.0).exp(), phase) * spread
        return framed_istft(spectrum, self.size, self.hop)

    def unclipped(self, z, noise=None, start=None):
        parts = self.parts(z)
        if not self.bands:
            return self.sound(parts, noise, start)
        shape = (*parts[0].shape[:2], self.bins)
        noise = torch.randn(shape, device=z.device) if noise is None else noise
        start = torch.rand(shape[0], self.bins, device=z.device) if start is None else start
        mid, side = self.sound(parts, noise, start), self.side(parts, noise, start)
        return torch.stack([mid + side, mid - side], 1)


def hann_line(distance):
    """|W(d)| of a Hann window's spectrum at `distance` bins from its line, 1 at 0, 0 from 3 bins on."""
    d = distance.abs()
    value = (torch.sinc(d) / (1 - d * d)).abs()
    value = torch.where((d - 1).abs() < 1e-6, torch.full_like(d, 0.5), value)
    return torch.where(d < 3, value, torch.zeros_like(d))


class ResidualStack(nn.Module):
    """HiFi-GAN residual block: for each dilation x += conv_1(lrelu(conv_d(lrelu(x)))), zero padding, length kept."""

    def __init__(self, channels, kernel, dilations, slope):
        super().__init__()
        self.slope = slope
        self.dilated = nn.ModuleList(nn.Conv1d(channels, channels, kernel, dilation=d, padding=d * (kernel // 2)) for d in dilations)
        self.plain = nn.ModuleList(nn.Conv1d(channels, channels, kernel, padding=kernel // 2) for _ in dilations)

    def forward(self, x):
        for dilated, plain in zip(self.dilated, self.plain):
            x = x + plain(F.leaky_relu(dilated(F.leaky_relu(x, self.slope)), self.slope))
        return x


class HifiGanDecoder(nn.Module):
    """conv7(D -> channels[0]) -> per stage {lrelu, transposed conv, mean of residual blocks} -> lrelu -> conv7 -> tanh.

    A transposed convolution of kernel k and rate r crops (k - r) samples, floor half on the left, so length n becomes r * n exactly.
    channels[i] is the input width of stage i; its output width is channels[i + 1], or half of the last one.
    """

    def __init__(self, c):
        super().__init__()
        self.rates, self.kernels, self.slope = c['rates'], c['kernels'], c['leaky_slope']
        widths = [*c['channels'], c['channels'][-1] // 2]
        self.stem = nn.Conv1d(c['latent_dim'], widths[0], 7, padding=3)
        self.ups, self.stacks = nn.ModuleList(), nn.ModuleList()
        for i, (rate, kernel) in enumerate(zip(self.rates, self.kernels)):
            self.ups.append(nn.ConvTranspose1d(widths[i], widths[i + 1], kernel, rate))
            self.stacks.append(nn.ModuleList(ResidualStack(widths[i + 1], k, c['dilations'], self.slope) for k in c['residual_kernels']))
        self.head = nn.Conv1d(widths[-1], 1, 7, padding=3)

    def unclipped(self, z):
        x = self.stem(z.transpose(1, 2))
        for up, stacks, rate, kernel in zip(self.ups, self.stacks, self.rates, self.kernels):
            length = x.shape[-1] * rate
            left = (kernel - rate) // 2
            x = up(F.leaky_relu(x, self.slope))[..., left : left + length]
            x = sum(stack(x) for stack in stacks) / len(stacks)
        return torch.tanh(self.head(F.leaky_relu(x, self.slope)))[:, 0].float()

    forward = unclipped
