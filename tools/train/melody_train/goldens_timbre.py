"""Goldens of timbre words and asked instruments: a narrow tokeniser, language model and diffusion with random weights.

python -m melody_train.goldens_timbre [--out ../../test/goldens/timbre_mini]
"""

import argparse
import json
from pathlib import Path

import torch

from .goldens import dual_path_golden, keep_narrow, save
from .goldens_short import ROOT
from .models.controls import Controls
from .models.dual_path import DualPath
from .models.semantic_lm import SemanticLm
from .sampling import generate_tokens
from .semantic import SemanticEncoder

TIMBRE = {'words': 24, 'timbre_words': 7, 'timbre_frames': 4}
CONFIG = {
    'model_type': 'melody',
    'name': 'timbre-mini',
    'frame_rate': 50,
    'token_rate': 25,
    'window_seconds': 2,
    'chunks': 5,
    'latent_dim': 4,
    'semantic_encoder': {'kind': 'spectral_features', **TIMBRE},
    'semantic_lm': {
        'dim': 32,
        'layers': 2,
        'heads': 2,
        'ffn': 48,
        **TIMBRE,
        'rope_theta': 10000.0,
        'style_levels': 2,
        'style_entries': 5,
        'controls': {
            'metres': [4, 3],
            'ticks': 6,
            'tempo_low': 50,
            'tempo_per_octave': 4,
            'tempo_bins': 8,
            'instruments': {'piano': 'piano, grand piano', 'flute': 'flute', 'drums': 'drums'},
            'counted_keys': {'held': -4, 'left': 6},
        },
    },
    'dual_path': {
        'dim': 16,
        'blocks': 2,
        'segment': 8,
        'heads': 2,
        'coarse_layers': 1,
        'sru_hidden': 8,
        'sru_layers': 1,
        'lookup_dim': 12,
        'angle_dim': 8,
        'frames_per_token': 2,
        'latent_dim': 4,
        **TIMBRE,
        'token_layers': 1,
        'token_kernel': 3,
        'linear_skip': 0,
        'linear_kernel': 3,
        'token_skip': 8,
        'token_skip_kernel': 3,
        'aligned_tokens': True,
        'column_clock': True,
        'cfg_null_film': True,
    },
}
ASKED = [Controls(bpm=100.0, beats=4, key=9, instruments=('flute', 'drums'))]


@torch.no_grad()
def run(folder):
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(21)
    networks = {
        'semantic_encoder': SemanticEncoder(CONFIG['semantic_encoder']),
        'semantic_lm': SemanticLm(CONFIG['semantic_lm']),
        'dual_path': DualPath(CONFIG['dual_path']),
    }
    encoder, lm, path = networks.values()
    encoder.centroids.normal_()
    encoder.timbre_centroids[:, 28:].normal_(std=0.5)
    for name, weight in [*lm.named_parameters(), *path.named_parameters()]:
        if name in ('head.weight', 'timbre_head.weight', 'timbre_embed.weight', 'controls.weight', 'embed.weight', 'token_out.weight'):
            weight.normal_()
    lm.controls.instruments.normal_()
    lm.controls.timbre_instruments.normal_()
    keep_narrow(folder, networks)
    (folder / 'config.json').write_text(json.dumps(CONFIG, indent=2) + '\n')

    g = torch.Generator().manual_seed(22)
    features = torch.randn(1, 30, 40, generator=g)  # seven blocks and a half
    tokens = encoder.encode(features)
    save(folder, 'semantic_encoder', {'in.features': features, 'out.tokens': tokens[..., 0], 'out.timbre': tokens[..., 1]})

    style = torch.tensor([[3, 1]])
    known = tokens[:, :10]  # ends two tokens into a block, whose timbre goes on
    made = {f'out.greedy_{w}': generate_tokens(lm, style, 30, temperature=0, guidance=float(w), controls=ASKED) for w in (1, 2)}
    made |= {'out.continued': generate_tokens(lm, style, 14, temperature=0, guidance=2.0, start=known, controls=ASKED)}
    save(folder, 'semantic_lm', {'in.style': style, 'in.known': known, **made})

    ids = tokens.clone()
    ids[:, :3, 1] = -1
    noise, angle = torch.randn(1, 60, 4, generator=g), torch.full((1, 60), 0.7)
    gold = dual_path_golden(path, noise, angle, ids)
    rows = torch.where(ids[..., 1] < 0, TIMBRE['timbre_words'], ids[..., 1])
    save(folder, 'dual_path', {**{k: v for k, v in gold.items() if 'segments' not in k}, 'in.ids': ids[..., 0], 'in.timbre': rows})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--out', default=str(ROOT / 'test' / 'goldens' / 'timbre_mini'))
    run(Path(parser.parse_args().out))


if __name__ == '__main__':
    main()
