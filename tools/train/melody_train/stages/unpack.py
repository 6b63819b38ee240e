"""Stage `unpack`: weights/NAME/ back into a folder of runs, so that training goes on from an exported model (--init) when its checkpoints
are gone.

What a new run takes over as it is (tokenizer, features, semantic, towers, rvq, heads) can be copied from there; `--init RUNS/lm`,
`RUNS/vae` and
`RUNS/dpd` start those stages. Optimisers are not in an export, and the decoder is the polished one.
"""

import math
import shutil

import torch

from ..export import load_exported
from ..latents import Latents
from ..models.towers import TrainedTowers

START_DEVIATION = 0.1  # of the encoder's noise, in latents of variance 1: an export does not keep the variance (docs/training.md section 2: 0.06 ... 0.13)  # noqa: E501


def run(c, paths):
    config, networks, tokenizer = load_exported(paths.weights)
    states = {name: module.state_dict() for name, module in networks.items()}
    towers = TrainedTowers(c, len(tokenizer.vocab))
    towers.towers.text.load_state_dict(states['text_tower'])
    towers.towers.audio.load_state_dict(states['audio_tower'])
    encoder = with_variance(states['vae_encoder'])
    vae = {**{f'encoder.{k}': v for k, v in encoder.items()}, **{f'decoder.{k}': v for k, v in states['vae_decoder'].items()}}
    lm = states['semantic_lm']  # its checkpoint holds neither what stage `timbre_head` fits nor what `heads` counts of timbre words
    head = {name: lm.pop(name) for name in ('timbre_embed.weight', 'timbre_head.weight') if name in lm}
    if head:
        save(paths.runs / 'timbre_head' / 'head.pt', head)
    tables = {'instruments': lm.get('controls.instruments'), 'timbre_instruments': lm.pop('controls.timbre_instruments', None)}
    if tables['instruments'] is not None:
        save(paths.runs / 'heads' / 'instruments.pt', {name: table for name, table in tables.items() if table is not None})
    for name, state in (('towers', towers.state_dict()), ('lm', states['semantic_lm']), ('vae', vae), ('dpd', states['dual_path'])):
        save(paths.runs / name / 'checkpoint.pt', {'ema': state})
    save(paths.runs / 'rvq' / 'rvq.pt', states['rvq'])
    save(paths.runs / 'semantic' / 'encoder.pt', states['semantic_encoder'])
    save(paths.runs / 'features' / 'basis.pt', networks['semantic_encoder'].features.state_dict())
    # An exported encoder stands on the diffusion's axes already: with axes fitted anew that diffusion would have to begin again.
    latents = Latents.none(config['latent_dim'])
    latents.limit = states['dual_path']['latent_limit'].clone()
    latents.save(paths.runs / 'latents')
    if 'style_heads' in states:
        save(paths.runs / 'heads' / 'heads.pt', states['style_heads'])
    shutil.copyfile(paths.weights / 'tokenizer.json', paths.runs / 'tokenizer.json')
    print(f'unpack: {paths.weights} -> {paths.runs}')


def with_variance(state):
    """The exported encoder's heads, [D, dim] each, with the D rows of log variance that training needs, constant at START_DEVIATION
    squared."""
    state = dict(state)
    for part in ('', 'beside.') if 'beside.head.bias' in state else ('',):
        weight, bias = state[f'{part}head.weight'], state[f'{part}head.bias']
        state[f'{part}head.weight'] = torch.cat([weight, torch.zeros_like(weight)])
        state[f'{part}head.bias'] = torch.cat([bias, torch.full_like(bias, 2 * math.log(START_DEVIATION))])
    return state


def save(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(value, path)
