"""Goldens of networks at the paper's sizes (configs/paper.json), with random weights that both sides make from a seed.

    python -m melody_train.goldens_paper [--out ../../test/goldens/paper] [network ...]

No weights file is needed: a counter-based generator, the same as src/weights/random_weights.ts, gives every tensor from its name and
shape. Inputs are short; of each network the results are kept for weights stored as f32 and as f16 (names f32.*, f16.*). Networks are
built one at a time; the language model takes 2 GB while it runs.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from .goldens import dual_path_golden, music, save
from .models.spectrum import framed_stft

SEED = 20
LEVELS = 4096
ROOT = Path(__file__).resolve().parents[3]


def mix(x):
    """32 bits well mixed (lowbias32 by C. Wellons), uint32 arrays."""
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x7FEB352D)
    x = (x ^ (x >> np.uint32(15))) * np.uint32(0x846CA68B)
    return x ^ (x >> np.uint32(16))


def hash_of(name):
    h = np.zeros(1, np.uint32)
    for char in name:
        h = mix(h ^ np.uint32(ord(char)))
    return h


def normal_levels():
    """LEVELS equally likely values of a standard normal: Box-Muller over evenly spread radii and golden-ratio angles."""
    i = np.arange(LEVELS, dtype=np.float64)
    radius = np.sqrt(-2 * np.log((i + 0.5) / LEVELS))
    return (radius * np.cos(2 * np.pi * i * ((np.sqrt(5) - 1) / 2))).astype(np.float32)


def random_weight(seed, name, shape, dtype):
    """The tensor `name` of src/weights/random_weights.ts as float32 (rounded through `dtype`)."""
    fan_in = int(np.prod(shape[1:], dtype=np.int64))
    scale, mean = (1 / np.sqrt(fan_in), 0.0) if len(shape) > 1 else (0.02, 1.0 if name.endswith('weight') else 0.0)
    levels = (mean + scale * normal_levels().astype(np.float64)).astype(np.float32).astype(dtype).astype(np.float32)
    out = np.empty(int(np.prod(shape, dtype=np.int64)), np.float32)
    stream = mix(np.uint32(seed) ^ hash_of(name))
    for at in range(0, len(out), 1 << 22):
        place = np.arange(at, min(at + (1 << 22), len(out)), dtype=np.uint32)
        out[at : at + len(place)] = levels[mix(stream + place) >> np.uint32(20)]
    return out.reshape(shape)


def fill(name, module, dtype):
    """Random weights for every tensor of a network; in evaluation mode."""
    with torch.no_grad():
        for key, tensor in module.state_dict().items():
            tensor.copy_(torch.from_numpy(random_weight(SEED, f'{name}.{key}', tuple(tensor.shape), dtype)))
    return module.eval()


def inputs(c):
    """Short inputs of every network, the same for both storage types."""
    g = torch.Generator().manual_seed(3)
    ids = lambda high, n: torch.randint(0, high, (1, n), generator=g)
    path, lm = c['dual_path'], c['semantic_lm']
    style = lm['words'] + lm['style_entries'] * torch.arange(lm['style_levels']) + ids(lm['style_entries'], lm['style_levels'])
    bos = torch.full((1, 1), lm['words'] + lm['style_levels'] * lm['style_entries'])
    angle = torch.full((1, 120), 0.7)
    angle[:, 60:] = 1.2
    return {
        'ids': ids(c['text_tower']['vocab'], 16),
        'embedding': torch.nn.functional.normalize(torch.randn(6, c['text_tower']['embedding_dim'], generator=g), dim=1),
        'audio': music(g, 0.4, c['sample_rate']),
        'lm_ids': torch.cat([bos, style, ids(lm['words'], 20)], 1),
        'latents': torch.randn(1, 20, c['latent_dim'], generator=g).clamp(-1, 1),
        'z': torch.randn(1, 120, c['latent_dim'], generator=g),
        'angle': angle,
        'path_ids': ids(path['words'], 120 // path['frames_per_token']),
    }


def slaney_filters(sample_rate, size, bands, low):
    """Triangles of unit area on Slaney's mel scale (linear under 1 kHz, logarithmic above), [size / 2 + 1, bands]."""
    step = np.log(6.4) / 27
    to_mel = lambda hz: np.where(hz < 1000, hz * 3 / 200, 15 + np.log(np.maximum(hz, 1) / 1000) / step)
    to_hz = lambda mel: np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * step))
    edges = to_hz(np.linspace(to_mel(np.float64(low)), to_mel(np.float64(sample_rate / 2)), bands + 2))
    hz = np.arange(size // 2 + 1)[:, None] * sample_rate / size
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    filters = np.maximum(0, np.minimum((hz - left) / (centre - left), (right - hz) / (right - centre))) * 2 / (right - left)
    for band in np.nonzero(filters.sum(0) == 0)[0]:  # narrower than a bin: the bin nearest to its centre
        filters[round(centre[band] * size / sample_rate), band] = 1 / (right - left)[band]
    return torch.from_numpy(filters.astype(np.float32))


def log_mel(audio, sample_rate):
    """Front end of the patch tower, weights/FORMAT.md: [B, n] -> [B, n / 240, 128]."""
    power = framed_stft(audio, 1024, 240).abs().square()
    return (power @ slaney_filters(sample_rate, 1024, 128, 20.0) + 1e-4).log()


def text_tower(net, x, c):
    return {'in.ids': x['ids']}, {'out.embedding': net(x['ids'])}


def audio_tower(net, x, c):
    mel = log_mel(x['audio'], c['sample_rate'])
    return {'in.audio': x['audio'], 'log_mel': mel}, {'out.embedding': net(mel)}


def rvq(net, x, c):
    codes = net.encode(x['embedding'])
    return {'in.embedding': x['embedding']}, {'out.codes': codes, 'out.decoded': net.decode(codes)}


def semantic_lm(net, x, c):
    return {'in.ids': x['lm_ids']}, {'out.last_logits': net(x['lm_ids'])[0][:, -6:]}


def dual_path(net, x, c):
    gold = dual_path_golden(net, x['z'], x['angle'], x['path_ids'])
    return {k: gold[k] for k in ('in.z', 'in.angle', 'in.ids')}, {k: gold[k] for k in ('out.velocity', 'out.velocity_null')}


def vae_encoder(net, x, c):
    return {'in.audio': x['audio'][:, :6000]}, {'out.latents': net(x['audio'][:, :6000])}


def vae_decoder(net, x, c):
    return {'in.latents': x['latents']}, {'out.audio': net(x['latents'])}


NETWORKS = {f.__name__: f for f in (text_tower, audio_tower, rvq, semantic_lm, dual_path, vae_encoder, vae_decoder)}
NETWORKS['audio_tower_narrow'] = audio_tower
NARROW = {'dim': 48, 'layers': 2, 'heads': 3, 'ffn': 96, 'embedding_dim': 16}  # the form of the audio tower, for every run of the tests


def paper_config():
    """configs/paper.json as it would be exported: the encoder gives latents alone."""
    c = json.loads((Path(__file__).parent / 'configs' / 'paper.json').read_text())
    c['vae_encoder']['variance'] = False
    c['semantic_lm']['dropout'] = 0.0
    return c


def only(c, name):
    """The one network `name` at full size; the others are not built."""
    from .models.audio_tower import audio_tower as audio
    from .models.dual_path import DualPath
    from .models.rvq import Rvq
    from .models.semantic_lm import SemanticLm
    from .models.text_tower import TextTower
    from .models.vae_decoder import vae_decoder as decoder
    from .models.vae_encoder import vae_encoder as encoder

    makers = {
        'text_tower': TextTower,
        'audio_tower': audio,
        'rvq': lambda k: Rvq(k, c['text_tower']['embedding_dim']),
        'semantic_lm': SemanticLm,
        'dual_path': DualPath,
        'vae_encoder': encoder,
        'vae_decoder': decoder,
    }
    if name == 'audio_tower_narrow':
        return audio({**c['audio_tower'], **NARROW})
    return makers[name](c[name])


@torch.no_grad()
def run(folder, names):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    c = paper_config()
    x = inputs(c)
    for name in names:
        kept = {}
        for storage, dtype in (('f32', np.float32), ('f16', np.float16)):
            given, made = NETWORKS[name](fill(name.removesuffix('_narrow'), only(c, name), dtype), x, c)
            kept.update(given)
            kept.update({f'{storage}.{k}': v for k, v in made.items()})
        save(folder, name, kept)
        print(
            name,
            {k: tuple(v.shape) for k, v in kept.items()},
            {k: f'{v.float().std():.3g}' for k, v in kept.items() if 'out.' in k},
            flush=True,
        )


if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('network', nargs='*', choices=[*NETWORKS, []], help='default: all')
    p.add_argument('--out', default=ROOT / 'test' / 'goldens' / 'paper', type=Path)
    a = p.parse_args()
    run(a.out, a.network or NETWORKS)
