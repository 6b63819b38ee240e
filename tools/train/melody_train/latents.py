"""Latent statistics: the diffusion model works on latents rotated to their principal axes and scaled to mean variance 1.

    z = (mu - mean) R / scale      export folds this into the encoder's last and the decoder's first layer, so the engine sees z only.
An encoder that goes on from an exported one stands on those axes already (`nearly_principal`): there R stays the identity, because turning
axes of
nearly equal variance into each other would only shuffle what the earlier diffusion model knows. So it does where the axes of an earlier
model
are kept on purpose (`kept`): its diffusion model then starts on latents that it knows (measured on a widened model's latents after 400
steps of
training: velocity error 0.47 on kept axes, 0.98 on their principal axes, 0.59 of the earlier model on its own).
`limit` [D] is 4 standard deviations of each axis: the clamp of the sampler's result (docs/system.md section 7).
"""

import torch

from .cache import keep


class Latents:
    def __init__(self, mean, rotation, scale, limit):
        self.mean, self.rotation, self.scale, self.limit = mean, rotation, scale, limit

    @classmethod
    def fit(cls, mu, centred=False, kept=0):
        """mu [N, D]. centred keeps the mean at 0 (for decoders whose first layer pads with zeros). kept: the first so many axes are those
        of an
        earlier model; no axis is turned then, and the mean variance of these becomes 1."""
        mean = mu.mean(0) * (0.0 if centred else 1.0)
        covariance = (mu - mean).T @ (mu - mean) / len(mu)
        if kept or nearly_principal(covariance):
            variance = covariance.diagonal()
            mean_variance = variance[: kept or None].mean()
            return cls(mean, torch.eye(len(mean)), mean_variance.sqrt(), 4 * (variance / mean_variance).clamp(min=1e-6).sqrt())
        values, vectors = torch.linalg.eigh(covariance.double())
        values, vectors = values.flip(0), vectors.flip(1)
        vectors = vectors * torch.sign(vectors.sum(0, keepdim=True))  # a fixed sign, so that a refit gives the same axes
        scale = values.mean().sqrt()
        return cls(mean, vectors.float(), scale.float(), (4 * (values / values.mean()).clamp(min=1e-6).sqrt()).float())

    @classmethod
    def none(cls, size):
        """Latents as they are: nothing has been fitted yet."""
        return cls(torch.zeros(size), torch.eye(size), torch.tensor(1.0), torch.full((size,), 4.0))

    def normalise(self, mu):
        return (mu - self.mean) @ self.rotation / self.scale

    def restore(self, z):
        return z * self.scale @ self.rotation.T + self.mean

    def save(self, folder):
        keep({k: getattr(self, k) for k in ('mean', 'rotation', 'scale', 'limit')}, folder / 'statistics.pt')

    @classmethod
    def load(cls, folder):
        return cls(**torch.load(folder / 'statistics.pt'))


def nearly_principal(covariance, most=0.2):
    """Whether no two axes of covariance [D, D] correlate by more than `most`."""
    deviation = covariance.diagonal().clamp(min=1e-12).sqrt()
    correlation = covariance / deviation / deviation[:, None]
    return float((correlation - torch.eye(len(covariance))).abs().max()) < most
