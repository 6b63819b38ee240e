"""Details: numbers beside a codec's latents, that correct what its decoder says. Encoder and decoder stay as they are; without details they
sound as before.

A block is `frames` latent frames, 80 ms. Two pairs of networks, each with numbers of its own:
    pitches      hear every tempered pitch in a window of 16,384 samples, and correct the salience that the decoder chooses pitches by
    magnitudes   hear the log magnitudes of the bins low ... high (1 to 4 kHz), and correct those that the decoder says
Both know what the decoder says by itself, so they need not tell it again. Why these: docs/training.md section 7.
"""

import torch
import torch.nn.functional as F
from torch import nn

from .layers import ConvNeXt, LayerNorm
from .spectrum import framed_stft

FLOOR = 5e-3  # of magnitudes
WINDOW = 16384  # samples, 0.34 s at 48 kHz
QUIET = 3.0  # nats under the loudest pitch from which on levels are as good as silence


class Correction(nn.Module):
    """[features, context] -> linear map + ConvNeXt blocks -> `latent_dim` numbers of mean 0 and variance 1; [these, context] -> linear map
    + ConvNeXt blocks -> corrections. `start` sets the linear maps."""

    def __init__(self, features, context, outputs, c):
        super().__init__()
        self.features = features
        for name, n in (('features', features), ('context', context)):
            self.register_buffer(f'{name}_mean', torch.zeros(n))
            self.register_buffer(f'{name}_deviation', torch.ones(n))
        n = c['latent_dim']
        self.hear_line, self.hear = nn.Linear(features + context, n), Blocks(features + context, n, c)
        self.norm = nn.BatchNorm1d(n, affine=False, momentum=0.01)
        self.say_line, self.say = nn.Linear(n + context, outputs), Blocks(n + context, outputs, c)

    def known(self, context):
        return (context - self.context_mean) / self.context_deviation

    def latents(self, features, context):
        """[B, N, features], [B, N, context] -> [B, N, latent_dim]."""
        x = torch.cat([(features - self.features_mean) / self.features_deviation, self.known(context)], -1)
        return self.norm((self.hear_line(x) + self.hear(x)).transpose(1, 2)).transpose(1, 2)

    def forward(self, latents, context):
        x = torch.cat([latents, self.known(context)], -1)
        return self.say_line(x) + self.say(x)

    @torch.no_grad()
    def start(self, features, context, wanted, weight, share, ridge=10.0):
        """Sets the linear maps from rows of many clips: `share` of the regression of the corrections `wanted` on the context, and of what
        the features add to it along the `latent_dim` axes that tell most (by `weight` [outputs])."""
        for name, x in (('features', features), ('context', context)):
            getattr(self, f'{name}_mean').copy_(x.mean(0))
            getattr(self, f'{name}_deviation').copy_(x.std(0) + 0.05)
        one = torch.ones(len(features), 1)
        known = torch.cat([self.known(context), one], 1).double()
        x = torch.cat([((features - self.features_mean) / self.features_deviation).double(), known], 1)
        y = wanted.double() * weight
        fit = lambda a: torch.linalg.solve(a.T @ a + ridge * torch.eye(a.shape[1], dtype=a.dtype), a.T @ y)
        own, more = fit(known), fit(x)
        more[self.features :] -= own
        added = x @ more
        variance, axes = torch.linalg.eigh(added.T @ added / len(added))
        n = self.hear_line.out_features
        deviation, axes = variance.flip(0)[:n].clamp(min=1e-8).sqrt(), axes.flip(1)[:, :n]
        hear = (more @ axes / deviation).T
        self.hear_line.weight.copy_(hear[:, :-1])
        self.hear_line.bias.copy_(hear[:, -1])
        say = torch.cat([(axes * deviation).T, own]) / weight * share
        self.say_line.weight.copy_(say[:-1].T)
        self.say_line.bias.copy_(say[-1])
        self.norm.running_mean.zero_()
        self.norm.running_var.fill_(1.0)


class Blocks(nn.Module):
    def __init__(self, inputs, outputs, c):
        super().__init__()
        self.embed, self.norm_in = nn.Linear(inputs, c['dim']), LayerNorm(c['dim'])
        self.blocks = nn.ModuleList(ConvNeXt(c['dim'], c['ffn'], c['kernel'], 1 / c['layers']) for _ in range(c['layers']))
        self.norm_out, self.head, self.drop = LayerNorm(c['dim']), nn.Linear(c['dim'], outputs), c.get('dropout', 0.0)
        with torch.no_grad():
            self.head.weight *= 0.1
            self.head.bias.zero_()

    def forward(self, x):
        x = self.norm_in(self.embed(F.dropout(x, self.drop, self.training)))
        for block in self.blocks:
            x = block(x)
        return self.head(F.dropout(self.norm_out(x), self.drop, self.training)).float()


class Detail(nn.Module):
    """`network` of train.detail {frames, bins, around, bass, pitches, magnitudes}; the last two {latent_dim, dim, ffn, kernel, layers,
    dropout}.
    `bins` [low, high) have their magnitudes corrected, those `around` them are heard. `bass` is how many of the lowest pitches have levels
    of their own: the loudest of the others does not silence them."""

    def __init__(self, c):
        super().__init__()
        d, o = c['vae_decoder'], c['train']['detail']['network']
        (self.low, self.high), (self.first, self.last) = o['bins'], o['around']
        self.frames, self.bass = o['frames'], o['bass']
        self.rows, self.size, self.hop = self.frames * d['upsample'], d['fft_size'], d['hop_length']
        self.count, self.latent_dim = d['pitches']['count'], c['latent_dim']
        p, m, heard = o['pitches'], o['magnitudes'], self.last - self.first
        self.pitches = Correction(self.count, self.count + self.latent_dim, self.count, p)
        self.magnitudes = Correction(heard, heard + self.count + self.latent_dim, self.high - self.low, m)
        self.split = p['latent_dim']
        start = d['fft_size'] // 2 + 1 + 2 * d.get('directed', d['fft_size'] // 2 + 1)
        self.salience = slice(start, start + self.count)
        index = torch.arange(self.count, dtype=torch.float64) / d['pitches'].get('per_semitone', 1)
        frequency = d['reference_pitch'] * 2 ** ((d['pitches']['lowest'] + index - 69) / 12)
        bins = next((s['bins'] for s in c['vae_encoder'].get('spectra', ()) if s['size'] == WINDOW), WINDOW // 2)  # that the encoder has
        place = (frequency * WINDOW / d['sample_rate']).clamp(max=bins - 2)
        self.register_buffer('left', place.floor().long(), persistent=False)
        self.register_buffer('rest', (place - place.floor()).float(), persistent=False)

    def mean(self, x, rows):
        """Means of `rows` rows; what is left at the end is no block."""
        return x[:, : x.shape[1] // rows * rows].unflatten(1, (-1, rows)).mean(2)

    def around(self, magnitude):
        """Mean log magnitudes of a block, of the bins that are heard."""
        return self.mean((magnitude[..., self.first : self.last] + FLOOR).log(), self.rows)

    def heard(self, mid):
        """mid [B, n] -> {pitches, magnitudes}: what each network hears of it."""
        spectrum = framed_stft(mid, WINDOW, self.hop)[..., : int(self.left[-1]) + 2].abs()
        levels = self.mean((0.5 * spectrum + 1e-2).log(), self.frames)
        levels = levels[..., self.left] * (1 - self.rest) + levels[..., self.left + 1] * self.rest
        return {'pitches': levels, 'magnitudes': self.around(framed_stft(mid, self.size, self.hop * self.frames // self.rows).abs())}

    def said(self, head, z):
        """The decoder's head [B, T, ...] of z [B, L, D] -> {salience, magnitudes, z} of blocks."""
        return {
            'salience': self.mean(head[..., self.salience], self.rows),
            'magnitudes': self.around(head[..., : self.last].clamp(max=5.0).exp()),
            'z': self.mean(z, self.frames),
        }

    def relative(self, levels):
        """Levels over `QUIET` under the loudest, of the bass and of what is above it."""
        over = lambda x: torch.logaddexp(x, x.max(-1, keepdim=True).values - QUIET) - (x.max(-1, keepdim=True).values - QUIET)
        return torch.cat([over(levels[..., : self.bass]), over(levels[..., self.bass :])], -1)

    def of_pitches(self, heard, said):
        """What `pitches` hears, and its context."""
        return self.relative(heard['pitches']), torch.cat([said['salience'], said['z']], -1)

    def of_magnitudes(self, heard, said):
        return heard['magnitudes'] - said['magnitudes'], torch.cat([said['magnitudes'], said['salience'], said['z']], -1)

    def latents(self, heard, said):
        """-> [B, N, numbers of a block]."""
        return torch.cat(
            [self.pitches.latents(*self.of_pitches(heard, said)), self.magnitudes.latents(*self.of_magnitudes(heard, said))], -1
        )

    def corrections(self, numbers, said):
        """-> (of the salience [B, N, pitches], of the log magnitudes [B, N, high - low])."""
        a, b = numbers[..., : self.split], numbers[..., self.split :]
        heard = {'pitches': said['salience'], 'magnitudes': said['magnitudes']}
        return self.pitches(a, self.of_pitches(heard, said)[1]), self.magnitudes(b, self.of_magnitudes(heard, said)[1])

    def corrected(self, decoder, z, numbers):
        """The decoder's `parts` with what the details say added: the bass's salience a block at a time, for a bass note begins at once;
        that of higher pitches beside the decoder's own smoothed one; magnitudes along a line from one block's middle to the next."""
        head = decoder.head_of(z)
        said = self.said(head, z)
        salience, magnitudes = self.corrections(numbers, said)
        length = salience.shape[1] * self.rows
        steady = lambda x: x.repeat_interleave(self.rows, 1)
        own = decoder.smoothed(head[..., self.salience])
        tuned = own.clone()
        tuned[:, :length, : self.bass] = steady(said['salience'][..., : self.bass])
        tuned[:, :length] += steady(salience)
        head[:, :length, self.low : self.high] += F.interpolate(magnitudes.transpose(1, 2), length, mode='linear').transpose(1, 2)
        return decoder.parts_of(head, tuned)
