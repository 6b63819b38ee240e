"""Tiny models in the layouts of published systems, and what the real libraries compute with them: test/goldens/systems.

    pip install torch==2.15.0 transformers==5.24.0 tokenizers==0.23.3 sentencepiece==0.2.3 safetensors==0.8.0
    python tools/systems_goldens.py [folder]

Sizes are odd on purpose, weights random. A fresh EncodecModel has codebooks of zeros, where every code sounds alike: they are filled here.
"""

import gzip
import json
import math
import shutil
import sys
import unicodedata
from importlib.metadata import version
from pathlib import Path
from random import Random

import sentencepiece
import torch
from safetensors.torch import load_file, save_file
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import EncodecConfig, EncodecModel, MusicgenConfig, MusicgenDecoderConfig, MusicgenForConditionalGeneration, T5Config

PINS = {'torch': '2.15.0', 'transformers': '5.24.0', 'tokenizers': '0.23.3', 'sentencepiece': '0.2.3', 'safetensors': '0.8.0'}
for name, wanted in PINS.items():
    got = version(name).split('+')[0]
    if got != wanted:
        raise SystemExit(f'{name} is {got}, expected {wanted}')

OUT = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent / 'test/goldens/systems')
WORDS = 600
torch.set_num_threads(1)


# --- tokenizer ---

SENTENCES = """lo-fi hip hop beat with a warm bass and soft drums, 80 bpm
an upbeat pop song with catchy synth melodies and a driving rhythm
slow piano ballad with strings, melancholic and tender
heavy metal guitar riff, double bass drums, fast and loud
bossa nova with nylon guitar and brushes, 120 bpm in A minor
90s rock song with electric guitar and heavy drums
a light and cheerly EDM track, with syncopated drums, airy pads, and strong emotions
Klavierkonzert in c-Moll, traurig und schön, für großes Orchester
musique de café parisienne, accordéon léger et contrebasse
canción de cumbia alegre con percusión y trompetas ñandú
samba rápido com pandeiro, cavaquinho e coração
спокойная фортепианная музыка, грустная мелодия
γρήγορη μουσική με μπουζούκι και λύρα
悲しいピアノの曲、静かな夜の雨
活泼的电子音乐，带有强烈的节奏
밝고 경쾌한 댄스 음악, 신나는 드럼
موسيقى هادئة مع عود وناي
मधुर बांसुरी और तबला, शांत राग
เพลงช้า เศร้า กีตาร์โปร่ง
מוזיקה שקטה עם כינור ופסנתר
wolna muzyka z żywą gitarą i łagodnym śpiewem
yavaş müzik, güçlü davul ve ışıltılı keman""".split('\n')


def make_tokenizer(folder: Path) -> Tokenizer:
    random = Random(1)
    corpus = OUT / 'corpus.txt'
    lines = []
    for _ in range(400):
        words = random.choice(SENTENCES).split()
        random.shuffle(words)
        lines.append(' '.join(words))
    corpus.write_text('\n'.join(lines + SENTENCES))
    sentencepiece.SentencePieceTrainer.train(
        input=str(corpus),
        model_prefix=str(OUT / 'spm'),
        vocab_size=292,
        model_type='unigram',
        character_coverage=0.98,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        normalization_rule_name='nmt_nfkc',
        num_threads=1,
        minloglevel=2,
    )
    from sentencepiece import sentencepiece_model_pb2 as pb

    proto = pb.ModelProto()
    proto.ParseFromString((OUT / 'spm.model').read_bytes())
    for file in (corpus, OUT / 'spm.model', OUT / 'spm.vocab'):
        file.unlink()
    extra = [f'<extra_id_{i}>' for i in reversed(range(8))]
    pieces = {p.piece: p.score for p in proto.pieces}
    while len(pieces) < WORDS - len(extra):  # more ways to cut a word than so small a corpus gives
        word = '▁' + random.choice(random.choice(SENTENCES).split())
        start = random.randrange(len(word))
        pieces.setdefault(word[start : start + random.randrange(2, 6)], -random.uniform(3, 11))
    pieces = [*pieces.items(), *((p, 0.0) for p in extra)]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=2))
    tokenizer.normalizer = normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(replacement='▁', prepend_scheme='always')]
    )
    tokenizer.post_processor = processors.TemplateProcessing(single='$A </s>', pair='$A </s> $B </s>', special_tokens=[('</s>', 1)])
    tokenizer.add_special_tokens([AddedToken(t, normalized=False, special=True) for t in ['<pad>', '</s>', '<unk>', *extra]])
    tokenizer.save(str(folder / 'tokenizer.json'), pretty=False)
    return tokenizer


RANGES = [
    (0x20, 0x7F),
    (0x80, 0x250),
    (0x250, 0x370),
    (0x370, 0x590),
    (0x590, 0x700),
    (0x900, 0xA00),
    (0xE00, 0xE80),
    (0x1100, 0x1200),
    (0x1E00, 0x2000),
    (0x2000, 0x2070),
    (0x2070, 0x2200),
    (0x2460, 0x2600),
    (0x3000, 0x3100),
    (0x3130, 0x3400),
    (0x4E00, 0x4F00),
    (0xAC00, 0xAD00),
    (0xF900, 0xFB50),
    (0xFB50, 0xFE00),
    (0xFE00, 0x10000 - 2),
    (0x1D400, 0x1D800),
    (0x1F300, 0x1F700),
]


def prompts() -> list[str]:
    random = Random(2)

    def character() -> str:
        while True:
            c = chr(random.randrange(*random.choice(RANGES)))
            if unicodedata.category(c) not in ('Cs', 'Cn', 'Co'):
                return c

    marks = ['\u0301', '\u0308', '\u0327', '\u0323', '\u0344', '\u200d', '\ufe0f', '\u061c', '\u3099', '\u094d', '\u0e33']
    spaces = [' ', '  ', '\t', '\n', '\u00a0', '\u2003', '\u3000', '\u200b', '\ufeff', '\u0085', '▁']
    made = [
        '',
        ' ',
        'a',
        '▁',
        'e\u0301',
        '👩\u200d🎤 sings',
        'ﬁne ﬂute',
        '①②③ ½ beat',
        'ＦＵＬＬ ｗｉｄｔｈ',
        '100 % — “quoted” … ok',
        *SENTENCES,
    ]
    while len(made) < 2000:
        kind = random.randrange(4)
        if kind == 0:  # words of several languages
            made.append(' '.join(random.choice(random.choice(SENTENCES).split()) for _ in range(random.randrange(1, 9))))
        elif kind == 1:  # words with marks, other cases and spaces
            word = lambda: random.choice(random.choice(SENTENCES).split())  # noqa: E731
            change = lambda w: random.choice([w, w.upper(), w.title(), unicodedata.normalize('NFD', w), w + random.choice(marks)])  # noqa: E731
            made.append(''.join(change(word()) + random.choice(spaces) for _ in range(random.randrange(1, 6))))
        elif kind == 2:  # characters of one block
            low, high = random.choice(RANGES)
            made.append(
                ''.join(
                    c for c in (chr(random.randrange(low, high)) for _ in range(12)) if unicodedata.category(c) not in ('Cs', 'Cn', 'Co')
                )
            )
        else:  # any characters, marks between them
            made.append(
                ''.join(character() + (random.choice(marks) if random.random() < 0.2 else '') for _ in range(random.randrange(1, 16)))
            )
    return made


# --- weights ---


def fill(model: torch.nn.Module, seed: int, gain: float = 1.0) -> None:
    """Matrices N(0, gain²/fan-in), norms around 1, biases and codebooks small but not nothing."""
    g = torch.Generator().manual_seed(seed)
    normal = lambda t, scale: torch.randn(t.shape, generator=g) * scale  # noqa: E731
    with torch.no_grad():
        for name, p in [*model.named_parameters(), *model.named_buffers()]:
            if name.endswith(('.embed', 'embed_tokens.weight', 'shared.weight')) or '.embed_tokens.' in name:
                p.copy_(normal(p, 1.0))
            elif name.endswith('relative_attention_bias.weight'):
                p.copy_(normal(p, 1.0))
            elif name.endswith('original0'):
                p.copy_(1 + normal(p, 0.2).abs())
            elif 'norm' in name and name.endswith('weight'):
                p.copy_(1 + normal(p, 0.2))
            elif name.endswith('bias') or 'bias_' in name:
                p.copy_(normal(p, 0.1))
            elif p.dim() >= 2 and 'embed_positions' not in name and 'embed_avg' not in name:
                p.copy_(normal(p, gain / math.sqrt(p[0].numel())))


def old_names(file: Path) -> None:
    """Weight norm as it was spelt before torch's parametrizations, and as the published files have it."""
    tensors = load_file(file)
    renamed = {
        n.replace('parametrizations.weight.original0', 'weight_g').replace('parametrizations.weight.original1', 'weight_v'): t
        for n, t in tensors.items()
    }
    save_file(renamed, file, metadata={'format': 'pt'})


def f32(x) -> torch.Tensor:
    return x.detach().to(torch.float32).contiguous().clone()


def ids(x) -> torch.Tensor:
    return torch.as_tensor(x).to(torch.int32).contiguous().clone()


def musicgen(name: str, t5: dict, codec: dict, decoder: dict, seed: int, how: dict, prompt: list[int], frames: int) -> None:
    config = MusicgenConfig(
        text_encoder=T5Config(**t5).to_dict(),
        audio_encoder=EncodecConfig(**codec).to_dict(),
        decoder=MusicgenDecoderConfig(**decoder).to_dict(),
    )
    config._attn_implementation = 'eager'
    model = MusicgenForConditionalGeneration(config).eval()
    fill(model, seed)
    v, k = decoder['vocab_size'], decoder['num_codebooks']
    channels = decoder.get('audio_channels', 1)
    model.generation_config.update(
        pad_token_id=v, bos_token_id=v, decoder_start_token_id=v, guidance_scale=3.0, do_sample=True, max_length=1500, top_k=50
    )
    folder = OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    model.to(how.get('dtype', torch.float32)).save_pretrained(folder, max_shard_size=how.get('shard', '10GB'))
    for file in folder.glob('*.safetensors'):
        if how.get('old'):
            old_names(file)
    if how.get('old') and (index := folder / 'model.safetensors.index.json').exists():
        text_ = (
            index.read_text()
            .replace('parametrizations.weight.original0', 'weight_g')
            .replace('parametrizations.weight.original1', 'weight_v')
        )
        index.write_text(text_)
    model = MusicgenForConditionalGeneration.from_pretrained(
        folder, dtype=torch.float32, attn_implementation='eager'
    ).eval()  # what the file holds, in f32
    golden: dict[str, torch.Tensor] = {'prompt': ids(prompt)}
    with torch.no_grad():
        text = torch.tensor([prompt])
        hidden = model.text_encoder(input_ids=text).last_hidden_state
        golden['text_encoder'] = f32(hidden[0])
        states = model.enc_to_dec_proj(hidden) if hasattr(model, 'enc_to_dec_proj') else hidden
        g = torch.Generator().manual_seed(seed + 1)
        columns = torch.randint(0, v + 1, (k, 7), generator=g)
        golden['columns'] = ids(columns)
        golden['logits'] = f32(model.decoder(input_ids=columns, encoder_hidden_states=states).logits)  # [K, T, V]
        golden['logits_without'] = f32(model.decoder(input_ids=columns).logits)
        steps = frames + k // channels - 1
        out = model.generate(
            input_ids=text,
            attention_mask=torch.ones_like(text),
            do_sample=False,
            guidance_scale=3.0,
            max_new_tokens=steps,
            return_dict_in_generate=True,
            output_scores=False,
        )
        golden['greedy_audio'] = f32(out.sequences[0])  # [channels, samples]
        codes = torch.randint(0, v, (k, frames), generator=g)
        golden['codes'] = ids(codes)
        part = codes[::channels]
        golden['codec_audio'] = f32(model.audio_encoder.decode(part[None, None], [None]).audio_values[0])
        audio = torch.randn(1, 1, 777, generator=g) * 0.3
        golden['audio'] = f32(audio[0, 0])
        encoded = model.audio_encoder.encode(audio, bandwidth=codec['target_bandwidths'][-1])
        golden['encoded'] = ids(encoded.audio_codes[0, 0])  # [K, frames]
    save_file(golden, folder.with_suffix('.golden.safetensors'))


def encodec(name: str, config: dict, seed: int, samples: int, frames: int) -> None:
    model = EncodecModel(EncodecConfig(**config)).eval()
    fill(model, seed)
    g = torch.Generator().manual_seed(seed + 1)
    k = model.config.num_quantizers
    with torch.no_grad():
        codes = torch.randint(0, config['codebook_size'], (k, frames), generator=g)
        latents = model.quantizer.decode(codes[:, None])
        audio = torch.randn(1, config.get('audio_channels', 1), samples, generator=g) * 0.3
        short = model.decoder(latents[..., :1])
        golden = {
            'codes': ids(codes),
            'codec_audio': f32(model.decoder(latents)[0]),
            'short_audio': f32(short[0]),
            'audio': f32(audio[0]),
            'latents': f32(model.encoder(audio)[0]),
        }
    folder = OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    save_file(golden, folder.with_suffix('.golden.safetensors'))


def main() -> None:
    shutil.rmtree(OUT, ignore_errors=True)
    (OUT / 'musicgen_mono').mkdir(parents=True)
    tokenizer = make_tokenizer(OUT / 'musicgen_mono')
    texts = prompts()
    tokenizer.encode_special_tokens = True  # text that looks like a special token is text
    encoded = [tokenizer.encode(t).ids for t in texts]
    data = json.dumps([[t, i] for t, i in zip(texts, encoded)], ensure_ascii=True, separators=(',', ':'))
    (OUT / 'prompts.json.gz').write_bytes(gzip.compress(data.encode(), 9, mtime=0))

    prompt = tokenizer.encode('slow piano ballad with warm strings').ids
    t5 = dict(
        vocab_size=WORDS,
        d_model=20,
        d_kv=6,
        d_ff=28,
        num_layers=2,
        num_heads=3,
        relative_attention_num_buckets=8,
        relative_attention_max_distance=12,
    )
    codec = dict(
        sampling_rate=8000,
        num_filters=4,
        hidden_size=12,
        upsampling_ratios=[8, 5, 4],
        codebook_size=64,
        target_bandwidths=[1.2],
        use_causal_conv=False,
        use_conv_shortcut=False,
        num_lstm_layers=2,
    )
    decoder = dict(
        vocab_size=64,
        hidden_size=24,
        num_hidden_layers=2,
        ffn_dim=44,
        num_attention_heads=4,
        num_codebooks=4,
        pad_token_id=64,
        bos_token_id=64,
    )
    musicgen('musicgen_mono', t5, codec, decoder, 1, {}, prompt, 11)
    musicgen(
        'musicgen_stereo',
        {**t5, 'feed_forward_proj': 'gated-gelu', 'd_model': 16, 'd_kv': 8, 'num_heads': 2},
        {
            **codec,
            'use_causal_conv': True,
            'use_conv_shortcut': True,
            'num_residual_layers': 2,
            'upsampling_ratios': [8, 5, 2, 2],
            'num_lstm_layers': 1,
        },
        {**decoder, 'hidden_size': 16, 'num_attention_heads': 2, 'num_codebooks': 8, 'audio_channels': 2},
        2,
        {'dtype': torch.bfloat16, 'shard': '70KB', 'old': True},
        prompt,
        6,
    )
    encodec(
        'encodec_48',
        dict(
            sampling_rate=8000,
            audio_channels=2,
            norm_type='time_group_norm',
            num_filters=4,
            hidden_size=10,
            upsampling_ratios=[5, 4],
            codebook_size=32,
            codebook_dim=10,
            target_bandwidths=[6.0],
            use_causal_conv=False,
            normalize=True,
            chunk_length_s=1.0,
            overlap=0.01,
        ),
        3,
        403,
        9,
    )


if __name__ == '__main__':
    main()
