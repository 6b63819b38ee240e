"""Tiny models of MusicGen Melody, mono and stereo, and what transformers computes with them: test/goldens/systems/musicgen_melody*.

    pip install torch==2.15.0 torchaudio==2.11.1 transformers==5.24.0 tokenizers==0.23.3 sentencepiece==0.2.3 safetensors==0.8.0
    python tools/musicgen_melody_goldens.py [folder]

Sizes are odd, weights random (tools/systems_goldens.py fills them). The tokenizer is that of musicgen_mono, which must be there. The
tune is a scale of notes, so that no two pitch classes of a frame are nearly as strong.
"""

import math
from importlib.metadata import version

import torch
from safetensors.torch import save_file
from systems_goldens import OUT, WORDS, f32, fill, ids
from tokenizers import Tokenizer
from transformers import EncodecConfig, MusicgenMelodyConfig, MusicgenMelodyDecoderConfig, MusicgenMelodyForConditionalGeneration, T5Config
from transformers.models.musicgen_melody.feature_extraction_musicgen_melody import MusicgenMelodyFeatureExtractor

if version('torchaudio').split('+')[0] != '2.11.1':
    raise SystemExit(f'torchaudio is {version("torchaudio")}, expected 2.11.1')
PROMPT = 'slow piano ballad with warm strings'
RATE = 8000
FRAMES = 6


def tune(samples: int) -> torch.Tensor:
    """A note every 0.1 s, with overtones."""
    t = torch.arange(samples, dtype=torch.float64) / RATE
    step = torch.floor(t / 0.1)
    hz = 220 * 2 ** ((step * 5 % 12) / 12)
    return sum(torch.sin(2 * math.pi * hz * h * t) / h for h in (1, 2, 3)).float() * 0.3


def model(
    name: str, t5: dict, codec: dict, decoder: dict, more: dict, features: dict, seed: int, dtype: torch.dtype, seconds: float
) -> None:
    config = MusicgenMelodyConfig(
        text_encoder=T5Config(**t5).to_dict(),
        audio_encoder=EncodecConfig(**codec).to_dict(),
        decoder=MusicgenMelodyDecoderConfig(**decoder).to_dict(),
        **more,
    )
    config._attn_implementation = 'eager'
    net = MusicgenMelodyForConditionalGeneration(config).eval()
    fill(net, seed)
    v, k = decoder['vocab_size'], decoder['num_codebooks']
    channels = decoder.get('audio_channels', 1)
    net.generation_config.update(
        pad_token_id=v, bos_token_id=v, decoder_start_token_id=v, guidance_scale=3.0, do_sample=True, max_length=1500, top_k=50
    )
    folder = OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    net.to(dtype).save_pretrained(folder)
    extractor = MusicgenMelodyFeatureExtractor(**features)
    extractor.save_pretrained(folder)
    net = MusicgenMelodyForConditionalGeneration.from_pretrained(folder, dtype=torch.float32, attn_implementation='eager').eval()
    prompt = Tokenizer.from_file(str(OUT / 'musicgen_mono/tokenizer.json')).encode(PROMPT).ids
    sound = tune(round(seconds * RATE))
    golden = {'prompt': ids(prompt), 'sound': f32(sound)}
    with torch.no_grad():
        chroma = extractor(sound.numpy(), sampling_rate=RATE, return_tensors='pt')['input_features']
        golden['chroma'] = ids(chroma[0].argmax(-1))
        text = torch.tensor([prompt])
        g = torch.Generator().manual_seed(seed + 1)
        columns = torch.randint(0, v + 1, (k, 5), generator=g)
        golden['columns'] = ids(columns)
        out = net(input_ids=text, attention_mask=torch.ones_like(text), input_features=chroma, decoder_input_ids=columns)
        golden['logits'] = f32(out.logits[:, -5:])  # [K, T, V]
        golden['prefix'] = ids([out.encoder_hidden_states.shape[1]])
        how = dict(
            input_ids=text,
            attention_mask=torch.ones_like(text),
            do_sample=False,
            max_new_tokens=FRAMES + k // channels - 1,
        )
        golden['greedy_tune'] = f32(net.generate(**how, guidance_scale=3.0, input_features=chroma)[0])  # [channels, samples]
        golden['greedy_none'] = f32(net.generate(**how, guidance_scale=3.0)[0])
        golden['greedy_plain'] = f32(net.generate(**how, guidance_scale=1.0, input_features=chroma)[0])
    save_file(golden, folder.with_suffix('.golden.safetensors'))


def main() -> None:
    t5 = dict(
        vocab_size=WORDS,
        d_model=14,
        d_kv=6,
        d_ff=18,
        num_layers=1,
        num_heads=3,
        relative_attention_num_buckets=8,
        relative_attention_max_distance=12,
    )
    codec = dict(
        sampling_rate=RATE,
        num_filters=2,
        hidden_size=10,
        upsampling_ratios=[8, 5, 4],
        codebook_size=64,
        target_bandwidths=[1.2],
        use_causal_conv=False,
        use_conv_shortcut=False,
        num_lstm_layers=1,
    )
    decoder = dict(
        vocab_size=64,
        hidden_size=20,
        num_hidden_layers=3,
        ffn_dim=28,
        num_attention_heads=4,
        num_codebooks=4,
        pad_token_id=64,
        bos_token_id=64,
    )
    features = dict(sampling_rate=RATE, hop_length=256, chunk_length=2, n_fft=1024)
    model('musicgen_melody', t5, codec, decoder, {'chroma_length': 17}, features, 11, torch.float32, 0.71)
    model(
        'musicgen_melody_stereo',
        {**t5, 'd_model': 12},
        codec,
        {**decoder, 'hidden_size': 12, 'num_attention_heads': 2, 'num_hidden_layers': 2, 'num_codebooks': 8, 'audio_channels': 2},
        {'chroma_length': 9},
        {**features, 'n_fft': 2048, 'hop_length': 400},
        12,
        torch.bfloat16,
        0.2,
    )


main()
