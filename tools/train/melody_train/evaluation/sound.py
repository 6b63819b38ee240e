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
    return rounded({**summary(found), 'drums_where_wanted': share(True), 'drums_where_unwanted': share(False),
                    'loudness_lowest': min(loud), 'loudness_highest': max(loud)})


def codec(system: System, audio: torch.Tensor) -> dict:
    """Encoder and decoder alone on held-out pieces [B, n], beside the pieces and noise of their spectrum."""
    table = codec_table({'codec': lambda a: system.audio(system.true_latents(a.float()))}, audio, system.rate, system.config['frame_rate'])
    return {'clips': len(audio), 'rows': {name: rounded(row) for name, row in table.items()}}
