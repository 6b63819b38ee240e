"""Stage `rvq`: 12-level residual k-means over captions' and clips' embeddings; reports distortion and how often both sides' codes agree."""

import random

import torch
from torch import nn

from .. import cache
from ..loop import load_weights
from ..models.rvq import Rvq
from ..models.towers import TrainedTowers
from ..processes import device
from ..semantic import rotate_keys
from ..style import caption
from ..tokenizer import Tokenizer
from .towers import Heads, Labels, head_accuracy, plain_caption


@torch.no_grad()
def run(c, paths):
    t = c['train']['rvq']
    tokenizer = Tokenizer.load(paths.runs / 'tokenizer.json')
    model = load_weights(paths.runs / 'towers', TrainedTowers(c, len(tokenizer.vocab))).to(device())
    length = c['window_seconds'] * c['token_rate']
    rows, meta = cache.load_features(paths, 'train')
    rng = random.Random(3)
    texts, audios = [], []
    for start in range(0, len(meta), 64):
        part = list(range(start, min(start + 64, len(meta))))
        for _ in range(t['captions']):
            shifts = [rng.randrange(12) for _ in part]
            texts.append(model.towers.text(tokenizer.batch([caption(meta[i], s, rng) for i, s in zip(part, shifts)]).to(device())))
        for begin in (0, (len(rows[0]) - length) // 2, len(rows[0]) - length):
            x = torch.stack([rotate_keys(torch.from_numpy(rows[i][begin : begin + length]).float(), rng.randrange(12)) for i in part])
            audios.append(model.towers.audio(x.to(device())))
    text, audio = torch.cat(texts), torch.cat(audios)
    both = torch.cat([text, audio[torch.randint(len(audio), (len(text),), generator=torch.Generator().manual_seed(4))]])
    rvq = Rvq(c['rvq'], both.shape[1]).to(device())
    rest = rvq.fit(both, t['passes'])
    cache.keep({k: v.cpu() for k, v in rvq.state_dict().items()}, paths.runs / 'rvq' / 'rvq.pt')
    held_rows, held_meta = cache.load_features(paths, 'heldout')
    held_audio = model.towers.audio(torch.stack([torch.from_numpy(r[:length]) for r in held_rows]).float().to(device()))
    held_text = model.towers.text(tokenizer.batch([m['captions'][0] for m in held_meta]).to(device()))
    a, b = rvq.encode(held_text), rvq.encode(held_audio)
    agree = (a == b).float().mean(0)
    used = [len(rvq.encode(both)[:, q].unique()) for q in range(c['rvq']['levels'])]
    print(
        f'rvq: residual {rest:.4f} of the energy after {c["rvq"]["levels"]} levels (train), held out text '
        f'{(held_text - rvq.decode(a)).square().sum(1).mean():.4f}, audio {(held_audio - rvq.decode(b)).square().sum(1).mean():.4f}'
    )
    print(f'rvq: text and audio codes of one clip agree: {[round(float(x), 2) for x in agree]} (held out), entries used {used}')
    full = [plain_caption(m) for m in held_meta]
    said = model.towers.text(tokenizer.batch(full).to(device())).cpu()
    labels = Labels(meta)
    state = torch.load(paths.runs / 'towers' / 'checkpoint.pt', map_location='cpu')['extra'][0]
    heads = nn.ModuleList([Heads(both.shape[1], labels.styles, labels.classes) for _ in range(2)])
    heads.load_state_dict(state)
    for name, x in (('exact', said), ('after RVQ', rvq.cpu().decode(rvq.encode(said)))):
        scores = head_accuracy(heads[0], x, labels.of(held_meta, [0] * len(held_meta)), 't')
        print(f'rvq: text read by the heads, {name}: ' + ' '.join(f'{k} {float(v):.2f}' for k, v in scores.items()))
