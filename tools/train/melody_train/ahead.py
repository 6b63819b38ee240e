"""Batches that are drawn on the host (captions, token ids, controls): on a GPU by worker processes ahead of need, else when asked for."""

import random

import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from .processes import on_gpu


class _Endless(IterableDataset):
    def __init__(self, draw, seed):
        self.draw, self.seed = draw, seed

    def __iter__(self):
        worker = get_worker_info()
        torch.set_num_threads(1)
        rng = random.Random(f'{self.seed}-{worker.id}')
        while True:
            yield self.draw(rng)


def ahead(draw, seed, workers=None):
    """Endless draw(rng) -> dict of CPU tensors. `workers` processes (default: 6 beside a GPU, else none) each have a stream of their
    own."""
    workers = (6 if on_gpu() else 0) if workers is None else workers
    if workers:
        return iter(
            DataLoader(_Endless(draw, seed), batch_size=None, num_workers=workers, prefetch_factor=4, multiprocessing_context='fork')
        )
    rng = random.Random(seed)
    return (draw(rng) for _ in iter(int, 1))


def pieces(tensor, index, start, length):
    """tensor [N, T, ...], index and start [B] (lists or tensors) -> [B, length, ...]: rows start ... start + length - 1 of each, gathered
    where
    the tensor lies."""
    index, start = (torch.as_tensor(x).to(tensor.device) for x in (index, start))
    return tensor[index[:, None], start[:, None] + torch.arange(length, device=tensor.device)]
