"""A config is one JSON file: global rates and sizes, one object a network (exported as config.json) and `train` (not exported)."""

import json
from pathlib import Path

CONFIGS = Path(__file__).parent / 'configs'


def load_config(name_or_path):
    """'tiny', 'small', 'paper' or a path to a JSON file -> dict. Global sizes are copied into the networks that need them."""
    path = Path(name_or_path)
    if path.suffix != '.json':
        path = CONFIGS / f'{name_or_path}.json'
    if not path.is_file():
        known = ', '.join(sorted(file.stem for file in CONFIGS.glob('*.json')))
        raise ValueError(f'--config {name_or_path}: no such file; give {known}, or the path of a JSON file')
    config = json.loads(path.read_text())
    return check_config(config)


def for_device(config, kind):
    """The config as it trains on a device of this kind: a stage's field "cuda" {name: value} replaces its other fields there, and is
    dropped elsewhere."""
    train = {
        stage: {k: v for k, v in t.items() if k != 'cuda'} | (t.get('cuda', {}) if kind == 'cuda' else {})
        for stage, t in config['train'].items()
    }
    return {**config, 'train': train}


def check_config(c):
    """Raises ValueError listing every contradiction at once."""
    wrong = []
    hop, rate = c['hop_length'], c['frame_rate']
    if hop * rate != c['sample_rate']:
        wrong.append(f'hop_length {hop} * frame_rate {rate} != sample_rate {c["sample_rate"]}')
    if rate % c['token_rate']:
        wrong.append(f'frame_rate {rate} is not a multiple of token_rate {c["token_rate"]}')
    for name in ('vae_encoder', 'vae_decoder'):
        if c[name]['hop_length'] != hop:
            wrong.append(f'{name}.hop_length {c[name]["hop_length"]} != hop_length {hop}')
    if c['vae_encoder']['latent_dim'] != c['vae_decoder']['latent_dim'] or c['dual_path']['latent_dim'] != c['vae_decoder']['latent_dim']:
        wrong.append('latent_dim differs between vae_encoder, vae_decoder and dual_path')
    if c['semantic_lm']['words'] != c['semantic_encoder']['words'] or c['dual_path']['words'] != c['semantic_encoder']['words']:
        wrong.append('words differs between semantic_encoder, semantic_lm and dual_path')
    parts = [c[name] for name in ('semantic_encoder', 'semantic_lm', 'dual_path')]
    if len({part.get('timbre_words') for part in parts}) > 1 or len({part.get('timbre_frames') for part in parts}) > 1:
        wrong.append('timbre_words or timbre_frames differs between semantic_encoder, semantic_lm and dual_path')
    if c['text_tower']['embedding_dim'] != c['audio_tower']['embedding_dim']:
        wrong.append('embedding_dim differs between text_tower and audio_tower')
    if wrong:
        raise ValueError('config: ' + '; '.join(wrong))
    return c


def frames_per_token(c):
    return c['frame_rate'] // c['token_rate']
