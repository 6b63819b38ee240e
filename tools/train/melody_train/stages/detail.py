"""Stage `detail`: numbers beside the latents of a trained stereo codec, that correct what its decoder says (models/detail.py). Encoder and
decoder stay as they are: they are runs/vae and runs/polish, as after stage `unpack`.

All that both need is made once, a shard at a time (runs/detail_blocks). Pitches learn from the line that a window of half a second finds
for every tuned bin, and from transposed clips too: few clips are learnt by heart. Magnitudes learn from the clip's own, weighted by their
root. The numbers get noise, as those that a diffusion model would say. Nothing is synthesised, so a step costs a tenth of one of stage
`vae`.
"""

import random

import torch
import torch.nn.functional as F
from torch import nn

from .. import cache
from ..loop import Run, load_weights
from ..losses import LinePitch
from ..models.detail import Detail
from ..optimisers import adamw
from ..processes import device, stream
from .vae import load_codec

SILENCE = {'pitches': -4.6, 'line': -9.2, 'salience': -6.0}  # where a transposed clip has no pitches


def layout(detail):
    """Names and widths of a block's row, as it is kept."""
    bins = detail.last - detail.first
    return {
        'pitches': detail.count,
        'magnitudes': bins,
        'line': detail.count,
        'salience': detail.count,
        'said': bins,
        'z': detail.latent_dim,
        'level': 1,
    }


def columns(rows, detail):
    """[..., columns] -> {name: its columns}, float32."""
    return dict(zip(layout(detail), rows.float().split(list(layout(detail).values()), -1)))


def split_up(x):
    """Columns -> (heard, said) of Detail."""
    return (
        {'pitches': x['pitches'], 'magnitudes': x['magnitudes']},
        {'salience': x['salience'], 'magnitudes': x['said'], 'z': x['z']},
    )


@torch.no_grad()
def blocks_of(audio, encoder, decoder, detail, lines):
    """audio [1, 2, n] -> rows [N, columns] of its blocks."""
    mid = audio.mean(1)
    z = encoder(audio)[0]
    head = decoder.head_of(z)
    heard, said = detail.heard(mid), detail.said(head, z)
    blocks = said['z'].shape[1]
    middle = lines.salience(mid, head.shape[1], slice(detail.rows // 2, detail.rows * blocks, detail.rows))
    level = said['z'].new_full((1, blocks, 1), float((heard['magnitudes'].exp().mean() + 1e-3).log()))
    return torch.cat([heard['pitches'], heard['magnitudes'], middle, said['salience'], said['magnitudes'], said['z'], level], -1)[0]


class Targets:
    """What the corrections should be, and how far they are from it."""

    def __init__(self, decoder, detail, lines):
        self.shape, self.near = (x.to(device()) for x in (decoder.shape, lines.near))
        self.detail = detail

    def lock(self, salience, line, level):
        """Cross-entropy of the choice in every tuned bin against that by the line's levels, weighted by the line's magnitude there."""
        loud, pitch = (line[..., None, :] + self.shape).max(-1)
        near = torch.stack([self.near[k][pitch[..., k]] for k in range(len(self.near))], -1)
        weight = ((loud - level).exp().clamp(max=100.0) * near) ** 0.75
        logits = salience[..., None, :] + self.shape
        entropy = F.cross_entropy(logits.flatten(0, -2), pitch.flatten(), reduction='none')
        total = weight.sum().clamp(min=1e-9)
        agreed = ((logits.argmax(-1) == pitch) * weight).sum() / total
        return (entropy * weight.flatten()).sum() / total, agreed.detach()

    def inner(self, x):
        return x[..., self.detail.low - self.detail.first : self.detail.high - self.detail.first]

    def wanted(self, x):
        """(corrections of the log magnitudes, their weight)."""
        true, said = self.inner(x['magnitudes']), self.inner(x['said'])
        return true - said, (torch.maximum(true, said) - x['level']).exp().clamp(max=50.0).sqrt()

    def magnitude(self, corrections, x):
        wanted, weight = self.wanted(x)
        return (weight * F.smooth_l1_loss(corrections, wanted, reduction='none', beta=0.3)).sum() / weight.sum()


def transposed(x, by):
    """Columns with every pitch `by` places higher; what the latents say of the clip is no longer true, so they say nothing."""
    if by == 0:
        return x
    move = lambda v, fill: F.pad(v[..., :-by], (by, 0), value=fill) if by > 0 else F.pad(v[..., -by:], (0, -by), value=fill)
    return {k: torch.zeros_like(v) if k == 'z' else move(v, SILENCE[k]) if k in SILENCE else v for k, v in x.items()}


def run(c, paths):
    if 'detail' not in c['train'] or 'pitches' not in c['vae_decoder']:
        raise ValueError(f'stage "detail": config {c["name"]} needs train.detail and a decoder that chooses pitches (istft_running)')
    t, channels = c['train']['detail'], c.get('channels', 1)
    encoder, decoder = (part.to(device()) for part in load_codec(c, paths.runs))
    detail = Detail(c).to(device())
    lines = LinePitch(decoder, c['sample_rate'])
    read = lambda clip: torch.from_numpy(clip).to(device()).float()[None] / 32768
    compute = lambda audio: torch.stack([blocks_of(read(x), encoder, decoder, detail, lines).cpu() for x in audio]).numpy()
    folder = paths.runs / 'detail_blocks'
    cache.build(paths.data, folder, 'heldout', compute, most=1, channels=channels)
    cache.build(paths.data, folder, 'train', compute, channels=channels, until=getattr(paths, 'until', None))
    rows, _ = cache.load(paths.data, folder, 'train')
    held = columns(torch.stack([torch.from_numpy(r) for r in cache.load(paths.data, folder, 'heldout')[0][:32]]).to(device()), detail)
    targets = Targets(decoder, detail, lines)
    if not (paths.runs / 'detail' / 'checkpoint.pt').exists():
        start(detail, columns(torch.cat([torch.from_numpy(r) for r in rows[:: max(1, len(rows) // 400)]]), detail), targets)
    run = Run(paths.runs / 'detail', detail, [adamw(detail.parameters(), t['lr'], t.get('weight_decay', 0.05))], t)
    rng = random.Random(stream(4000 + run.step))
    torch.manual_seed(stream(4000 + run.step))
    length, noise = min(t['blocks'], len(rows[0])), t['latent_noise']

    def of_pitches(x, noise):
        """-> (loss, agreement with the targets) of the pitches of clips, columns [B, N, ...]."""
        hears, knows = detail.of_pitches(*split_up(x))
        numbers = detail.pitches.latents(hears, knows)
        salience = x['salience'] + detail.pitches(numbers + noise * torch.randn_like(numbers), knows)
        return targets.lock(salience, x['line'], x['level'])

    def of_magnitudes(x, noise):
        hears, knows = detail.of_magnitudes(*split_up(x))
        numbers = detail.magnitudes.latents(hears, knows)
        return targets.magnitude(detail.magnitudes(numbers + noise * torch.randn_like(numbers), knows), x)

    def compute_losses(clips, moved):
        lock, magnitude = of_pitches(columns(moved, detail), noise)[0], of_magnitudes(columns(clips, detail), noise)
        return lock + magnitude, {'lock': lock, 'magnitude': magnitude}

    def draw():
        out = []
        for _ in range(t['batch']):
            clip = rows[rng.randrange(len(rows))]
            at = rng.randrange(len(clip) - length + 1)
            out.append(torch.from_numpy(clip[at : at + length]).float())
        return torch.stack(out)

    def move(clips):
        """Most of the clips by a draw of up to `transpose` pitches."""
        far = t['transpose']
        by = [rng.randint(-far, far) if rng.random() < 0.7 else 0 for _ in clips]
        return torch.stack([torch.cat(list(transposed(columns(x, detail), n).values()), -1) for x, n in zip(clips, by)])

    @torch.no_grad()
    def evaluate():
        with run.with_ema():
            quiet, noisy = ((*of_pitches(held, n), of_magnitudes(held, n)) for n in (0.0, 0.3))
        own = targets.lock(held['salience'], held['line'], held['level'])
        own = *own, targets.magnitude(torch.zeros_like(targets.wanted(held)[0]), held)
        names = 'lock', 'agreed', 'magnitude'
        return {f'{what}_{k}': v for what, values in (('held', quiet), ('noisy', noisy), ('without', own)) for k, v in zip(names, values)}

    while run.running():
        clips = draw()
        run.advance(run.learn(compute_losses, (clips.to(device()), move(clips).to(device())), t['clip']))
        if run.due():
            run.report(**evaluate(), clips=len(rows))
    run.finish()


@torch.no_grad()
def start(detail, x, targets):
    """The linear maps of both corrections, from blocks [N, ...] of many clips."""
    heard, said = split_up(x)
    one = torch.ones(detail.count)
    detail.pitches.start(*detail.of_pitches(heard, said), (x['line'] - x['salience']).clamp(-4, 4), one, 0.7)
    wanted, weight = targets.wanted(x)
    detail.magnitudes.start(*detail.of_magnitudes(heard, said), wanted, weight.mean(0).sqrt(), 0.9)


class Detailed(nn.Module):
    """A trained codec with its details: audio [B, 2, n] -> audio, for codec_report."""

    def __init__(self, encoder, decoder, detail):
        super().__init__()
        self.encoder, self.decoder, self.detail = encoder, decoder, detail

    def parts(self, audio):
        z = self.encoder(audio)[0]
        said = self.detail.said(self.decoder.head_of(z), z)
        return self.detail.corrected(self.decoder, z, self.detail.latents(self.detail.heard(audio.mean(1)), said))

    def forward(self, audio):
        return self.decoder.sound(self.parts(audio)).clamp(-1, 1)


def load_detailed(c, runs):
    """The codec under runs/ with the details of stage `detail`."""
    return Detailed(*load_codec(c, runs), load_weights(runs / 'detail', Detail(c))).eval()
