"""Goldens of an exported model from short inputs, small enough to commit, with a mark of the weights that they belong to.

    python -m melody_train.goldens_short [--weights ../../weights/melody-small] [--out ../../test/goldens/small]

The same names as goldens.py, without intermediates. `weights.json` beside them holds the SHA-256 of the model's manifest.json, so that
the test can tell when the weights have been exported anew: then run this command again.
"""

import argparse
import hashlib
import json
from pathlib import Path

import torch

from .export import load_exported
from .goldens import CONTROLS, PROMPT, decoder_golden, dual_path_golden, music, save, sound_for
from .sampling import generate_tokens, rotate

ROOT = Path(__file__).resolve().parents[3]
SECONDS = 2  # of music that is heard; what is made lasts as long


def split(tokens, name, c):
    """Tokens [B, T] -> them and {}; tokens [B, T, 2] -> their words and {name: rows of the table of timbre words}."""
    return (tokens, {}) if not c['semantic_lm'].get('timbre_words') else (tokens[..., 0], {name: tokens[..., 1]})


@torch.no_grad()
def run(weights, folder):
    weights, folder = Path(weights), Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob('*.safetensors'):
        old.unlink()
    c, networks, tokenizer = load_exported(weights)
    g = torch.Generator().manual_seed(0)

    ids = tokenizer.batch([PROMPT])
    embedding = networks['text_tower'](ids)
    save(folder, 'text_tower', {'in.ids': ids, 'out.embedding': embedding})
    if 'style_heads' in networks:
        tempo, key, metre = networks['style_heads'](embedding)
        save(folder, 'style_heads', {'in.embedding': embedding, 'out.tempo': tempo, 'out.key': key, 'out.metre': metre})

    rvq = networks['rvq']
    several = torch.cat([embedding, torch.nn.functional.normalize(torch.randn(5, embedding.shape[1], generator=g), dim=1)])
    save(folder, 'rvq', {'in.embedding': several, 'out.codes': rvq.encode(several), 'out.decoded': rvq.decode(rvq.encode(several))})

    audio = music(g, SECONDS)
    semantic = networks['semantic_encoder']
    features, tokens = semantic.features(audio), semantic(audio)
    words, of_timbre = split(tokens, 'out.timbre', c)
    save(folder, 'semantic_encoder', {'in.audio': audio, 'out.features': features, 'out.tokens': words, **of_timbre})
    save(folder, 'audio_tower', {'in.features': features, 'out.embedding': networks['audio_tower'](features)})

    lm, style = networks['semantic_lm'], rvq.encode(embedding)
    asked = [CONTROLS] if lm.controls is not None else None
    prompt = torch.cat([lm.prefix(style), words[:, :20]], 1)
    known = {'in.control_rows': lm.controls.rows(asked, -c['rvq']['levels'], prompt.shape[1])} if asked else {}
    greedy = {
        n: split(generate_tokens(lm, style, 12, temperature=0, guidance=w, controls=asked), '', c)[0]
        for n, w in (('out.greedy', 1.0), ('out.greedy_guided', 2.0))
    }
    save(folder, 'semantic_lm', {**known, 'in.style': style, 'in.ids': prompt, 'out.logits': lm(prompt, controls=asked)[0], **greedy})

    piece = sound_for(c, audio)
    z = networks['vae_encoder'](piece)
    save(folder, 'vae_encoder', {'in.audio': piece, 'out.latents': z})
    save(folder, 'vae_decoder', decoder_golden(networks['vae_decoder'], z, g))

    path = networks['dual_path']
    length = SECONDS * c['frame_rate']
    noise = torch.randn(1, length, c['latent_dim'], generator=g)
    angle = torch.full((1, length), 0.9)
    angle[:, : length // 5], angle[:, -length // 5 :] = 0.0, 1.3
    words, of_timbre = split(tokens, 'in.timbre', c)
    gold = {**dual_path_golden(path, noise, angle, tokens), 'in.ids': words, **of_timbre}
    save(folder, 'dual_path', {k: v for k, v in gold.items() if k.startswith(('in.', 'out.', 'tokens.', 'angle'))})

    steps, guidance = c['sampling']['steps'], c['sampling']['guidance']
    latents = rotate(path, noise, tokens, steps, guidance, limit=path.latent_limit)
    save(folder, 'generation', {'in.noise': noise, 'in.tokens': words, **of_timbre, 'latents': latents})

    mark = hashlib.sha256((weights / 'manifest.json').read_bytes()).hexdigest()
    (folder / 'weights.json').write_text(json.dumps({'model': weights.name, 'manifest_sha256': mark}) + '\n')
    size = sum(f.stat().st_size for f in folder.iterdir())
    print(f'goldens of {weights.name}: {folder}, {size / 2**20:.2f} MiB')


if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--weights', default=ROOT / 'weights' / 'melody-small', type=Path)
    p.add_argument('--out', default=ROOT / 'test' / 'goldens' / 'small', type=Path)
    a = p.parse_args()
    run(a.weights, a.out)
