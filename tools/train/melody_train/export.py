"""Checkpoints of all stages -> exported networks: f16 safetensors, config.json, tokenizer.json, manifest. See weights/FORMAT.md."""

import hashlib
import json
from pathlib import Path

import numpy as np
import torch

from . import safetensors
from .latents import Latents
from .loop import load_weights
from .models.audio_tower import audio_tower
from .models.dual_path import DualPath
from .models.rvq import Rvq
from .models.semantic_lm import SemanticLm, without_timbre
from .models.style_heads import StyleHeads
from .models.text_tower import TextTower
from .models.vae_decoder import vae_decoder
from .models.vae_encoder import vae_encoder
from .semantic import SemanticEncoder, load_encoder
from .tokenizer import Tokenizer
from .words import Synonyms

# parts in the order a text-to-music user needs them; one shard each (small parts share one)
PARTS = (
    ('text_tower', 'style_heads', 'rvq'),
    ('semantic_lm',),
    ('dual_path',),
    ('vae_decoder',),
    ('audio_tower', 'semantic_encoder'),
    ('vae_encoder',),
)
LIMIT_BYTES = 16 * 2**20
NOT_EXPORTED = ('dropout', 'residual_gain', 'input_gain')  # fields that only matter to training


def build(config):
    """Exported config -> {network name: module} with the exported layout (encoder without variance). The engine's mirror."""
    c = config
    networks = {
        'text_tower': TextTower(c['text_tower']),
        'audio_tower': audio_tower(c['audio_tower']),
        'rvq': Rvq(c['rvq'], c['text_tower']['embedding_dim']),
        'semantic_lm': SemanticLm(c['semantic_lm']),
        'semantic_encoder': SemanticEncoder(c['semantic_encoder']),
        'dual_path': DualPath(c['dual_path']),
        'vae_encoder': vae_encoder(c['vae_encoder']),
        'vae_decoder': vae_decoder(c['vae_decoder']),
    }
    if networks['semantic_lm'].controls is not None:
        networks['style_heads'] = StyleHeads(c['text_tower']['embedding_dim'], networks['semantic_lm'].controls)
    return networks


def exported_config(c, vocab):
    """Training config -> config.json: no `train`, no fields that only training reads, vocabulary size, encoder without variance."""
    out = {k: ({f: v for f, v in x.items() if f not in NOT_EXPORTED} if isinstance(x, dict) else x) for k, x in c.items() if k != 'train'}
    out['text_tower']['vocab'] = vocab
    out['vae_encoder']['variance'] = False
    return out


def fold(state_encoder, state_decoder, latents, kind_encoder, kind_decoder):
    """Puts z = (mu - mean) R / scale into the encoder's head (dropping the variance rows) and its inverse into the decoder's first
    layer."""
    encoder, decoder = dict(state_encoder), dict(state_decoder)
    turn, at = latents.rotation.T / latents.scale, 0  # rows: axes
    for part in ('', 'beside.') if 'beside.head.bias' in encoder else ('',):
        rows = len(encoder[f'{part}head.bias']) // 2
        own = slice(at, at + rows)
        if turn[own].count_nonzero() > turn[own, own].count_nonzero():
            raise ValueError('fold: axes of an encoder with a network beside it may not mix the latents of both; keep them: latents --init')
        weight, bias = encoder[f'{part}head.weight'][:rows], encoder[f'{part}head.bias'][:rows]
        encoder[f'{part}head.weight'] = torch.einsum('ij,j...->i...', turn[own, own], weight)
        encoder[f'{part}head.bias'] = turn[own, own] @ (bias - latents.mean[own])
        at += rows
    first = 'stem' if kind_decoder == 'hifigan' else 'embed'
    weight = decoder[f'{first}.weight']
    back = latents.rotation * latents.scale
    decoder[f'{first}.weight'] = torch.einsum('oi...,ij->oj...', weight, back)
    if first == 'embed':
        decoder['embed.bias'] = decoder['embed.bias'] + weight @ latents.mean
    elif latents.mean.abs().max() > 0:
        raise ValueError('fold: a decoder that pads its input with zeros needs latents of mean 0')
    return encoder, decoder


def collect(c, paths, unfinished=False):
    """-> (exported config, {network: state dict}, names of what is not trained) from the checkpoints of every stage (EMA weights).

    A missing stage is an error; with `unfinished` its networks are exported as they start."""
    from .models.towers import TrainedTowers
    from .stages.vae import Vae
    from .tokenizer import Tokenizer

    missing = []

    def of(stage, start, load):
        try:
            return load()
        except FileNotFoundError:
            if not unfinished:
                raise
            missing.append(stage)
            return start()

    torch.manual_seed(0)
    tokenizer = Tokenizer.load(paths.runs / 'tokenizer.json')
    config = exported_config(c, len(tokenizer.vocab))
    trained = lambda stage, model: of(stage, model.eval, lambda: load_weights(paths.runs / stage, model))
    towers = trained('towers', TrainedTowers(c, len(tokenizer.vocab))).towers
    vae = trained('vae', Vae(c))
    decoder = vae.decoder
    if (paths.runs / 'polish' / 'checkpoint.pt').exists():
        decoder = load_weights(paths.runs / 'polish', vae_decoder(c['vae_decoder']))
    latents = of('latents', lambda: Latents.none(c['latent_dim']), lambda: Latents.load(paths.runs / 'latents'))
    encoder_state, decoder_state = fold(
        vae.encoder.state_dict(), decoder.state_dict(), latents, c['vae_encoder']['kind'], c['vae_decoder']['kind']
    )
    path = trained('dpd', DualPath(c['dual_path']))
    path.latent_limit.copy_(latents.limit)
    lm, start = trained('lm', SemanticLm(without_timbre(c['semantic_lm']))), SemanticLm(c['semantic_lm'])
    kept = lambda stage, file, module: of(stage, module.state_dict, lambda: torch.load(paths.runs / stage / file, map_location='cpu'))
    states = {
        'text_tower': towers.text.state_dict(),
        'audio_tower': towers.audio.state_dict(),
        'rvq': kept('rvq', 'rvq.pt', Rvq(c['rvq'], c['text_tower']['embedding_dim'])),
        'semantic_lm': lm.state_dict(),
        'semantic_encoder': of('semantic', SemanticEncoder(c['semantic_encoder']).state_dict, lambda: load_encoder(c, paths).state_dict()),
        'dual_path': path.state_dict(),
        'vae_encoder': encoder_state,
        'vae_decoder': decoder_state,
    }
    if lm.controls is not None:
        states['style_heads'] = kept('heads', 'heads.pt', StyleHeads(c['text_tower']['embedding_dim'], lm.controls))
        if lm.controls.phrases:
            counted = of('heads', lambda: dict(start.controls.named_buffers()), lambda: torch.load(paths.runs / 'heads' / 'instruments.pt'))
            states['semantic_lm'] |= {f'controls.{name}': table for name, table in counted.items()}
    if c['semantic_lm'].get('timbre_words'):
        tables = lambda: {
            name: value for name, value in start.state_dict().items() if name in ('timbre_embed.weight', 'timbre_head.weight')
        }
        states['semantic_lm'] |= of('timbre_head', tables, lambda: torch.load(paths.runs / 'timbre_head' / 'head.pt'))
    return config, states, missing


def half(tensor):
    """float16 numpy array; raises ValueError where a value does not fit."""
    array = tensor.detach().cpu().float().numpy()
    if not np.isfinite(array).all() or np.abs(array).max(initial=0) > 65504:
        raise ValueError(f'export: a tensor of shape {array.shape} has values that float16 cannot hold')
    return array.astype(np.float16)


def write(folder, config, states, tokenizer_path, shards=True, metadata=None):
    """Writes weights/NAME/. Returns the total size in bytes."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for old in [*folder.glob('*.safetensors'), *folder.glob('*.index.json')]:
        old.unlink()
    groups = PARTS if shards else (tuple(n for part in PARTS for n in part),)
    weight_map, total = {}, 0
    for index, names in enumerate(groups, 1):
        file = f'model-{index:05d}-of-{len(groups):05d}.safetensors' if shards else 'model.safetensors'
        tensors = {f'{n}.{k}': half(v) for n in names if n in states for k, v in states[n].items()}
        safetensors.save(folder / file, tensors, {'format': 'pt', 'parts': ' '.join(n for n in names if n in states), **(metadata or {})})
        size = (folder / file).stat().st_size
        if size > LIMIT_BYTES:
            raise ValueError(f'export: {file} has {size} bytes, more than {LIMIT_BYTES}: split its part')
        weight_map.update({k: file for k in tensors})
        total += sum(v.nbytes for v in tensors.values())
    if shards:
        index = {
            'metadata': {
                'total_size': total,
                'parts': {n: f'model-{i:05d}-of-{len(groups):05d}.safetensors' for i, g in enumerate(groups, 1) for n in g if n in states},
            },
            'weight_map': dict(sorted(weight_map.items())),
        }
        (folder / 'model.safetensors.index.json').write_text(json.dumps(index, indent=1) + '\n')
    (folder / 'config.json').write_text(json.dumps(config, indent=2) + '\n')
    tokenizer = Tokenizer.load(tokenizer_path)
    tokenizer.synonyms = Synonyms.load()  # today's, whatever the run was trained with: words that it knows stay as they are
    tokenizer.save(folder / 'tokenizer.json')
    write_manifest(folder)
    return sum(f.stat().st_size for f in folder.iterdir())


def write_manifest(folder):
    """manifest.json: {file: {sha256, bytes}} of every file the engine reads (not the card and its pictures)."""
    files = {}
    for path in sorted(Path(folder).iterdir()):
        if path.suffix in ('.safetensors', '.json') and path.name not in ('manifest.json', 'evaluation.json'):
            data = path.read_bytes()
            files[path.name] = {'sha256': hashlib.sha256(data).hexdigest(), 'bytes': len(data)}
    (Path(folder) / 'manifest.json').write_text(json.dumps({'files': files}, indent=1) + '\n')


def load_exported(folder):
    """weights/NAME/ -> (config, {network: module in eval mode, float32 from the stored f16}, tokenizer). Unused tensors are an error."""
    folder = Path(folder)
    config = json.loads((folder / 'config.json').read_text())
    tensors = {}
    for path in sorted(folder.glob('*.safetensors')):
        tensors.update(safetensors.load(path))
    networks = build(config)
    for name, module in networks.items():
        prefix = name + '.'
        state = {k[len(prefix) :]: torch.from_numpy(v.astype(np.float32)) for k, v in tensors.items() if k.startswith(prefix)}
        module.load_state_dict(state)
        module.eval()
    return config, networks, Tokenizer.load(folder / 'tokenizer.json')
