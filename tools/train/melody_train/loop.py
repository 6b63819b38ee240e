"""What every training stage shares: resumable runs, EMA, learning-rate schedule, progress lines, curves."""

import json
import math
import os
import re
import time
from pathlib import Path

import torch


def set_up_threads(count=1):
    """One thread by default: spinning OpenMP threads on a shared CPU cost more than they give (docs/training.md section 6)."""
    torch.set_num_threads(int(os.environ.get('MELODY_THREADS', count)))


def device():
    return torch.device('cuda' if torch.cuda.is_available() else 'cpu')


def autocast(enabled=True):
    """bfloat16 matrix products where the machine has them in hardware; torch 1.13's CPU kernels for it are slow, so not there."""
    modern = int(torch.__version__.split('.')[0]) >= 2
    return torch.autocast(device().type, dtype=torch.bfloat16, enabled=enabled and modern)


def adamw(parameters, lr, weight_decay=0.01, betas=(0.9, 0.98)):
    return torch.optim.AdamW(parameters, lr=lr, weight_decay=weight_decay, betas=betas)


def optimiser_of(model, train, weight_decay=0.01):
    """The optimiser a config asks for: "adamw" (default) or "muon" for the matrices inside layers and blocks."""
    if train.get('optimiser', 'adamw') == 'adamw':
        return adamw(model.parameters(), train['lr'], weight_decay)
    inside = re.compile(r'(^|\.)(layers|blocks|token_blocks|low|high)\.')
    hidden = lambda name, p: p.ndim == 2 and name.endswith('.weight') and inside.search(name)
    named = list(model.named_parameters())
    return Muon([p for n, p in named if hidden(n, p)], [p for n, p in named if not hidden(n, p)], train['lr'], weight_decay)


class Muon(torch.optim.Optimizer):
    """Momentum whose update of a matrix is orthogonalised (Jordan et al. 2024: five Newton-Schulz steps, here in bfloat16 where autocast is on),
    scaled to the size of an AdamW update (Liu et al. 2025: 0.2 sqrt(max side)), so that one learning rate serves both. Everything that is not
    a hidden matrix (embeddings, heads, gains) gets plain AdamW."""

    def __init__(self, matrices, others, lr, weight_decay=0.01, momentum=0.95, betas=(0.9, 0.98)):
        groups = [{'params': list(matrices), 'muon': True}, {'params': list(others), 'muon': False}]
        super().__init__(groups, {'lr': lr, 'weight_decay': weight_decay, 'momentum': momentum, 'betas': betas})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group['params']:
                if p.grad is not None:
                    p.mul_(1 - group['lr'] * group['weight_decay'])
                    p.sub_(self._matrix(p, group) if group['muon'] else self._adam(p, group), alpha=group['lr'])

    def _matrix(self, p, group):
        kept = self.state[p].setdefault('momentum', torch.zeros_like(p))
        kept.lerp_(p.grad, 1 - group['momentum'])
        return orthogonal(p.grad.lerp(kept, group['momentum'])) * (0.2 * max(p.shape) ** 0.5)

    def _adam(self, p, group):
        s = self.state[p]
        if not s:
            s.update(mean=torch.zeros_like(p), square=torch.zeros_like(p), step=0)
        s['step'] += 1
        (a, b), n = group['betas'], s['step']
        s['mean'].lerp_(p.grad, 1 - a)
        s['square'].lerp_(p.grad.square(), 1 - b)
        return s['mean'] / (1 - a ** n) / ((s['square'] / (1 - b ** n)).sqrt() + 1e-8)


def orthogonal(g):
    """The nearest matrix with singular values near 1 (0.7 ... 1.2) to g [rows, columns]."""
    modern = int(torch.__version__.split('.')[0]) >= 2
    x = (g / (g.norm() + 1e-7)).to(torch.bfloat16 if modern else torch.float32)
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    for _ in range(5):
        a = x @ x.T
        x = 3.4445 * x + (-4.775 * a + 2.0315 * (a @ a)) @ x
    return (x.T if tall else x).to(g.dtype)


class Run:
    """One stage's folder: checkpoint.pt (model, EMA, optimisers, step, seconds), log.jsonl (one JSON a report), curve.png.

    The stage ends after `steps` optimiser steps or `minutes` of training, whichever comes first; progress in [0, 1] drives the schedule.
    """

    def __init__(self, folder, model, optimisers, train, extra=()):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.model, self.optimisers, self.train, self.extra = model, optimisers, train, list(extra)
        self.steps, self.minutes = train['steps'], train.get('minutes') or float('inf')
        self.step, self.seconds, self.decay = 0, 0.0, train.get('ema', 0.999)
        self.base_lr = [g['lr'] for o in optimisers for g in o.param_groups]
        self.ema = {k: v.detach().clone() for k, v in model.state_dict().items()}
        self.path = self.folder / 'checkpoint.pt'
        self.sums, self.count, self.last_report, self.last_save = {}, 0, time.time(), time.time()
        if self.path.exists():
            self._load()
        self.started = time.time()

    def _load(self):
        state = torch.load(self.path, map_location=device())
        self.model.load_state_dict(state['model'])
        self.ema = state['ema']
        for optimiser, saved in zip(self.optimisers, state['optimisers']):
            optimiser.load_state_dict(saved)
        for module, saved in zip(self.extra, state['extra']):
            module.load_state_dict(saved)
        self.step, self.seconds = state['step'], state['seconds']
        print(f'{self.folder.name}: resumed at step {self.step}, {self.seconds / 60:.1f} min', flush=True)

    def save(self):
        state = {'model': self.model.state_dict(), 'ema': self.ema, 'step': self.step, 'seconds': self.elapsed(),
                 'optimisers': [o.state_dict() for o in self.optimisers], 'extra': [m.state_dict() for m in self.extra]}
        torch.save(state, self.path.with_suffix('.tmp'))
        self.path.with_suffix('.tmp').replace(self.path)
        self.last_save = time.time()

    def elapsed(self):
        return self.seconds + time.time() - self.started

    def progress(self):
        return min(1.0, max(self.step / self.steps, self.elapsed() / 60 / self.minutes))

    def running(self):
        return self.progress() < 1.0

    def update(self, loss, clip=1.0, optimiser=0):
        """Backward, clip, step with the scheduled learning rate (short warm-up, cosine to 5 %). Returns the gradient norm."""
        chosen = self.optimisers[optimiser]
        warm = min(1.0, (self.step + 1) / self.train.get('warmup', 50))
        factor = warm * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * self.progress())))
        offset = sum(len(o.param_groups) for o in self.optimisers[:optimiser])
        for i, group in enumerate(chosen.param_groups):
            group['lr'] = self.base_lr[offset + i] * factor
        chosen.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_([p for g in chosen.param_groups for p in g['params'] if p.grad is not None], clip)
        if torch.isfinite(norm):
            chosen.step()
        return norm

    @torch.no_grad()
    def advance(self, losses):
        """Call once a step with {name: number}: counts, averages, moves the EMA, saves every 2 minutes."""
        self.step += 1
        decay = min(self.decay, (1 + self.step) / (10 + self.step))
        for name, value in self.model.state_dict().items():
            if value.dtype.is_floating_point:
                self.ema[name].lerp_(value, 1 - decay)
            else:
                self.ema[name].copy_(value)
        for name, value in losses.items():
            self.sums[name] = self.sums.get(name, 0.0) + float(value)
        self.count += 1
        if time.time() - self.last_save > 120:
            self.save()

    def due(self, every=None):
        return self.step % (every or self.train.get('report', 100)) == 0

    def report(self, **held_out):
        """Prints and logs the mean losses since the last report beside held-out numbers, redraws the curve."""
        means = {k: v / max(1, self.count) for k, v in self.sums.items()}
        rate = self.count / max(1e-9, time.time() - self.last_report)
        done = self.progress()
        left = (1 - done) * min(self.steps / max(rate, 1e-9), self.minutes * 60 if self.minutes < 1e9 else float('inf'))
        entry = {'step': self.step, 'minutes': round(self.elapsed() / 60, 2), **{k: round(float(v), 5) for k, v in means.items()},
                 **{k: round(float(v), 5) for k, v in held_out.items()}}
        with open(self.folder / 'log.jsonl', 'a') as f:
            f.write(json.dumps(entry) + '\n')
        text = ' '.join(f'{k} {v:.4g}' for k, v in {**means, **held_out}.items())
        print(f'{self.folder.name} {self.step}/{self.steps} {text} | {rate:.2f} steps/s, {left / 60:.1f} min left', flush=True)
        self.sums, self.count, self.last_report = {}, 0, time.time()
        draw_curve(self.folder)

    def finish(self):
        self.save()
        (self.folder / 'done').write_text(f'{self.step} steps, {self.elapsed() / 60:.1f} minutes\n')

    def with_ema(self):
        """Context manager: the model wears its EMA weights inside."""
        return _Swap(self.model, self.ema)


class _Swap:
    def __init__(self, model, weights):
        self.model, self.weights = model, weights

    def __enter__(self):
        self.own = {k: v.detach().clone() for k, v in self.model.state_dict().items()}
        self.model.load_state_dict(self.weights)
        self.model.eval()
        return self.model

    def __exit__(self, *_):
        self.model.load_state_dict(self.own)
        self.model.train()


def draw_curve(folder):
    """log.jsonl -> curve.png, one small panel a quantity. Without matplotlib the log alone remains."""
    try:
        import matplotlib
        matplotlib.use('Agg')
        import matplotlib.pyplot as plt
    except ImportError:
        return
    rows = [json.loads(line) for line in (Path(folder) / 'log.jsonl').read_text().splitlines()]
    names = [k for k in dict.fromkeys(k for row in rows for k in row) if k not in ('step', 'minutes')]
    columns = min(4, len(names))
    lines = -(-len(names) // columns)
    figure, axes = plt.subplots(lines, columns, figsize=(3.2 * columns, 2.2 * lines), squeeze=False)
    for axis in axes.flat[len(names):]:
        axis.axis('off')
    for axis, name in zip(axes.flat, names):
        points = [(row['step'], row[name]) for row in rows if name in row]
        axis.plot(*zip(*points), linewidth=1)
        axis.set_title(name, fontsize=8)
        axis.tick_params(labelsize=6)
    figure.tight_layout()
    figure.savefig(Path(folder) / 'curve.png', dpi=80)
    plt.close(figure)


def start_from(folder, model):
    """Starts model from another run's EMA weights wherever name and shape fit; the rest keeps its own start. A matrix that has more columns
    than the other's keeps those first and hears the new ones with weight 0. Returns the names that were left alone."""
    state = torch.load(Path(folder) / 'checkpoint.pt', map_location='cpu')['ema']
    own = model.state_dict()
    fits = {k: v for k, v in state.items() if k in own and own[k].shape == v.shape}
    for k, v in state.items():
        if k in own and k not in fits and v.ndim == 2 and own[k].ndim == 2 and len(v) == len(own[k]) and v.shape[1] < own[k].shape[1]:
            fits[k] = torch.cat([v, v.new_zeros(len(v), own[k].shape[1] - v.shape[1])], 1)
    model.load_state_dict({**own, **fits})
    return sorted(set(own) - set(fits))


def load_weights(folder, model, ema=True, part=''):
    """Loads a run's EMA (or raw) weights into model, only those under `part` ('encoder.') if given; raises FileNotFoundError with the stage to
    run first."""
    path = Path(folder) / 'checkpoint.pt'
    if not path.exists():
        raise FileNotFoundError(f'{path} is missing: run the stage "{Path(folder).name}" first')
    state = torch.load(path, map_location='cpu')
    state = {k.removeprefix(part): v for k, v in state['ema' if ema else 'model'].items() if k.startswith(part)}
    model.load_state_dict(state)
    return model.eval()
