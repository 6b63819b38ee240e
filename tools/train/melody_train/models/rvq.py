"""Residual vector quantiser of the joint embedding: unit vector [B, E] -> 12 codes and back. docs/system.md section 2."""

import torch
from torch import nn


class Rvq(nn.Module):
    """codebooks [levels, entries, E]: level q quantises what levels 0..q-1 left over, nearest entry in Euclidean distance, first on
    ties."""

    def __init__(self, c, embedding_dim):
        super().__init__()
        self.register_buffer('codebooks', torch.zeros(c['levels'], c['entries'], embedding_dim))

    def encode(self, x):
        """[B, E] -> int64 [B, levels]."""
        codes = []
        for book in self.codebooks:
            code = (book.square().sum(1) - 2 * x @ book.T).argmin(1)
            codes.append(code)
            x = x - book[code]
        return torch.stack(codes, 1)

    def decode(self, codes):
        """int64 [B, q] for q <= levels -> [B, E], the sum of the entries."""
        return sum(self.codebooks[q][codes[:, q]] for q in range(codes.shape[1]))

    @torch.no_grad()
    def fit(self, x, passes=12, seed=0):
        """k-means level by level on the residuals of x [N, E]."""
        residual = x.clone()
        for q in range(len(self.codebooks)):
            self.codebooks[q] = kmeans(residual, self.codebooks.shape[1], passes, seed + q)
            residual -= self.codebooks[q][nearest(residual, self.codebooks[q])]
        return residual.square().sum(1).mean() / x.square().sum(1).mean()


def nearest(x, centroids, chunk=8192):
    """Index of the nearest centroid for each row."""
    norm = centroids.square().sum(1)
    return torch.cat([(norm - 2 * part @ centroids.T).argmin(1) for part in x.split(chunk)])


@torch.no_grad()
def kmeans(x, k, passes=12, seed=0):
    """Lloyd's algorithm from k random rows; a centroid without rows restarts at a random row. x [N, F] -> [k, F]."""
    generator = torch.Generator().manual_seed(seed)
    pick = lambda n: x[torch.randint(len(x), (n,), generator=generator)]
    centroids = x[torch.randperm(len(x), generator=generator)[:k]] if len(x) >= k else pick(k)
    centroids = centroids.clone()
    for _ in range(passes):
        owner = nearest(x, centroids)
        count = torch.bincount(owner, minlength=k)
        total = torch.zeros_like(centroids).index_add_(0, owner, x)
        centroids = total / count.clamp(min=1)[:, None]
        empty = count == 0
        if empty.any():
            centroids[empty] = pick(int(empty.sum())) + 1e-4 * torch.randn(int(empty.sum()), x.shape[1], generator=generator).to(x)
    return centroids
