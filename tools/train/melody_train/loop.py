"""What every training stage shares: resumable runs, EMA, learning-rate schedule, progress lines; one process or several (processes.py)."""

import json
import math
import os
import time
from pathlib import Path

import torch

from .curve import draw_curve
from .graphs import Gradients
from .processes import agree, average_gradients, device, on_gpu, rank, same_start


def set_up_threads(count=None):
    """One thread by default: spinning OpenMP threads on a shared CPU cost more than they give (docs/training.md section 6). Beside a GPU,
    eight."""
    torch.set_num_threads(int(os.environ.get('MELODY_THREADS', count or (8 if on_gpu() else 1))))


class Run:
    """One stage's folder: checkpoint.pt (model, EMA, optimisers, step, seconds), log.jsonl (one JSON a report), curve.png.

    The stage ends after `steps` optimiser steps or `minutes` of training, whichever comes first; progress in [0, 1] drives the schedule.
    With `until` (seconds since 1970, from the budget of `all`) it ends then instead, its last report included; reports and checkpoints
    follow
    the same clock. With several processes gradients are averaged, process 0's clock counts and it alone writes. A process that was asked to
    stop ends the loop after its step: the checkpoint is written, the stage is not done.
    """

    def __init__(self, folder, model, optimisers, train, extra=()):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.model, self.optimisers, self.train, self.extra = model, optimisers, train, list(extra)
        self.steps, self.until = train['steps'], train.get('until')
        self.step, self.seconds, self.decay = 0, 0.0, train.get('ema', 0.999)
        self.base_lr = [g['lr'] for o in optimisers for g in o.param_groups]
        self.ema = {k: v.detach().clone() for k, v in model.state_dict().items()}
        self.path = self.folder / 'checkpoint.pt'
        if self.path.exists():
            self._load()
        for module in (model, *self.extra):
            same_start(module.state_dict().values())
        same_start(self.ema.values())
        self.gradients = [Gradients(self.folder.name, [p for g in o.param_groups for p in g['params']]) for o in optimisers]
        self.sums, self.count, self.report_cost = {}, 0, 0.0
        self.started = self.last_report = self.last_save = self.asked = time.time()
        left = self.share = (self.until or 0) - self.started
        self.minutes = (self.seconds + max(0.0, left)) / 60 if self.until else train.get('minutes') or float('inf')
        self.save_every = min(120.0, max(15.0, left / 4)) if self.until else 120.0
        self.first_step, self.reported = self.step, 0.0
        self._agree()

    def _load(self):
        state = torch.load(self.path, map_location=device())
        self.model.load_state_dict(state['model'])
        self.ema = state['ema']
        for optimiser, saved in zip(self.optimisers, state['optimisers']):
            optimiser.load_state_dict(saved)
        for module, saved in zip(self.extra, state['extra']):
            module.load_state_dict(saved)
        self.step, self.seconds = state['step'], state['seconds']
        self._say(f'resumed at step {self.step}, {self.seconds / 60:.1f} min')

    def _say(self, text):
        if rank() == 0:
            print(f'{self.folder.name}: {text}', flush=True)

    def save(self):
        self.last_save = time.time()
        if rank() != 0:
            return
        state = {
            'model': self.model.state_dict(),
            'ema': self.ema,
            'step': self.step,
            'seconds': self.elapsed(),
            'optimisers': [o.state_dict() for o in self.optimisers],
            'extra': [m.state_dict() for m in self.extra],
        }
        torch.save(state, self.path.with_suffix('.tmp'))
        self.path.with_suffix('.tmp').replace(self.path)

    def elapsed(self):
        return self.seconds + time.time() - self.started

    def _agree(self):
        """Process 0's clock, with room for the last report, and everybody's wish to stop."""
        total = max(1e-3, 60 * self.minutes - (1.2 * self.report_cost if self.until else 0.0))
        over = bool(self.until) and time.time() >= self.until
        self.done, self.stopped = agree(1.0 if over else min(1.0, max(self.step / self.steps, self.elapsed() / total)))

    def progress(self):
        return self.done

    def running(self):
        return self.done < 1.0 and not self.stopped

    def update(self, loss, clip=1.0, optimiser=0):
        """Backward, then `apply`. Returns the gradient norm."""
        self.optimisers[optimiser].zero_grad(set_to_none=True)
        loss.backward()
        return self.apply(clip, optimiser)

    def learn(self, compute, inputs, clip=1.0, variant=None):
        """compute(*inputs) -> (total, {name: loss}) on tensors of the device; one optimiser step on total. Returns the losses.
        On a GPU the work is captured once for every `variant` and shape of inputs, and replayed."""
        losses = self.gradients[0](compute, inputs, variant)
        self.apply(clip)
        return losses

    def apply(self, clip=1.0, optimiser=0):
        """Gradients averaged over the processes and clipped, a step with the scheduled learning rate (short warm-up, cosine to 5 %)."""
        chosen = self.optimisers[optimiser]
        warm = min(1.0, (self.step + 1) / self.train.get('warmup', 50))
        factor = warm * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * self.progress())))
        offset = sum(len(o.param_groups) for o in self.optimisers[:optimiser])
        for i, group in enumerate(chosen.param_groups):
            group['lr'] = self.base_lr[offset + i] * factor
        average_gradients(p for g in chosen.param_groups for p in g['params'])
        norm = torch.nn.utils.clip_grad_norm_([p for g in chosen.param_groups for p in g['params'] if p.grad is not None], clip)
        if torch.isfinite(norm):
            chosen.step()
        return norm

    @torch.no_grad()
    def advance(self, losses):
        """Call once a step with {name: number or scalar tensor}: counts, averages, moves the EMA, saves on schedule."""
        self.step += 1
        decay = min(self.decay, (1 + self.step) / (10 + self.step))
        state = self.model.state_dict()
        moving = [k for k, v in state.items() if v.dtype.is_floating_point]
        torch._foreach_lerp_([self.ema[k] for k in moving], [state[k] for k in moving], 1 - decay)
        for name in state.keys() - set(moving):
            self.ema[name].copy_(state[name])
        for name, value in losses.items():  # tensors stay on the device until a report: no waiting every step
            self.sums[name] = self.sums.get(name, 0.0) + value
        self.count += 1
        if time.time() - self.last_save > self.save_every:
            self.save()
        self._agree()

    def due(self, every=None):
        """Whether to report now: every `report` steps, or in a budget at its end and, where a report takes less than a twentieth of the
        share, four times."""
        self.asked = time.time()
        if self.stopped:
            return False
        if not self.until:
            return self.step % (every or self.train.get('report', 100)) == 0
        return self.done >= 1.0 or (self.done - self.reported >= 0.25 and self.report_cost < 0.05 * self.share)

    def report(self, **held_out):
        """Prints and logs the mean losses since the last report beside held-out numbers, redraws the curve."""
        means = {k: float(v) / max(1, self.count) for k, v in self.sums.items()}
        rate = self.count / max(1e-9, self.asked - self.last_report)
        done, self.reported = self.progress(), self.progress()
        left = (1 - done) * min(self.steps / max(rate, 1e-9), self.minutes * 60 if self.minutes < 1e9 else float('inf'))
        entry = {
            'step': self.step,
            'minutes': round(self.elapsed() / 60, 2),
            **{k: round(float(v), 5) for k, v in means.items()},
            **{k: round(float(v), 5) for k, v in held_out.items()},
        }
        if rank() == 0:
            with open(self.folder / 'log.jsonl', 'a') as f:
                f.write(json.dumps(entry) + '\n')
            if not self.until:
                draw_curve(self.folder)
        text = ' '.join(f'{k} {v:.4g}' for k, v in {**means, **held_out}.items())
        self._say(f'{self.step}/{self.steps} {text} | {rate:.2f} steps/s, {left / 60:.1f} min left')
        self.sums, self.count, self.last_report = {}, 0, time.time()
        self.report_cost = max(self.report_cost, self.last_report - self.asked)

    def finish(self):
        self.save()
        if self.stopped:
            self._say(f'stopped at step {self.step}; the same command goes on from here')
        elif rank() == 0:
            if self.until and (self.folder / 'log.jsonl').exists():
                draw_curve(self.folder)
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
    """Loads a run's EMA (or raw) weights into model, only those under `part` ('encoder.') if given; raises FileNotFoundError with the stage
    to
    run first."""
    path = Path(folder) / 'checkpoint.pt'
    if not path.exists():
        raise FileNotFoundError(f'{path} is missing: run the stage "{Path(folder).name}" first')
    state = torch.load(path, map_location='cpu')
    state = {k.removeprefix(part): v for k, v in state['ema' if ema else 'model'].items() if k.startswith(part)}
    model.load_state_dict(state)
    return model.eval()
