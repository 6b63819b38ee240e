"""How clips sound: tuning, traces of the frame rate, attacks, drums, loudness; and what the codec keeps of held-out pieces."""

from __future__ import annotations

import math

import numpy as np
import torch

from ..codec_report import clip_row, codec_table, summary
from ..envelopes import DRUMS_HEARD
from .system import System


def rounded(row: dict) -> dict:
    """JSON has no NaN: a measure that no clip has is null."""
    return {k: round(float(v), 4) if math.isfinite(v) else None for k, v in row.items()}


def sound(audio: torch.Tensor, rows: list, system: System) -> dict:
    """Measures of clips [B, n], medians (shares: means); rows: the held-out pieces that they were asked to be like."""
    found = [clip_row(x.double().numpy(), system.rate, system.config['frame_rate']) for x in audio]
    told = [(r['strokes'] >= DRUMS_HEARD, row['attributes']['drums']) for r, row in zip(found, rows) if math.isfinite(r['strokes'])]
    loud = [r['loudness'] for r in found]
    share = lambda drums: float(np.mean([heard for heard, have in told if have == drums] or [float('nan')]))
    return rounded(
        {
            **summary(found),
            'drums_where_wanted': share(True),
            'drums_where_unwanted': share(False),
            'loudness_lowest': min(loud),
            'loudness_highest': max(loud),
        }
    )


def codec(system: System, originals: torch.Tensor) -> dict:
    """Encoder and decoder alone on held-out pieces as the encoder takes them, beside the pieces and noise of their spectrum; stereo: their
    mid."""
    decoded = lambda a: system.channels_of(system.true_latents(a.float()))
    table = codec_table({'codec': decoded}, originals, system.own_rate, system.config['frame_rate'])
    report = {'clips': len(originals), 'rows': {name: rounded(row) for name, row in table.items()}}
    if system.channels == 2:
        report['side_over_mid_db'] = {
            'source': side_over_mid(originals, system.own_rate),
            'codec': side_over_mid(torch.cat([decoded(a[None]) for a in originals]), system.own_rate),
        }
    return report


def side_over_mid(audio: torch.Tensor, rate: int, edges=(0, 125, 250, 500, 1000, 2000, 4000, 8000, 12000, 20000)) -> dict:
    """Level of the side over the mid of clips [B, 2, n], dB in bands named by their lower edge in Hz: the median over clips."""
    mid, side = (torch.fft.rfft((audio[:, 0] + sign * audio[:, 1]).double() / 2).abs().square() for sign in (1, -1))
    place = lambda hz: min(mid.shape[1], round(hz * audio.shape[-1] / rate))
    bands = [slice(place(low), place(high)) for low, high in zip(edges, edges[1:])]
    levels = torch.stack([10 * ((side[:, b].sum(1) + 1e-9) / (mid[:, b].sum(1) + 1e-9)).log10() for b in bands], 1)
    return {str(low): round(float(level), 1) for low, level in zip(edges, levels.median(0).values)}
