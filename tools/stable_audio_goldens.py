"""Tiny models of Stable Audio in diffusers' layout, and what diffusers computes with them.

    python -m venv venv && venv/bin/pip install torch==2.15.0 diffusers==0.42.1 transformers==5.24.0 tokenizers==0.23.3 \
        safetensors==0.8.0 torchsde==0.2.6
    venv/bin/python tools/stable_audio_goldens.py            # writes test/goldens/systems/stable_audio*

The tokenizer is that of tools/systems_goldens.py. Sizes are odd: channels that no tile divides, strides that lose samples,
several queries a key. Noise is kept, so that samplers can be compared step by step.
"""

import math
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

import diffusers.models.autoencoders.autoencoder_oobleck as oobleck
import diffusers.schedulers.scheduling_cosine_dpmsolver_multistep as cosine
import diffusers.schedulers.scheduling_edm_dpmsolver_multistep as edm
import torch
from diffusers import (
    AutoencoderOobleck,
    CosineDPMSolverMultistepScheduler,
    EDMDPMSolverMultistepScheduler,
    StableAudioDiTModel,
    StableAudioPipeline,
    StableAudioProjectionModel,
)
from safetensors.torch import save_file
from transformers import PreTrainedTokenizerFast, T5Config, T5EncoderModel

PINS = {
    'torch': '2.15.0',
    'diffusers': '0.42.1',
    'transformers': '5.24.0',
    'tokenizers': '0.23.3',
    'safetensors': '0.8.0',
    'torchsde': '0.2.6',
}
for name, wanted in PINS.items():
    got = version(name).split('+')[0]
    if got != wanted:
        raise SystemExit(f'{name} is {got}, expected {wanted}')

OUT = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent / 'test/goldens/systems')
PROMPT = 'slow piano ballad with warm strings'
NEGATIVE = 'heavy drums'
STEPS = 4
torch.set_num_threads(1)


def fill(model: torch.nn.Module, seed: int) -> None:
    """Matrices N(0, 1/fan-in), norms and gains around 1, other vectors small but not nothing; residual branches of the codec at 0.3."""
    g = torch.Generator().manual_seed(seed)
    normal = lambda t, scale: torch.randn(t.shape, generator=g) * scale  # noqa: E731
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name.endswith('weight_g'):
                p.copy_((0.3 if '.conv2.' in name and 'res_unit' in name else 1) * (1 + normal(p, 0.2).abs()))
            elif name.endswith(('.alpha', '.beta')):
                p.copy_(normal(p, 0.3))
            elif name in ('time_proj.weight', 'shared.weight') or name.endswith(('relative_attention_bias.weight', '.weights')):
                p.copy_(normal(p, 1.0))
            elif 'norm' in name and name.endswith('weight'):
                p.copy_(1 + normal(p, 0.2))
            elif name.endswith('bias'):
                p.copy_(normal(p, 0.1))
            elif p.dim() >= 2:
                p.copy_(normal(p, 1 / math.sqrt(p[0].numel())))


def f32(x) -> torch.Tensor:
    return x.detach().to(torch.float32).contiguous().clone()


class Noise:
    """Numbers that a scheduler asks for, kept."""

    def __init__(self, seed: int):
        self.generator = torch.Generator().manual_seed(seed)
        self.drawn: list[torch.Tensor] = []

    def draw(self, shape) -> torch.Tensor:
        self.drawn.append(torch.randn(shape, generator=self.generator))
        return self.drawn[-1]


def feed(noise: Noise) -> None:
    """Schedulers draw from `noise` from here on: instead of a Brownian tree, and instead of their own generator."""

    class Tree:
        def __init__(self, x, **_):
            self.shape = x.shape

        def __call__(self, *_):
            return noise.draw(self.shape)

    cosine.BrownianTreeNoiseSampler = Tree
    edm.randn_tensor = lambda shape, **_: noise.draw(shape)
    oobleck.randn_tensor = lambda shape, **_: noise.draw(shape)  # of the sound to begin with, before the scheduler's


def frames(x) -> torch.Tensor:
    """[1, C, L] → [L, C], as the engine has it."""
    return f32(x[0].T)


def system(name: str, t5: dict, dit: dict, vae: dict, conditioning: int, scheduler, seed: int, how: dict) -> None:
    parts = {
        'text_encoder': T5EncoderModel(T5Config(**t5)),
        'transformer': StableAudioDiTModel(**dit),
        'vae': AutoencoderOobleck(**vae),
        'projection_model': StableAudioProjectionModel(t5['d_model'], conditioning, how.get('least', 0), how.get('most', 512)),
    }
    for i, part in enumerate(parts.values()):
        fill(part, seed + i)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(OUT / 'musicgen_mono/tokenizer.json'),
        pad_token='<pad>',
        eos_token='</s>',
        unk_token='<unk>',
        model_max_length=how.get('tokens', 24),
    )
    folder = OUT / name
    shutil.rmtree(folder, ignore_errors=True)
    pipeline = StableAudioPipeline(tokenizer=tokenizer, scheduler=scheduler, **parts)
    if 'dtype' in how:
        pipeline = pipeline.to(how['dtype'])
    pipeline.save_pretrained(folder, max_shard_size=how.get('shard', '10GB'))
    pipeline = StableAudioPipeline.from_pretrained(folder, torch_dtype=torch.float32)  # what the files hold, in f32
    pipeline.set_progress_bar_config(disable=True)
    (folder / 'tokenizer/tokenizer.json').unlink()  # the same file again: tests take it from musicgen_mono

    golden: dict[str, torch.Tensor] = {}
    g = torch.Generator().manual_seed(seed + 10)
    length = dit['sample_size']
    with torch.no_grad():
        # one call of the network: two rows of tokens, one of them nothing
        x = torch.randn(1, dit['in_channels'], length, generator=g)
        tokens = torch.randn(1, 7, dit['cross_attention_input_dim'], generator=g)
        durations = torch.randn(1, 1, dit['global_states_input_dim'], generator=g)
        time = torch.tensor([0.37])
        rotary = diffusers_rotary(pipeline, length + 1)
        v = pipeline.transformer(
            torch.cat([x, x]),
            time,
            encoder_hidden_states=torch.cat([tokens, torch.zeros_like(tokens)]),
            global_hidden_states=torch.cat([durations, durations]),
            rotary_embedding=rotary,
        ).sample
        golden |= {'x': frames(x), 'tokens': f32(tokens[0]), 'durations': f32(durations[0]), 'time': f32(time)}
        golden['v'] = f32(v.transpose(1, 2))

        latents = torch.randn(1, vae['decoder_input_channels'], 9, generator=g)
        golden['latents'] = frames(latents)
        golden['decoded'] = frames(pipeline.vae.decode(latents).sample)
        hop = pipeline.vae.hop_length
        audio = torch.randn(1, vae['audio_channels'], 8 * hop, generator=g) * 0.3
        golden['audio'] = frames(audio)
        dist = pipeline.vae.encode(audio).latent_dist
        golden['mean'], golden['std'] = frames(dist.mean), frames(dist.std)

        def make(key: str, **options) -> None:
            noise = Noise(seed + 20)
            feed(noise)
            start = torch.randn(1, dit['in_channels'], length, generator=noise.generator)
            how_ = dict(prompt=PROMPT, num_inference_steps=STEPS, guidance_scale=3.0, audio_end_in_s=how['seconds'], latents=start)
            made = pipeline(**how_, **options, output_type='pt').audios
            golden[f'{key}.audio'] = f32(made[0])
            golden[f'{key}.start'] = frames(start)
            if noise.drawn:
                golden[f'{key}.noise'] = torch.stack([frames(n) for n in noise.drawn])

        make('plain')
        make('negative', negative_prompt=NEGATIVE)
        golden['init.sound'] = f32(torch.randn(vae['audio_channels'], length * hop - 5, generator=g) * 0.3)
        make('init', initial_audio_waveforms=golden['init.sound'][None], initial_audio_sampling_rate=torch.tensor(vae['sampling_rate']))
    save_file(golden, folder.with_suffix('.golden.safetensors'))


def diffusers_rotary(pipeline, length: int):
    from diffusers.models.embeddings import get_1d_rotary_pos_embed

    return get_1d_rotary_pos_embed(pipeline.rotary_embed_dim, length, use_real=True, repeat_interleave_real=False)


T5 = dict(
    vocab_size=600,
    d_model=16,
    d_kv=6,
    d_ff=28,
    num_layers=2,
    num_heads=3,
    relative_attention_num_buckets=8,
    relative_attention_max_distance=12,
)


def main() -> None:
    system(
        'stable_audio',
        T5,
        dict(
            sample_size=21,
            in_channels=6,
            out_channels=6,
            num_layers=2,
            attention_head_dim=12,
            num_attention_heads=2,
            num_key_value_attention_heads=1,
            cross_attention_dim=20,
            time_proj_dim=10,
            global_states_input_dim=36,
            cross_attention_input_dim=18,
        ),
        dict(
            encoder_hidden_size=12,
            downsampling_ratios=[2, 3, 4],
            channel_multiples=[1, 2, 3],
            decoder_channels=5,
            decoder_input_channels=6,
            audio_channels=2,
            sampling_rate=4000,
        ),
        18,
        CosineDPMSolverMultistepScheduler(),
        1,
        {'seconds': 0.1},
    )
    system(
        'stable_audio_ode',
        {**T5, 'feed_forward_proj': 'gated-gelu', 'd_kv': 8, 'num_heads': 2},
        dict(
            sample_size=13,
            in_channels=4,
            out_channels=4,
            num_layers=1,
            attention_head_dim=8,
            num_attention_heads=3,
            num_key_value_attention_heads=3,
            cross_attention_dim=24,
            time_proj_dim=8,
            global_states_input_dim=32,
            cross_attention_input_dim=16,
        ),
        dict(
            encoder_hidden_size=8,
            downsampling_ratios=[2, 4],
            channel_multiples=[1, 2],
            decoder_channels=6,
            decoder_input_channels=4,
            audio_channels=1,
            sampling_rate=4000,
        ),
        16,
        EDMDPMSolverMultistepScheduler(sigma_min=0.1, sigma_max=20, sigma_data=1.0, prediction_type='v_prediction'),
        31,
        {'seconds': 0.02, 'dtype': torch.bfloat16, 'shard': '12KB', 'least': -1, 'most': 9},
    )


main()
