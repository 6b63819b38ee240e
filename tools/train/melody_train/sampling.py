"""Text to audio in PyTorch, the reference of the engine's pipeline. docs/system.md sections 3, 4, 7."""

import math

import torch
import torch.nn.functional as F

from .models.controls import KEY_STEP


def schedule(steps, kind='linear'):
    """Rotations omega, first step first; they sum to pi/2. 'linear': pi/(6T) + 2 pi t / (3T(T+1)) for t = T..1; 'uniform': pi/(2T)."""
    if kind == 'uniform':
        return [math.pi / 2 / steps] * steps
    return [math.pi / (6 * steps) + 2 * math.pi * t / (3 * steps * (steps + 1)) for t in range(steps, 0, -1)]


@torch.no_grad()
def rotate(model, noise, ids, steps=10, guidance=2.5, kind='linear', limit=None, context=None):
    """DPD sampling: noise [B, L, D], token ids [B, T] -> latents [B, L, D].

    context [B, C, D]: clean first frames (delta = 0, never updated). limit [D]: clamp of the result.
    """
    z, clean = noise, 0
    if context is not None:
        clean = context.shape[1]
        z = torch.cat([context, noise[:, clean:]], 1)
    tokens = model.tokens(ids)
    delta = math.pi / 2
    for omega in schedule(steps, kind):
        angle = torch.full(z.shape[:2], delta, device=z.device)
        angle[:, :clean] = 0.0
        v = model(z, angle, tokens)
        if guidance != 1.0:
            v = guidance * v + (1 - guidance) * model(z, angle, tokens, null=True)
        moved = math.cos(omega) * z - math.sin(omega) * v
        z = torch.cat([z[:, :clean], moved[:, clean:]], 1)
        delta -= omega
    if limit is not None:
        z = torch.cat([z[:, :clean], z[:, clean:].clamp(-limit, limit)], 1)
    return z


def filtered(logits, temperature, top_k, top_p):
    """logits [B, V] -> probabilities: temperature, then top-k (0 = off), then the smallest set of words with mass >= top_p."""
    p = (logits / max(temperature, 1e-6)).softmax(-1)
    order = p.sort(dim=-1, descending=True, stable=True).indices  # argsort has no `stable` in torch 1.13
    sorted_p = p.gather(-1, order)
    keep = (sorted_p.cumsum(-1) - sorted_p) < top_p
    if top_k:
        keep[:, top_k:] = False
    sorted_p = sorted_p * keep
    return torch.zeros_like(p).scatter(-1, order, sorted_p / sorted_p.sum(-1, keepdim=True))


@torch.no_grad()
def generate_tokens(model, style, count, generator=None, temperature=1.0, top_k=0, top_p=1.0, guidance=1.0, start=None, controls=None):
    """style [B, levels] -> ids [B, count] (with timbre words [B, count, 2]) after the given `start` ids [B, n].
    temperature 0 takes the likeliest word (for goldens).

    controls: a list of Controls, one a sequence. Guidance leads away from no style and no key, at the same clock.
    """
    ids = model.prefix(style)
    both, block = guidance != 1.0, model.config.get('timbre_frames')
    twice = lambda t: torch.cat([t] * 2) if both else t
    if both:
        ids = torch.cat([ids, model.prefix(torch.full_like(style, -1))])
        controls = controls and [*controls, *(k._replace(key=None) for k in controls)]
    if start is not None:
        ids = torch.cat([ids, twice(start[..., 0] if block else start)], 1)

    def draw(logits):
        if temperature == 0:
            return logits.argmax(-1, keepdim=True)
        return torch.multinomial(filtered(logits, temperature, top_k, top_p), 1, generator=generator)

    told = controls[: len(style)] if controls and model.controls.phrases else None
    past, out, first = None, [], 0 if start is None else start.shape[1]
    before, bias, timbre_bias = [] if start is None else [start[..., 0] if block else start], 0.0, 0.0
    # The blocks before; one that began in `start` keeps its timbre.
    blocks = start[:, ::block, 1] if block and first else ids[: len(style), :0]
    for i in range(count):
        if told and (i == 0 or (first + i) % KEY_STEP == 0):
            known = torch.cat(before, 1) if before else ids[: len(style), :0]
            known = known[:, : (first + i) // KEY_STEP * KEY_STEP]
            bias = model.controls.bias(told, known)
            timbre_bias = model.controls.bias(told, known, timbre=True) if block else 0.0
        h, past = model.hidden(ids, past, controls)
        h = h[:, -1]
        if block and (first + i) % block == 0:  # without guidance: led away from no style, keys and timbres are lost
            sight = F.pad(h[: len(style), None], (0, 0, blocks.shape[1], 0))
            blocks = torch.cat([blocks, draw(model.timbre_logits(sight, blocks)[:, -1].float() + timbre_bias)], 1)
        logits = model.head(h).float()
        if both:
            with_style, without = logits.chunk(2)
            logits = without + guidance * (with_style - without)
        logits = logits + bias
        word = draw(logits)
        out.append(torch.stack([word, blocks[:, -1:]], -1) if block else word)
        before.append(word)
        ids = twice(word)
    return torch.cat(out, 1)
