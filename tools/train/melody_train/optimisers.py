"""Optimisers: AdamW, and Muon for the matrices inside layers and blocks."""

import re

import torch

from .processes import bfloat16_pays, on_gpu


def adamw(parameters, lr, weight_decay=0.01, betas=(0.9, 0.98)):
    fused = {'fused': True} if on_gpu() else {}
    return torch.optim.AdamW(parameters, lr=lr, weight_decay=weight_decay, betas=betas, **fused)


def optimiser_of(model, train, weight_decay=0.01):
    """The optimiser a config asks for: "adamw" (default) or "muon" for the matrices inside layers and blocks."""
    if train.get('optimiser', 'adamw') == 'adamw':
        return adamw(model.parameters(), train['lr'], weight_decay)
    inside = re.compile(r'(^|\.)(layers|blocks|token_blocks|low|high)\.')
    hidden = lambda name, p: p.ndim == 2 and name.endswith('.weight') and inside.search(name)
    named = list(model.named_parameters())
    return Muon([p for n, p in named if hidden(n, p)], [p for n, p in named if not hidden(n, p)], train['lr'], weight_decay)


class Muon(torch.optim.Optimizer):
    """Momentum whose update of a matrix is orthogonalised (Jordan et al. 2024: five Newton-Schulz steps, here in bfloat16 where autocast is
    on),
    scaled to the size of an AdamW update (Liu et al. 2025: 0.2 sqrt(max side)), so that one learning rate serves both. Everything that is
    not
    a hidden matrix (embeddings, heads, gains) gets plain AdamW. Matrices of one shape go through together: fewer launches on a GPU."""

    def __init__(self, matrices, others, lr, weight_decay=0.01, momentum=0.95, betas=(0.9, 0.98)):
        groups = [{'params': list(matrices), 'muon': True}, {'params': list(others), 'muon': False}]
        super().__init__(groups, {'lr': lr, 'weight_decay': weight_decay, 'momentum': momentum, 'betas': betas})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            some = [p for p in group['params'] if p.grad is not None]
            if not some:
                continue
            torch._foreach_mul_(some, 1 - group['lr'] * group['weight_decay'])
            torch._foreach_add_(some, self._matrices(some, group) if group['muon'] else self._adam(some, group), alpha=-group['lr'])

    def _matrices(self, some, group):
        kept = [self.state[p].setdefault('momentum', torch.zeros_like(p)) for p in some]
        grads = [p.grad for p in some]
        beta = group['momentum']
        torch._foreach_mul_(kept, beta)
        torch._foreach_add_(kept, grads, alpha=1 - beta)
        ahead = torch._foreach_add(torch._foreach_mul(grads, 1 - beta), kept, alpha=beta)
        shapes, out = {}, [None] * len(some)
        for i, g in enumerate(ahead):
            shapes.setdefault(g.shape, []).append(i)
        for shape, places in shapes.items():
            turned = orthogonal(torch.stack([ahead[i] for i in places])) * (0.2 * max(shape) ** 0.5)
            for i, update in zip(places, turned.unbind(0)):
                out[i] = update
        return out

    def _adam(self, some, group):
        states = [self.state[p] for p in some]
        for p, s in zip(some, states):
            if not s:
                s.update(mean=torch.zeros_like(p), square=torch.zeros_like(p), step=0)
            s['step'] += 1
        (a, b), grads = group['betas'], [p.grad for p in some]
        mean, square = [s['mean'] for s in states], [s['square'] for s in states]
        torch._foreach_mul_(mean, a)
        torch._foreach_add_(mean, grads, alpha=1 - a)
        torch._foreach_mul_(square, b)
        torch._foreach_addcmul_(square, grads, grads, value=1 - b)
        size = torch._foreach_sqrt(torch._foreach_div(square, [1 - b ** s['step'] for s in states]))
        torch._foreach_add_(size, 1e-8)
        return torch._foreach_div(torch._foreach_div(mean, [1 - a ** s['step'] for s in states]), size)


def orthogonal(g):
    """The nearest matrix with singular values near 1 (0.7 ... 1.2) to every g [..., rows, columns]."""
    half = g.is_cuda or bfloat16_pays()
    norm = g.square().sum((-2, -1), keepdim=True).sqrt()
    x = (g / (norm + 1e-7)).to(torch.bfloat16 if half else torch.float32)
    tall = x.shape[-2] > x.shape[-1]
    x = x.transpose(-2, -1) if tall else x
    for _ in range(5):
        a = x @ x.transpose(-2, -1)
        x = 3.4445 * x + (-4.775 * a + 2.0315 * (a @ a)) @ x
    return (x.transpose(-2, -1) if tall else x).to(g.dtype)
