"""`sample`: the fixed prompts of prompts.json through weights/NAME -> runs/sample/NN.wav."""

import json
import wave
from pathlib import Path

import numpy as np
import torch

from ..export import load_exported
from ..sampling import generate_tokens, rotate
from ..wishes import controls_of

PROMPTS = Path(__file__).resolve().parents[2] / 'prompts.json'


def write_wav(path, audio, rate):
    """audio [n] in [-1, 1] -> 16 bit mono."""
    with wave.open(str(path), 'wb') as f:
        f.setnchannels(1)
        f.setsampwidth(2)
        f.setframerate(rate)
        f.writeframes(np.round(np.clip(audio, -1, 1) * 32767).astype('<i2').tobytes())


@torch.no_grad()
def generate(c, networks, tokenizer, text, seed):
    """-> (audio [n], tokens [T]) of one window."""
    s, generator = c['sampling'], torch.Generator().manual_seed(seed)
    ids = tokenizer.batch([text])
    embedding, lm = networks['text_tower'](ids), networks['semantic_lm']
    controls = (
        controls_of([text], embedding, networks['style_heads'], lm.controls, generator, tokenizer) if lm.controls is not None else None
    )
    tokens = generate_tokens(
        lm,
        networks['rvq'].encode(embedding),
        c['window_seconds'] * c['token_rate'],
        generator,
        s['temperature'],
        s['top_k'],
        s['top_p'],
        s.get('lm_guidance', 1.0),
        controls=controls,
    )
    noise = torch.randn(1, c['window_seconds'] * c['frame_rate'], c['latent_dim'], generator=generator)
    path = networks['dual_path']
    z = rotate(path, noise, tokens, s['steps'], s['guidance'], s['schedule'], limit=path.latent_limit)
    return networks['vae_decoder'](z)[0], tokens[0]


def run(c, paths):
    config, networks, tokenizer = load_exported(paths.weights)
    folder = paths.runs / 'sample'
    folder.mkdir(parents=True, exist_ok=True)
    for prompt in json.loads(PROMPTS.read_text())['prompts']:
        audio, _ = generate(config, networks, tokenizer, prompt['text'], prompt['seed'])
        write_wav(folder / f'{prompt["seed"]:02d}.wav', audio.numpy(), config['sample_rate'])
        print(f'sample: {folder}/{prompt["seed"]:02d}.wav  {prompt["text"]}  rms {float(audio.square().mean().sqrt()):.3f}')
