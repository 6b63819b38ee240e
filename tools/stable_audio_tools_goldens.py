"""A tiny model in the layout of stable-audio-tools, and what that library's own networks and samplers compute.

    python -m venv venv
    venv/bin/pip install torch==2.15.0 transformers==5.24.0 safetensors==0.8.0 einops alias-free-torch torchsde==0.2.6 scipy
    venv/bin/pip install --no-deps stable-audio-tools==0.0.19 k-diffusion==0.1.1.post1 torchdiffeq==0.2.5
    venv/bin/python tools/stable_audio_tools_goldens.py         # writes test/goldens/systems/stable_audio_small*

What the libraries import and this does not use (torchaudio, torchvision, their packages' own __init__) is replaced by nothing.
"""

import json
import math
import shutil
import sys
import types
from importlib.machinery import ModuleSpec
from importlib.metadata import distribution, version
from pathlib import Path
from unittest.mock import MagicMock

import torch
from safetensors.torch import save_file
from transformers import T5Config, T5EncoderModel

for name, wanted in {'torch': '2.15.0', 'transformers': '5.24.0', 'safetensors': '0.8.0', 'stable-audio-tools': '0.0.19'}.items():
    got = version(name).split('+')[0]
    if got != wanted:
        raise SystemExit(f'{name} is {got}, expected {wanted}')

for unused in ('torchaudio', 'torchaudio.transforms', 'torchvision', 'torchvision.transforms', 'einops_exts'):
    sys.modules[unused] = MagicMock(__spec__=ModuleSpec(unused, None))
for package in ('stable_audio_tools', 'stable_audio_tools.models', 'stable_audio_tools.inference', 'k_diffusion'):
    module = types.ModuleType(package)
    owner = 'k-diffusion' if package == 'k_diffusion' else 'stable-audio-tools'
    module.__path__ = [str(distribution(owner).locate_file(package.replace('.', '/')))]
    sys.modules[package] = module

import k_diffusion.external  # noqa: E402
import k_diffusion.sampling  # noqa: E402
from stable_audio_tools.inference import sampling  # noqa: E402
from stable_audio_tools.models.adp import NumberEmbedder  # noqa: E402
from stable_audio_tools.models.autoencoders import OobleckDecoder, OobleckEncoder  # noqa: E402
from stable_audio_tools.models.dit import DiffusionTransformer  # noqa: E402

OUT = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent / 'test/goldens/systems')
torch.set_num_threads(1)
STEPS = 5
WORDS, TOKENS, FRAMES, COND = 7, 16, 13, 16


def fill(model: torch.nn.Module, seed: int) -> None:
    g = torch.Generator().manual_seed(seed)
    normal = lambda t, scale: torch.randn(t.shape, generator=g) * scale  # noqa: E731
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name.endswith('weight_g'):
                p.copy_(0.6 * (1 + normal(p, 0.2).abs()))
            elif name.endswith(('.alpha', '.beta')):
                p.copy_(normal(p, 0.3))
            elif 'timestep_features' in name or name.endswith(('relative_attention_bias.weight', '.weights')) or name == 'shared.weight':
                p.copy_(normal(p, 1.0))
            elif name.endswith('gamma') or ('norm' in name and name.endswith('weight')):
                p.copy_(1 + normal(p, 0.2))
            elif name.endswith('bias'):
                p.copy_(normal(p, 0.1))
            elif p.dim() >= 2:
                p.copy_(normal(p, 1 / math.sqrt(p[0].numel())))
            p.copy_(p.half().float())  # as the file has it


def rows(x) -> torch.Tensor:
    """[1, C, L] → [L, C]."""
    return x[0].T.detach().float().contiguous().clone()


def main() -> None:
    encoder_ = dict(in_channels=2, channels=10, c_mults=[1, 2], strides=[2, 4], latent_dim=8, use_snake=True)
    decoder_ = dict(out_channels=2, channels=6, c_mults=[1, 2], strides=[2, 4], latent_dim=4, use_snake=True, final_tanh=False)
    dit_ = dict(
        io_channels=4,
        embed_dim=72,  # heads of at least 32: so many columns turn
        depth=1,
        num_heads=2,
        cond_token_dim=COND,
        global_cond_dim=COND,
        project_cond_tokens=True,
        transformer_type='continuous_transformer',
        attn_kwargs={'qk_norm': 'ln'},
    )
    dit, encoder, decoder = DiffusionTransformer(**dit_).eval(), OobleckEncoder(**encoder_).eval(), OobleckDecoder(**decoder_).eval()
    number = NumberEmbedder(features=COND).eval()
    t5 = T5EncoderModel(
        T5Config(vocab_size=600, d_model=COND, d_kv=6, d_ff=28, num_layers=1, num_heads=3, relative_attention_num_buckets=8)
    ).eval()
    for i, part in enumerate((dit, encoder, decoder, number, t5)):
        fill(part, 50 + i)
    folder = OUT / 'stable_audio_small'
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    tensors = {f'model.model.{n}': t for n, t in dit.state_dict().items()}
    tensors |= {f'pretransform.model.encoder.{n}': t for n, t in encoder.state_dict().items()}
    tensors |= {f'pretransform.model.decoder.{n}': t for n, t in decoder.state_dict().items()}
    tensors |= {f'conditioner.conditioners.seconds_total.embedder.{n}': t for n, t in number.state_dict().items()}
    save_file({n: t.half().contiguous().clone() for n, t in tensors.items()}, folder / 'model.safetensors')
    t5.save_pretrained(folder / 't5-base')
    codec = {
        'encoder': {'type': 'oobleck', 'config': encoder_},
        'decoder': {'type': 'oobleck', 'config': decoder_},
        'bottleneck': {'type': 'vae'},
        'latent_dim': 4,
        'downsampling_ratio': 8,
        'io_channels': 2,
    }
    config = {
        'model_type': 'diffusion_cond',
        'sample_size': FRAMES * 8,
        'sample_rate': 1000,
        'audio_channels': 2,
        'model': {
            'pretransform': {'type': 'autoencoder', 'iterate_batch': True, 'config': codec},
            'conditioning': {
                'configs': [
                    {'id': 'prompt', 'type': 't5', 'config': {'t5_model_name': 't5-base', 'max_length': TOKENS}},
                    {'id': 'seconds_total', 'type': 'number', 'config': {'min_val': 0, 'max_val': 2}},
                ],
                'cond_dim': COND,
            },
            'diffusion': {
                'cross_attention_cond_ids': ['prompt', 'seconds_total'],
                'global_cond_ids': ['seconds_total'],
                'diffusion_objective': 'rf_denoiser',
                'type': 'dit',
                'config': dit_,
            },
            'io_channels': 4,
        },
    }
    (folder / 'model_config.json').write_text(json.dumps(config, indent=1))

    golden = {}
    g = torch.Generator().manual_seed(99)
    with torch.no_grad():
        ids = torch.randint(3, 600, (1, WORDS), generator=g)
        states = torch.zeros(1, TOKENS, COND)
        states[:, :WORDS] = t5(input_ids=ids).last_hidden_state  # padding is zeroed, and attended to
        seconds = 0.096
        token = number(torch.tensor([seconds]) / 2)
        cond = torch.cat([states, token[:, None]], dim=1)
        x = torch.randn(1, 4, FRAMES, generator=g)
        golden['ids'] = ids[0].int()
        golden['start'] = rows(x)
        golden['v'] = rows(dit(x, torch.tensor([0.4]), cross_attn_cond=cond, global_embed=token))
        z = torch.randn(1, 4, 9, generator=g)
        golden['latents'], golden['decoded'] = rows(z), rows(decoder(z))
        audio = torch.randn(1, 2, 64, generator=g) * 0.3
        golden['audio'], golden['moments'] = rows(audio), rows(encoder(audio))
        for sampler, scale in (('pingpong', 1.0), ('euler', 3.0), ('dpmpp', 3.0)):
            drawn = []

            def randn_like(like, drawn=drawn):
                drawn.append(torch.randn(like.shape, generator=g))
                return drawn[-1]

            sampling.torch.randn_like, kept = randn_like, torch.randn_like

            def model(x, t, scale=scale, **_):
                return dit(x, t, cross_attn_cond=cond, global_embed=token, cfg_scale=scale)

            made = sampling.sample_rf(model, x, steps=STEPS, sampler_type=sampler, device='cpu')
            sampling.torch.randn_like = kept
            golden[f'{sampler}.latents'] = rows(made)
            golden[f'{sampler}.audio'] = decoder(made)[0].contiguous().clone()
            if drawn:
                golden[f'{sampler}.noise'] = torch.stack([rows(n) for n in drawn])
        # over given latents, with less noise; and a model that predicts v, by k-diffusion's sampler of third order
        given = torch.randn(1, 4, FRAMES, generator=g)
        golden['given'] = rows(given)

        def guided(x, t, **_):
            return dit(x, t, cross_attn_cond=cond, global_embed=token, cfg_scale=3.0)

        golden['changed.latents'] = rows(
            sampling.sample_rf(guided, x, init_data=given, steps=STEPS, sampler_type='euler', sigma_max=0.6, device='cpu')
        )
        drawn = []

        class Tree:
            def __init__(self, like, *_):
                self.shape = like.shape

            def __call__(self, *_):
                drawn.append(torch.randn(self.shape, generator=g))
                return drawn[-1]

        k_diffusion.sampling.BrownianTreeNoiseSampler = Tree
        how = dict(steps=7, sampler_type='dpmpp-3m-sde', sigma_min=0.3, device='cpu')
        for key, init, most in (('third', None, 500), ('third_changed', given, 4.0)):
            drawn.clear()
            golden[f'{key}.latents'] = rows(sampling.sample_k(guided, x, init, sigma_max=most, **how))
            golden[f'{key}.noise'] = torch.stack([rows(n) for n in drawn])
    save_file(golden, folder.with_suffix('.golden.safetensors'))


main()
