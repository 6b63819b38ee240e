"""The Triton scan against the formula, in Triton's interpreter on the CPU (TRITON_INTERPRET=1, set before triton is imported)."""

import math
import os
import sys
import unittest

os.environ['TRITON_INTERPRET'] = '1'
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

try:
    import torch
    import triton  # noqa: F401
except ImportError as error:
    raise unittest.SkipTest('PyTorch or Triton is not installed: the test of the Triton scan is left out') from error

from melody_train.models.sru import SruLayer, naive_scan  # noqa: E402
from melody_train.models.sru_triton import TritonScan  # noqa: E402


def reference(u, x, v, b, half):
    """naive_scan of both directions, from the same u [R, K, groups * 2h]."""
    width = 2 * half
    parts = u.float().unflatten(-1, (-1, width)).permute(2, 1, 0, 3)
    skip = parts[3] if len(parts) == 4 else math.sqrt(3.0) * x.float().transpose(0, 1)
    turn = lambda t: torch.cat([t[..., :half], t[..., half:].flip(0)], -1)
    return turn(naive_scan(turn(parts[0]), turn(parts[1]), turn(parts[2]), turn(skip), v[0], v[1], b[0], b[1])).transpose(0, 1)


class Scans(unittest.TestCase):
    def check(self, rows, steps, half, groups, dtype, tolerance):
        torch.manual_seed(rows + steps)
        width = 2 * half
        u = torch.randn(rows, steps, groups * width).to(dtype).requires_grad_()
        x = torch.randn(rows, steps, width).to(dtype).requires_grad_()
        v, b = (torch.randn(2, width).mul(0.5).requires_grad_() for _ in range(2))
        weight = torch.randn(rows, steps, width)
        results = []
        for scan in (lambda: TritonScan.apply(u, x, v, b), lambda: reference(u, x, v, b, half)):
            h = scan()
            wanted = (u, x, v, b) if groups == 3 else (u, v, b)
            results.append([h.detach(), *torch.autograd.grad((h * weight).sum(), wanted)])
        for got, expected in zip(*results):
            error = float(
                (got.float() - expected.float()).norm() / expected.float().norm().clamp(min=1e-3)
            )  # with one step v has no gradient
            assert error < tolerance, (rows, steps, half, groups, dtype, error)

    def test_float32(self):
        for rows, steps, half, groups in (
            (3, 5, 8, 3),
            (2, 4, 8, 4),
            (2, 3, 5, 4),
            (2, 1, 8, 3),
            (1, 3, 96, 3),
        ):  # odd widths, more lanes than a block
            self.check(rows, steps, half, groups, torch.float32, 1e-5)

    def test_bfloat16_inputs_are_scanned_in_float32(self):
        # gradients are stored in bfloat16, which the interpreter cuts off (2^-7 of a number at most) and the reference rounds
        self.check(3, 6, 8, 3, torch.bfloat16, 2**-7)
        self.check(2, 6, 8, 4, torch.bfloat16, 2**-7)

    def test_a_layer_says_the_same_with_either_scan(self):
        torch.manual_seed(2)
        for dim, hidden in ((16, 8), (12, 8)):
            layer, x = SruLayer(dim, hidden), torch.randn(3, 6, dim)
            layer.scan = 'triton'
            triton_says = layer(x)
            layer.scan = 'torch'
            assert (layer(x) - triton_says).abs().max() < 1e-5


if __name__ == '__main__':
    unittest.main()
