"""Stage `widen`: a 48 kHz stereo model starts from a trained 24 kHz mono one: `--init RUNS` names the folder of the mono model's runs.

Bins, windows and hops of both have the same width in Hz and in seconds, so the encoder's columns, the latents they make and the decoder's
low
bins mean the same. New columns start at 0, so the decoder does not hear the new latents yet; these start as wide and as sure as trained
ones (one that
starts small under noise of 1 says nothing and stays shut: after 400 steps still a deviation of 0.06). The new bins (12 to 24 kHz) start
quiet. Writes `vae/checkpoint.pt`
(weights alone, for `vae --init`) and, where the mono runs have one, `dpd/checkpoint.pt` under RUNS_OF_THIS/start.
"""

import math

import torch

from ..models.dual_path import DualPath
from .unpack import START_DEVIATION
from .vae import Vae

DOUBLE = math.log(2.0)  # a window of the same duration sums twice as many samples


def run(c, paths):
    vae = Vae(c)
    state = vae.state_dict()
    encoder = {k.removeprefix('encoder.'): v for k, v in load(paths.init / 'vae').items() if k.startswith('encoder.')}
    decoder = load(paths.init / 'polish')
    for name, value in encoder.items():
        state[f'encoder.{name}'] = (
            latent_rows(value, state[f'encoder.{name}'], c['latent_dim'])
            if name.startswith('head.')
            else into(value, state[f'encoder.{name}'])
        )
    for name, value in decoder.items():
        own = state[f'decoder.{name}']
        state[f'decoder.{name}'] = head_rows(value, own, vae.decoder) if name.startswith('head.') else into(value, own)
    save(paths.runs / 'start' / 'vae', state)
    if (paths.init / 'dpd' / 'checkpoint.pt').exists():
        own = DualPath(c['dual_path']).state_dict()
        save(paths.runs / 'start' / 'dpd', {k: into(v, own[k]) for k, v in load(paths.init / 'dpd').items()})
    print(f'widen: {paths.init} -> {paths.runs / "start"}')


def load(folder):
    return torch.load(folder / 'checkpoint.pt', map_location='cpu')['ema']


def save(folder, state):
    folder.mkdir(parents=True, exist_ok=True)
    torch.save({'ema': state}, folder / 'checkpoint.pt')


def into(value, own):
    """`value` in the first rows and columns of a tensor of own's shape; the rest is own's, a tenth as large, and 0 in new columns of old
    rows."""
    if value.shape == own.shape:
        return value
    out = own * 0.1
    index = tuple(slice(0, n) for n in value.shape)
    if own.ndim > 1 and own.shape[1] > value.shape[1]:
        out[: len(value), value.shape[1] :] = 0.0
    out[index] = value
    return out


def latent_rows(value, own, dim):
    """The encoder's head, [means, log variances]: each half grows by new latents, with means as own's and a constant noise of
    START_DEVIATION."""
    old = len(value) // 2
    noise = torch.zeros_like(own[dim + old :]) if own.ndim > 1 else torch.full_like(own[dim + old :], 2 * math.log(START_DEVIATION))
    return torch.cat([value[:old], own[old:dim], value[old:], noise])


def head_rows(value, own, decoder):
    """The decoder's head: log magnitude (twice as many bins, at double the sum), then what has a direction, then the pitches (each row as
    often as a semitone has pitches now); the image stays new."""
    k, d, p = decoder.bins, decoder.directed, decoder.count
    out = own.clone()
    out[:k] = 0.0
    out[:d] = value[:d]
    if value.ndim == 1:
        out[:d] += DOUBLE
        out[d:k] = value[d - 20 : d].mean() + DOUBLE - 1.0
    else:
        out[d:k] = value[d - 20 : d].mean(0)
    out[k : k + 2 * d] = value[d : 3 * d]
    out[k + 2 * d : k + 2 * d + p] = value[3 * d :].repeat_interleave(p // (len(value) - 3 * d), 0)
    return out
