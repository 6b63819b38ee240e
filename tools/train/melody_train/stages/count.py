"""`count`: parameters of every network and the work of one window (10 s for `small`) in GFLOP at the default steps with guidance.

A multiply-add counts as 2. Counted by running the networks on the meta-free CPU path with hooks on Linear and Conv layers, plus attention
products and SRU scans by formula; norms and activations (a few percent) are left out.
"""

import torch
from torch import nn

from ..export import build, exported_config
from ..models.layers import count_parameters
from ..models.sru import SruLayer


class Counter:
    """Counts multiply-adds of Linear, Conv1d/2d, ConvTranspose1d and SRU products while the networks run."""

    def __init__(self, module):
        self.flop, self.handles = 0, []
        for m in module.modules():
            if isinstance(m, (nn.Linear, nn.Conv1d, nn.Conv2d, nn.ConvTranspose1d, SruLayer)):
                self.handles.append(m.register_forward_hook(self.add))

    def add(self, m, inputs, out):
        if isinstance(m, nn.Linear):
            self.flop += 2 * out.numel() * m.in_features
        elif isinstance(m, SruLayer):
            rows = inputs[0].numel() // inputs[0].shape[-1]
            self.flop += 2 * rows * m.weight.numel() + 20 * rows * 2 * m.hidden
        elif isinstance(m, nn.ConvTranspose1d):
            self.flop += 2 * inputs[0].numel() * m.weight.shape[1] * m.weight.shape[2]
        else:
            self.flop += 2 * out.numel() * m.weight[0].numel()

    def off(self):
        for h in self.handles:
            h.remove()
        return self.flop / 1e9


def attention_gflop(q, k, dim, count=1):
    return count * 4 * q * k * dim / 1e9


@torch.no_grad()
def run(c, paths):
    config = exported_config(c, c['text_tower'].get('vocab', 1000))
    networks = build(config)
    print(f'{c["name"]}: parameters')
    total = 0
    for name, module in networks.items():
        n = count_parameters(module) + sum(b.numel() for b in module.buffers())
        total += n
        print(f'  {name:18s} {n / 1e6:9.3f} M')
    print(f'  {"all":18s} {total / 1e6:9.3f} M = {total * 2 / 2**20:.1f} MiB in f16')
    if c['name'] == 'melody-paper':
        print(
            '  (the paper: LM 429.5, DPD 296.6, VAE-GAN 100.1, joint embedding 195.3, semantic encoder 199.5 M; its SSL encoder is not here)'  # noqa: E501
        )
        return
    length, tokens = c['window_seconds'] * c['frame_rate'], c['window_seconds'] * c['token_rate']
    steps = c['sampling']['steps']
    d, lm = c['dual_path'], c['semantic_lm']
    parts = {}
    counter = Counter(networks['dual_path'])
    memory = networks['dual_path'].tokens(torch.zeros(1, tokens, dtype=torch.long))
    parts['dual_path tokens (once)'] = counter.off()
    counter = Counter(networks['dual_path'])
    networks['dual_path'](torch.zeros(1, length, c['latent_dim']), torch.zeros(1, length), memory)
    one = counter.off()
    segments = -(-2 * length // d['segment']) + 1
    for b in networks['dual_path'].blocks:
        columns = 2 * d['segment'] // b.window
        one += d['coarse_layers'] * (
            attention_gflop(segments, segments, d['dim'], columns) + attention_gflop(segments * columns, tokens, d['dim'])
        )
    passes = steps * (2 if c['sampling']['guidance'] != 1 else 1)
    parts[f'dual_path {passes} passes of {one:.2f}'] = passes * one
    counter = Counter(networks['vae_decoder'])
    networks['vae_decoder'](torch.zeros(1, length, c['latent_dim']))
    v = c['vae_decoder']
    transform = (
        0 if v['kind'] == 'hifigan' else c.get('channels', 1) * 2 * length * v['upsample'] * (v['fft_size'] + 2) * v['fft_size'] / 1e9
    )
    parts['vae_decoder (inverse FFT as a product)'] = counter.off() + transform
    counter = Counter(networks['semantic_lm'])
    sequence = tokens + 1 + lm['style_levels']
    networks['semantic_lm'](torch.zeros(1, sequence, dtype=torch.long))
    guided = 2 if c['sampling'].get('lm_guidance', 1) != 1 else 1
    parts['semantic_lm'] = guided * (counter.off() + lm['layers'] * attention_gflop(sequence, sequence / 2, lm['dim']))
    counter = Counter(networks['text_tower'])
    networks['text_tower'](torch.ones(1, 20, dtype=torch.long))
    parts['text_tower'] = counter.off()
    print(f'{c["name"]}: GFLOP per {c["window_seconds"]} s at {steps} steps, guidance {c["sampling"]["guidance"]}')
    for name, value in parts.items():
        print(f'  {name:40s} {value:8.2f}')
    print(f'  {"all":40s} {sum(parts.values()):8.2f}')
