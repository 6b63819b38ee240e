"""The text tower and the audio tower side by side, as they are trained together (docs/system.md section 2)."""

import torch
from torch import nn

from .audio_tower import audio_tower
from .text_tower import TextTower


class Towers(nn.Module):
    def __init__(self, c, vocab):
        super().__init__()
        self.text = TextTower({**c['text_tower'], 'vocab': vocab})
        self.audio = audio_tower(c['audio_tower'])


class TrainedTowers(nn.Module):
    """Both towers, the temperature; the heads are kept beside (see `extra` of Run) because only training needs them."""

    def __init__(self, c, vocab):
        super().__init__()
        drop = c['train'].get('towers', {}).get('dropout', 0.0)
        c = {**c, 'text_tower': {**c['text_tower'], 'dropout': drop}, 'audio_tower': {**c['audio_tower'], 'dropout': drop}}
        self.towers = Towers(c, vocab)
        self.log_scale = nn.Parameter(torch.tensor(1 / c['train'].get('towers', {}).get('temperature', 0.07)).log())
