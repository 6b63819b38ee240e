"""Simple recurrent unit (Lei et al.), bidirectional. The only serial part is an element-wise scan over K steps.

u = x W  (3 or 4 groups of `hidden` per direction)      f = sigmoid(u1 + bf + vf * c[t-1])     r = sigmoid(u2 + br + vr * c[t-1])
c[t] = u0 + (c[t-1] - u0) * f                           h[t] = x' + (c[t] - x') * r,  x' = u3 (4 groups) or sqrt(3) x (3 groups)
"""

import math
from functools import cache

import torch
from torch import nn


@cache
def triton_scan():
    """TritonScan, or None with a line where Triton is not installed."""
    try:
        from .sru_triton import TritonScan
    except ImportError as error:
        print(f'sru: no Triton ({error}); the scan runs step by step, several times slower on a GPU', flush=True)
        return None
    return TritonScan


class Scan(torch.autograd.Function):
    """u [K, R, G], v, b [2, G] -> (c, h); x' [K, R, G]. Loop only for c; the reverse pass is written by hand (docs/training.md section 5).

    Autograd through the plain loop costs ten times as much. test_sru.py compares both.
    """

    @staticmethod
    def forward(ctx, u0, u1, u2, x, vf, vr, bf, br):
        steps = u0.shape[0]
        a1 = u1 + bf
        f, c = torch.empty_like(u0), torch.empty_like(u0)
        state = torch.zeros_like(u0[0])
        for t in range(steps):
            torch.sigmoid(torch.addcmul(a1[t], vf, state), out=f[t])
            torch.lerp(u0[t], state, f[t], out=c[t])
            state = c[t]
        before = torch.cat([torch.zeros_like(c[:1]), c[:-1]])
        r = torch.addcmul(u2 + br, vr, before).sigmoid_()
        ctx.save_for_backward(u0, x, f, r, c, before, vf, vr)
        return x + (c - x) * r

    @staticmethod
    def backward(ctx, gh):
        u0, x, f, r, c, before, vf, vr = ctx.saved_tensors
        gh = gh.contiguous()
        gx = gh * (1 - r)
        gu2 = gh * (c - x) * r * (1 - r)  # gradient at r's pre-activation
        slope = (before - u0) * f * (1 - f)
        through = torch.addcmul(f, slope, vf)  # dc[t] / dc[t-1]
        gc = gh * r
        gc[:-1] += gu2[1:] * vr  # r[t+1] reads c[t]
        for t in range(u0.shape[0] - 2, -1, -1):
            gc[t].addcmul_(gc[t + 1], through[t + 1])
        gu0 = gc * (1 - f)
        gu1 = gc * slope
        total = lambda g: g.sum((0, 1))
        return gu0, gu1, gu2, gx, total(gu1 * before), total(gu2 * before), total(gu1), total(gu2)


def naive_scan(u0, u1, u2, x, vf, vr, bf, br):
    """The formula, step by step, for autograd: the reference of Scan."""
    c, out = torch.zeros_like(u0[0]), []
    for a0, a1, a2, s in zip(u0.unbind(0), u1.unbind(0), u2.unbind(0), x.unbind(0)):
        f = torch.sigmoid(a1 + bf + vf * c)
        r = torch.sigmoid(a2 + br + vr * c)
        c = a0 + (c - a0) * f
        out.append(s + (c - s) * r)
    return torch.stack(out)


class SruLayer(nn.Module):
    """Both directions of one layer: x [R, K, in] -> [R, K, 2 * hidden] (forward half, backward half).

    weight [in, groups * 2 * hidden], column blocks in the order (group, direction, hidden): u0 forward, u0 backward, u1 forward, ...
    """

    def __init__(self, dim, hidden):
        super().__init__()
        self.hidden = hidden
        self.groups = 3 if dim == 2 * hidden else 4
        self.weight = nn.Parameter(torch.empty(dim, self.groups * 2 * hidden).uniform_(-math.sqrt(3 / dim), math.sqrt(3 / dim)))
        self.v = nn.Parameter(torch.empty(2, 2 * hidden).uniform_(-0.5, 0.5))  # rows: vf, vr
        self.b = nn.Parameter(torch.zeros(2, 2 * hidden))  # rows: bf, br
        self.scan = None  # 'triton' or 'torch'; default: Triton on a GPU

    def forward(self, x):
        h, u = self.hidden, x @ self.weight
        if self.scan == 'triton' or (self.scan is None and x.is_cuda and triton_scan()):
            return triton_scan().apply(u, x, self.v, self.b)
        u = u.float().unflatten(-1, (self.groups, 2 * h)).permute(2, 1, 0, 3)  # [groups, K, R, 2h]
        skip = u[3] if self.groups == 4 else math.sqrt(3.0) * x.float().transpose(0, 1)
        # the backward direction reads time reversed; x' of a 3-group layer reverses with its lanes too
        turn = lambda t: torch.cat([t[..., :h], t[..., h:].flip(0)], -1)
        out = Scan.apply(turn(u[0]), turn(u[1]), turn(u[2]), turn(skip), self.v[0], self.v[1], self.b[0], self.b[1])
        return turn(out).transpose(0, 1)
