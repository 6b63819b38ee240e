"""The SRU scan as Triton kernels: a program for every row of lanes, the state in registers, one launch a direction of time for both halves.

Reads u as the product left it, [R, K, groups, 2h] in any float type, so that nothing is turned, copied or cast first. Lanes h ... 2h - 1
run
backwards in time. The formulas are those of sru.py; the reverse pass computes the gates again from c instead of keeping them.
"""

import math

import torch
import triton
import triton.language as tl


@triton.jit
def _at(t, K, lane, HALF: tl.constexpr):
    """Time of step t for each lane: the second half runs backwards."""
    return tl.where(lane < HALF, t, K - 1 - t)


@triton.jit
def _forward(u, x, v, b, c_out, h_out, K, HALF: tl.constexpr, GROUPS: tl.constexpr, BLOCK: tl.constexpr, scale: tl.constexpr):
    row = tl.program_id(0)
    lane = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    WIDTH: tl.constexpr = 2 * HALF
    inside = lane < WIDTH
    vf, vr = tl.load(v + lane, inside, 0.0), tl.load(v + WIDTH + lane, inside, 0.0)
    bf, br = tl.load(b + lane, inside, 0.0), tl.load(b + WIDTH + lane, inside, 0.0)
    c = tl.zeros([BLOCK], tl.float32)
    for t in range(K):
        place = row.to(tl.int64) * K + _at(t, K, lane, HALF)
        a = u + place * (GROUPS * WIDTH) + lane
        u0 = tl.load(a, inside, 0.0).to(tl.float32)
        u1 = tl.load(a + WIDTH, inside, 0.0).to(tl.float32)
        u2 = tl.load(a + 2 * WIDTH, inside, 0.0).to(tl.float32)
        if GROUPS == 4:
            s = tl.load(a + 3 * WIDTH, inside, 0.0).to(tl.float32)
        else:
            s = scale * tl.load(x + place * WIDTH + lane, inside, 0.0).to(tl.float32)
        f = tl.sigmoid(u1 + bf + vf * c)
        r = tl.sigmoid(u2 + br + vr * c)
        c = u0 + (c - u0) * f
        tl.store(c_out + place * WIDTH + lane, c, inside)
        tl.store(h_out + place * WIDTH + lane, s + (c - s) * r, inside)


@triton.jit
def _backward(u, x, v, b, c_in, gh, gu, gx, gv, gb, K, HALF: tl.constexpr, GROUPS: tl.constexpr, BLOCK: tl.constexpr, scale: tl.constexpr):
    row = tl.program_id(0)
    lane = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    WIDTH: tl.constexpr = 2 * HALF
    inside = lane < WIDTH
    vf, vr = tl.load(v + lane, inside, 0.0), tl.load(v + WIDTH + lane, inside, 0.0)
    bf, br = tl.load(b + lane, inside, 0.0), tl.load(b + WIDTH + lane, inside, 0.0)
    g = tl.zeros([BLOCK], tl.float32)  # gradient of c[t] from the steps after it
    sum_vf, sum_vr = tl.zeros([BLOCK], tl.float32), tl.zeros([BLOCK], tl.float32)
    sum_bf, sum_br = tl.zeros([BLOCK], tl.float32), tl.zeros([BLOCK], tl.float32)
    for i in range(K):
        t = K - 1 - i
        place = row.to(tl.int64) * K + _at(t, K, lane, HALF)
        earlier = row.to(tl.int64) * K + _at(t - 1, K, lane, HALF)
        a = u + place * (GROUPS * WIDTH) + lane
        u0 = tl.load(a, inside, 0.0).to(tl.float32)
        u1 = tl.load(a + WIDTH, inside, 0.0).to(tl.float32)
        u2 = tl.load(a + 2 * WIDTH, inside, 0.0).to(tl.float32)
        if GROUPS == 4:
            s = tl.load(a + 3 * WIDTH, inside, 0.0).to(tl.float32)
        else:
            s = scale * tl.load(x + place * WIDTH + lane, inside, 0.0).to(tl.float32)
        c = tl.load(c_in + place * WIDTH + lane, inside, 0.0)
        before = tl.load(c_in + earlier * WIDTH + lane, inside & (lane + t * WIDTH >= WIDTH), 0.0)  # 0 before the first step
        out = tl.load(gh + place * WIDTH + lane, inside, 0.0).to(tl.float32)
        f = tl.sigmoid(u1 + bf + vf * before)
        r = tl.sigmoid(u2 + br + vr * before)
        g += out * r
        gs = out * (1 - r)
        g2 = out * (c - s) * r * (1 - r)
        slope = (before - u0) * f * (1 - f)
        g1 = g * slope
        to = gu + place * (GROUPS * WIDTH) + lane
        tl.store(to, g * (1 - f), inside)
        tl.store(to + WIDTH, g1, inside)
        tl.store(to + 2 * WIDTH, g2, inside)
        if GROUPS == 4:
            tl.store(to + 3 * WIDTH, gs, inside)
        else:
            tl.store(gx + place * WIDTH + lane, scale * gs, inside)
        sum_vf += g1 * before
        sum_vr += g2 * before
        sum_bf += g1
        sum_br += g2
        g = g * (f + slope * vf) + g2 * vr
    first = row.to(tl.int64) * (2 * WIDTH) + lane
    tl.store(gv + first, sum_vf, inside)
    tl.store(gv + first + WIDTH, sum_vr, inside)
    tl.store(gb + first, sum_bf, inside)
    tl.store(gb + first + WIDTH, sum_br, inside)


class TritonScan(torch.autograd.Function):
    """u [R, K, groups * 2h], x [R, K, 2h] (read where groups = 3), v, b [2, 2h] -> h [R, K, 2h] float32."""

    @staticmethod
    def forward(ctx, u, x, v, b):
        u, x, v, b = u.contiguous(), x.contiguous(), v.float().contiguous(), b.float().contiguous()
        rows, steps, width = u.shape[0], u.shape[1], v.shape[1]
        groups, block = u.shape[2] // width, min(128, triton.next_power_of_2(width))
        c, h = (torch.empty(rows, steps, width, device=u.device) for _ in range(2))
        ctx.sizes = dict(HALF=width // 2, GROUPS=groups, BLOCK=block, scale=math.sqrt(3.0))
        ctx.grid = (rows, triton.cdiv(width, block))
        _forward[ctx.grid](u, x, v, b, c, h, steps, **ctx.sizes)
        ctx.save_for_backward(u, x, v, b, c)
        return h

    @staticmethod
    def backward(ctx, gh):
        u, x, v, b, c = ctx.saved_tensors
        gu, gx = torch.empty_like(u), torch.empty_like(x) if ctx.sizes['GROUPS'] == 3 else x
        gv, gb = (torch.empty(len(u), *v.shape, device=u.device) for _ in range(2))
        _backward[ctx.grid](u, x, v, b, c, gh.contiguous(), gu, gx, gv, gb, u.shape[1], **ctx.sizes)
        return gu, gx if ctx.sizes['GROUPS'] == 3 else None, gv.sum(0), gb.sum(0)
