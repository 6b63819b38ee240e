"""Stage `export`: checkpoints -> weights/NAME/ (config.json, safetensors, index, tokenizer.json, manifest.json).

With `--parts vae_decoder` only the decoder of stage `polish` is new, with `--parts dual_path` only the diffusion of stage `dpd`, with
`--parts semantic_lm` only what stage `lm` learnt, with `--parts instruments` only what stage `heads` counted of them; everything else stays
as weights/NAME has it. That is for parts that were trained on words and latents of an unpacked export, which are the export's own: nothing
is rotated or scaled again.
"""

import json

import numpy as np
import torch

from .. import safetensors
from ..export import collect, exported_config, load_exported, write
from ..loop import load_weights
from ..models.dual_path import DualPath
from ..models.semantic_lm import SemanticLm, without_timbre
from ..models.vae_decoder import vae_decoder
from .towers import make_tokenizer


def run(c, paths):
    if paths.parts not in (None, 'vae_decoder', 'dual_path', 'semantic_lm', 'instruments'):
        raise ValueError(f'export: --parts can be vae_decoder, dual_path, semantic_lm or instruments; got {paths.parts}')
    unfinished, missing = getattr(paths, 'unfinished', False), []
    if paths.parts:
        config, states = with_new_part(c, paths)
    else:
        if unfinished:
            ensure_tokenizer(c, paths)
        config, states, missing = collect(c, paths, unfinished)
    tokenizer = paths.weights / 'tokenizer.json' if paths.parts else paths.runs / 'tokenizer.json'
    card = paths.weights / 'README.md'
    size = write(
        paths.weights,
        config,
        states,
        tokenizer,
        shards=c['name'] != 'melody-tiny',
        metadata={'not_trained': ' '.join(missing)} if missing else None,
    )
    load_exported(paths.weights)  # every tensor has its place
    if missing:
        print(f'export: not trained yet, exported as they start: {", ".join(missing)}')
    if not card.exists():
        print(f'export: {card} (model card) is not written yet')
    print(f'export: {paths.weights}, {size / 2**20:.2f} MiB')


def ensure_tokenizer(c, paths):
    """The tokenizer of a run that ended before stage `towers` made it, from the captions that are rendered."""
    if (paths.runs / 'tokenizer.json').exists():
        return
    meta = [json.loads(line) for path in sorted(paths.data.glob('train_*.jsonl')) for line in path.read_text().splitlines()]
    if not meta:
        raise FileNotFoundError(
            f'export: {paths.data} holds no clips and {paths.runs} no tokenizer: nothing has been trained that could be exported'
        )
    paths.runs.mkdir(parents=True, exist_ok=True)
    make_tokenizer(c, paths, meta)


def with_new_part(c, paths):
    """-> (config, states) of weights/NAME with the decoder of stage `polish`, the diffusion of `dpd`, the language model of `lm` or the
    instruments of `heads`."""
    config = json.loads((paths.weights / 'config.json').read_text())
    states = {}
    for path in sorted(paths.weights.glob('*.safetensors')):
        for name, value in safetensors.load(path).items():
            network, _, rest = name.partition('.')
            states.setdefault(network, {})[rest] = torch.from_numpy(value.astype(np.float32))
    if paths.parts == 'instruments':
        told = c['semantic_lm']['controls']
        config['semantic_lm']['controls'] |= {name: told[name] for name in ('instruments', 'counted_keys') if name in told}
        counted = torch.load(paths.runs / 'heads' / 'instruments.pt')
        states['semantic_lm'] |= {f'controls.{name}': table for name, table in counted.items()}
        return config, states
    if paths.parts == 'vae_decoder':
        states['vae_decoder'] = load_weights(paths.runs / 'polish', vae_decoder(c['vae_decoder'])).state_dict()
    elif paths.parts == 'semantic_lm':  # what was counted, and the head of timbre words, stay
        learnt = load_weights(paths.runs / 'lm', SemanticLm(without_timbre(c['semantic_lm'])))
        states['semantic_lm'] |= dict(learnt.named_parameters())
    else:
        limit = states['dual_path']['latent_limit']
        states['dual_path'] = {**load_weights(paths.runs / 'dpd', DualPath(c['dual_path'])).state_dict(), 'latent_limit': limit}
    config[paths.parts] = exported_config(c, 0)[paths.parts]
    return config, states
