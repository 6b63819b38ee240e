"""Random tiny MusicGens of odd sizes, and what transformers makes of them; tools/systems_differential.ts holds this library against it.

    pip install torch==2.15.0 transformers==5.24.0 tokenizers==0.23.3 sentencepiece==0.2.3 safetensors==0.8.0
    python tools/systems_differential.py FOLDER [--count 40] [--seed 1]
    node tools/run.mjs tools/systems_differential.ts FOLDER [--device gpu]

Every folder has config, weights (f32, f16 or bf16, single or in shards, weight norm in both of PyTorch's spellings), and
golden.safetensors: a greedy piece's codes and sound, one that goes on from given sound, and one without guidance. A config that the library
itself cannot run is drawn anew.
"""

import argparse
import json
import math
import shutil
from pathlib import Path
from random import Random

import torch
from safetensors.torch import load_file, save_file
from systems_goldens import fill
from transformers import EncodecConfig, MusicgenConfig, MusicgenDecoderConfig, MusicgenForConditionalGeneration, T5Config

TOKENIZER = Path(__file__).parent.parent / 'test/goldens/systems/musicgen_mono/tokenizer.json'
PROMPTS = {
    'slow piano ballad with warm strings': None,
    'a': None,
    '90s rock song with electric guitar and heavy drums, lo-fi hip hop beat with a warm bass': None,
}
WORDS = 600


def draw(r: Random) -> tuple[dict, dict, dict]:
    t5 = dict(
        vocab_size=WORDS,
        d_model=r.choice([5, 12, 14, 16, 20, 33]),
        d_kv=r.choice([3, 4, 6, 8]),
        d_ff=r.choice([7, 18, 28, 32]),
        num_layers=r.randint(1, 3),
        num_heads=r.randint(1, 5),
        relative_attention_num_buckets=r.choice([4, 6, 8, 16, 32]),
        relative_attention_max_distance=r.choice([8, 12, 20, 128]),
        layer_norm_epsilon=r.choice([1e-6, 1e-5, 1e-3]),
        feed_forward_proj=r.choice(['relu', 'gelu', 'silu', 'gated-relu', 'gated-gelu', 'gated-silu']),
    )
    ratios = r.choice([[8, 5, 4], [5, 3], [7, 2, 2], [3], [2, 3, 4], [10, 6], [2], [1, 4], [4, 4, 2]])
    size = r.choice([2, 16, 64, 128, 1024])
    books = r.randint(1, 5)
    rate = r.choice([8000, 16000, 4410])
    frames = math.ceil(rate / math.prod(ratios))
    per_book = frames * math.ceil(math.log2(size)) / 1000
    most = books * per_book + per_book / 2
    causal = r.random() < 0.5
    codec = dict(
        sampling_rate=rate,
        num_filters=r.choice([2, 3, 4, 5]),
        hidden_size=r.choice([6, 10, 12, 15]),
        upsampling_ratios=ratios,
        codebook_size=size,
        target_bandwidths=[most],
        use_causal_conv=causal,
        use_conv_shortcut=r.random() < 0.5,
        num_residual_layers=r.choice([0, 1, 1, 2, 3]),
        kernel_size=r.choice([3, 5, 7, 4]),
        last_kernel_size=r.choice([3, 5, 7, 2]),
        residual_kernel_size=r.choice([1, 3, 5]),
        dilation_growth_rate=r.choice([1, 2, 3]),
        compress=r.choice([1, 2, 2]),
        num_lstm_layers=r.choice([1, 2, 3]),
        trim_right_ratio=r.choice([1.0, 0.5, 0.3, 0.0]) if causal else 1.0,
        pad_mode=r.choice(['reflect', 'reflect', 'constant']),
    )
    channels = r.choice([1, 1, 2])
    heads, head = r.randint(1, 5), r.choice([3, 4, 5, 8, 6, 10])
    decoder = dict(
        vocab_size=size,
        hidden_size=heads * head,
        num_hidden_layers=r.randint(1, 3),
        ffn_dim=r.choice([9, 44, 28, 32]),
        num_attention_heads=heads,
        num_codebooks=books * channels,
        audio_channels=channels,
        activation_function=r.choice(['gelu', 'gelu', 'gelu_new', 'relu', 'silu', 'swish']),
        scale_embedding=r.random() < 0.3,
        pad_token_id=size,
        bos_token_id=size,
    )
    return t5, codec, decoder


def old_names(folder: Path) -> None:
    def rename(name: str) -> str:
        return name.replace('parametrizations.weight.original0', 'weight_g').replace('parametrizations.weight.original1', 'weight_v')

    for file in folder.glob('model*.safetensors'):
        save_file({rename(n): t for n, t in load_file(file).items()}, file, metadata={'format': 'pt'})
    index = folder / 'model.safetensors.index.json'
    if index.exists():
        index.write_text(rename(index.read_text()))


def make(folder: Path, r: Random, seed: int) -> dict:
    t5, codec, decoder = draw(r)
    if decoder['hidden_size'] < 4:
        raise ValueError('narrow')
    config = MusicgenConfig(
        text_encoder=T5Config(**t5).to_dict(),
        audio_encoder=EncodecConfig(**codec).to_dict(),
        decoder=MusicgenDecoderConfig(**decoder).to_dict(),
    )
    config._attn_implementation = 'eager'
    model = MusicgenForConditionalGeneration(config).eval()
    fill(model, seed)
    v, k = decoder['vocab_size'], decoder['num_codebooks']
    channels = decoder['audio_channels']
    model.generation_config.update(pad_token_id=v, bos_token_id=v, decoder_start_token_id=v, guidance_scale=3.0, max_length=1500)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    dtype = r.choice([torch.float32, torch.float32, torch.float16, torch.bfloat16])
    model.to(dtype).save_pretrained(folder, max_shard_size=r.choice(['10GB', '10GB', '60KB']))
    if r.random() < 0.5:
        old_names(folder)
    shutil.copyfile(TOKENIZER, folder / 'tokenizer.json')
    model = MusicgenForConditionalGeneration.from_pretrained(folder, dtype=torch.float32, attn_implementation='eager').eval()
    made: list[torch.Tensor] = []
    decode = model.audio_encoder.decode

    def kept(audio_codes, *more, **named):
        made.append(audio_codes[0, 0].clone())
        return decode(audio_codes, *more, **named)

    model.audio_encoder.decode = kept
    prompt = r.choice(list(PROMPTS))
    text = torch.tensor([TOKENS.encode(prompt).ids])
    frames = r.randint(2 * k // channels, 2 * k // channels + 12)
    how = dict(input_ids=text, attention_mask=torch.ones_like(text), do_sample=False)
    golden: dict[str, torch.Tensor] = {}
    hop = math.prod(codec['upsampling_ratios'])

    def keep(name: str, out: torch.Tensor) -> None:
        codes = torch.stack(made, dim=1).flatten(0, 1) if channels == 2 else made[0]  # left and right of a book beside each other
        golden[f'{name}.codes'] = codes.T.to(torch.int32).contiguous()  # [frames, K]
        golden[f'{name}.audio'] = out[0].float().contiguous()
        made.clear()

    with torch.no_grad():
        steps = frames + k // channels - 1
        keep('greedy', model.generate(**how, guidance_scale=3.0, max_new_tokens=steps))
        keep('plain', model.generate(**how, guidance_scale=1.0, max_new_tokens=steps))
        given = r.randint(max(4, k // channels), 12)
        g = torch.Generator().manual_seed(seed + 9)
        sound = torch.randn(1, channels, given * hop, generator=g) * 0.3
        golden['given'] = sound[0].contiguous()
        out = model.generate(
            **how,
            guidance_scale=3.0,
            max_new_tokens=frames,
            input_values=sound,
            padding_mask=torch.ones(1, 1, given * hop),
        )
        keep('continued', out)
    golden['frames'] = torch.tensor([given], dtype=torch.int32)
    save_file(golden, folder / 'golden.safetensors')
    (folder / 'prompt.txt').write_text(prompt)
    return {'t5': t5, 'codec': codec, 'decoder': decoder, 'dtype': str(dtype)}


if __name__ == '__main__':
    from tokenizers import Tokenizer
    from transformers.utils import logging

    parser = argparse.ArgumentParser()
    parser.add_argument('folder', type=Path)
    parser.add_argument('--count', type=int, default=40)
    parser.add_argument('--seed', type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(1)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    TOKENS = Tokenizer.from_file(str(TOKENIZER))
    r = Random(args.seed)
    done = 0
    while done < args.count:
        folder = args.folder / f'{args.seed}-{done}'
        try:
            what = make(folder, r, args.seed * 1000 + done)
        except Exception as error:  # noqa: BLE001 (whatever the library says)
            print('not taken by transformers:', type(error).__name__, str(error)[:160])
            shutil.rmtree(folder, ignore_errors=True)
            continue
        (folder / 'drawn.json').write_text(json.dumps(what))
        done += 1
    print(done, 'models')
