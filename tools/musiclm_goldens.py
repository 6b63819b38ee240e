"""A tiny MusicLM shape, and what transformers computes with it: test/goldens/systems/musiclm and musiclm.golden.

    pip install torch==2.15.0 transformers==5.24.0 safetensors==0.8.0
    python tools/musiclm_goldens.py [folder]

Three LlamaForCausalLM and an EncodecModel of 12 codebooks, random; a greedy piece of two frames a window, and the logits that lead to it.
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import EncodecConfig, EncodecModel, LlamaConfig, LlamaForCausalLM

OUT = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent / 'test/goldens/systems')
ENTRIES, COARSE, LEVELS = 16, 4, 12
SEMANTIC_RATE, FRAME_RATE = 25, 50
SECONDS, COARSE_SECONDS, FINE_SECONDS = 0.2, 0.12, 0.08
torch.set_num_threads(1)
torch.manual_seed(3)


def language_model(part: str, words: int, **more) -> LlamaForCausalLM:
    config = LlamaConfig(
        vocab_size=words, hidden_size=24, intermediate_size=36, num_hidden_layers=2, num_attention_heads=3, num_key_value_heads=3,
        max_position_embeddings=512, rms_norm_eps=1e-5, initializer_range=0.3, **more,
    )  # fmt: skip
    model = LlamaForCausalLM(config).eval()
    model.save_pretrained(OUT / 'musiclm' / part)
    (OUT / 'musiclm' / part / 'generation_config.json').unlink(missing_ok=True)
    return model


semantic = language_model('semantic', ENTRIES + 3)
coarse = language_model('coarse', (COARSE + 1) * ENTRIES, tie_word_embeddings=True)
fine = language_model('fine', LEVELS * ENTRIES, rope_theta=500.0)
codec = EncodecModel(
    EncodecConfig(
        sampling_rate=24_000,
        upsampling_ratios=[8, 5, 4, 3],
        num_filters=2,
        hidden_size=6,
        target_bandwidths=[2.4],
        codebook_size=ENTRIES,
        codebook_dim=6,
        num_lstm_layers=1,
    )  # fmt: skip
).eval()
assert codec.config.num_quantizers == LEVELS, codec.config.num_quantizers
for layer in codec.quantizer.layers:
    layer.codebook.embed.normal_()
codec.save_pretrained(OUT / 'musiclm/codec')


@torch.no_grad()
def draw(model: LlamaForCausalLM, prefix: list[int], count: int, first: int, levels: int) -> list[int]:
    ids, drawn = list(prefix), []
    for t in range(count):
        level = first + t % levels
        logits = model(torch.tensor([ids])).logits[0, -1]
        code = int(logits[level * ENTRIES : (level + 1) * ENTRIES].argmax())
        drawn.append(code)
        ids.append(code + level * ENTRIES)
    return drawn


frames = round(SECONDS * FRAME_RATE)
tokens = draw(semantic, [0, 0], round(SECONDS * SEMANTIC_RATE), 0, 1)
codes = torch.zeros(frames, LEVELS, dtype=torch.long)
size = round(COARSE_SECONDS * FRAME_RATE)
for start in range(0, frames, size):
    end = min(frames, start + size)
    heard = tokens[start * SEMANTIC_RATE // FRAME_RATE : -(-end * SEMANTIC_RATE // FRAME_RATE)]
    drawn = draw(coarse, [token + COARSE * ENTRIES for token in heard], (end - start) * COARSE, 0, COARSE)
    codes[start:end, :COARSE] = torch.tensor(drawn).view(-1, COARSE)
size = round(FINE_SECONDS * FRAME_RATE)
for start in range(0, frames, size):
    end = min(frames, start + size)
    prefix = (codes[start:end, :COARSE] + torch.arange(COARSE) * ENTRIES).flatten().tolist()
    drawn = draw(fine, prefix, (end - start) * (LEVELS - COARSE), COARSE, LEVELS - COARSE)
    codes[start:end, COARSE:] = torch.tensor(drawn).view(-1, LEVELS - COARSE)
with torch.no_grad():
    audio = codec.decode(codes.T[None, None], [None])[0][0, 0]
    probe = torch.tensor([[1, 9, 25, 44, 70]])
    logits = coarse(probe).logits[0, -1]
save_file(
    {
        'codes': codes.to(torch.int32).contiguous(),
        'audio': audio.contiguous(),
        'probe': probe[0].to(torch.int32),
        'logits': logits.contiguous(),
    },
    OUT / 'musiclm.golden.safetensors',
)
print(frames, 'frames,', len(set(codes.flatten().tolist())), 'different codes,', audio.shape[0], 'samples')
