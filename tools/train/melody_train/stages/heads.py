"""Stage `heads`: linear readings of the style embedding (tempo, key, metre), for what a prompt leaves open: "fast samba" has no bpm, but a
plausible range of them. Trained on frozen embeddings of captions and clips; the generator draws from them. Seconds on a CPU.

With `instruments` in the language model's controls it also counts which words pieces with each class of instruments have more often than
others: what the logits gain where a prompt names that class (models/controls.py). With `counted_keys` it counts the same of keys.
"""

import random
import time

import torch
import torch.nn.functional as F

from .. import cache
from ..models.controls import FELT_BEATS, ControlTable, of_attributes
from ..models.style_heads import StyleHeads
from ..processes import device
from ..semantic import load_encoder, rotate_keys
from ..style import StyleSource, caption
from .towers import plain_caption

UNSAID = -100  # of a user's clip whose notes do not tell


def targets(table, metas, shifts):
    """int64 [n, 3]: tempo bin, key (tonic + 12 if minor), index of the metre."""
    rows = []
    for m, shift in zip(metas, shifts):
        a = m['attributes']
        beats = FELT_BEATS.get(a.get('metre'))
        rows.append(
            [
                table.tempo_bin(a['tempo']) if a.get('tempo') else UNSAID,
                (a['tonic'] + shift) % 12 + 12 * (a['mode'] == 'minor') if a.get('tonic') is not None and a.get('mode') else UNSAID,
                table.metres.index(beats) if beats in table.metres else UNSAID,
            ]
        )
    return torch.tensor(rows)


def loss_of(heads, x, target):
    known = lambda logits, t: F.cross_entropy(logits, t, ignore_index=UNSAID, reduction='sum') / (t != UNSAID).sum().clamp(min=1)
    return [known(y, t) for y, t in zip(heads(x), target.T)]


@torch.no_grad()
def embeddings(c, paths, style, table):
    """Of fresh captions (text) and of crops (audio), each in a random key -> (text [N, E], its targets, audio, its targets)."""
    rows, meta = cache.load_features(paths, 'train')
    length, rng = c['window_seconds'] * c['token_rate'], random.Random(9)
    out = [[], [], [], []]
    for start in range(0, len(meta), 64):
        part = list(range(start, min(start + 64, len(meta))))
        for _ in range(c['train']['heads']['captions']):
            shifts = [rng.randrange(12) for _ in part]
            out[0].append(style.embed_captions([caption(meta[i], s, rng) for i, s in zip(part, shifts)]))
            out[1].append(targets(table, [meta[i] for i in part], shifts))
        shifts = [rng.randrange(12) for _ in part]
        begin = rng.randrange(len(rows[0]) - length + 1)
        out[2].append(
            style.embed_features(
                torch.stack([rotate_keys(torch.from_numpy(rows[i][begin : begin + length]).float(), s) for i, s in zip(part, shifts)])
            )
        )
        out[3].append(targets(table, [meta[i] for i in part], shifts))
    return [torch.cat(x).to(device()) for x in out]


@torch.no_grad()
def word_lifts(ids, told, words, strength, prior=5.0):
    """ids [keys, clips, T], told bool [clips, classes] -> [words, classes]: strength log(p(word | pieces with the class) / p(word | the
    others)). Both are means over pieces and keys of how often the word comes there; `prior` pieces of the usual words stand beside them."""
    often = torch.zeros(ids.shape[1], words)
    for of_key in ids.long():
        often.scatter_add_(1, of_key, torch.full(of_key.shape, 1 / (ids.shape[0] * ids.shape[2])))
    usual, told = often.mean(0) + 1e-6, told.float()
    mean = lambda chosen: (chosen.T @ often + prior * usual) / (chosen.sum(0) + prior)[:, None]
    return strength * (mean(told) / mean(1 - told)).log().T


@torch.no_grad()
def key_lifts(ids, keys, words, strength, prior=5.0):
    """ids [12, clips, T], clips as they are and 1 ... 11 semitones higher, keys int64 [clips] of what they are -> [words, 24]: as
    `word_lifts`, of keys: each clip speaks for the twelve that it is heard in."""
    often, count = torch.zeros(24, words), torch.zeros(24, 1)
    for shift, of_shift in enumerate(ids.long()):
        key = (keys + shift) % 12 + keys // 12 * 12
        share = torch.zeros(len(key), words).scatter_add_(1, of_shift, torch.full(of_shift.shape, 1 / ids.shape[2]))
        often.index_add_(0, key, share)
        count.index_add_(0, key, torch.ones(len(key), 1))
    everywhere = often.sum(0)
    usual = everywhere / count.sum() + 1e-6
    in_key = (often + prior * usual) / (count + prior)
    elsewhere = (everywhere - often + prior * usual) / (count.sum() - count + prior)
    return strength * (in_key / elsewhere).log().T


def count_instruments(c, paths):
    """Writes heads/instruments.pt {name of the table: [words, classes]}, and says how well each table alone finds the instruments of
    held-out pieces."""
    classes = list(c['semantic_lm']['controls']['instruments'])
    t = c['train']['heads']
    strength = t.get('instrument_strength', {'instruments': 0.5, 'timbre_instruments': 0.75})
    encoder = load_encoder(c, paths)
    levels = {'instruments': c['semantic_lm']['words']}
    if encoder.block:
        levels['timbre_instruments'] = c['semantic_lm']['timbre_words']
    read = lambda rows, key=0: encoder.encode(rows.float(), key).reshape(*rows.shape[:2], len(levels))
    has = lambda meta: torch.tensor([[name in (m['attributes'].get('instrument_classes') or ()) for name in classes] for m in meta])
    rows, meta = cache.load_features(paths, 'train')
    known = [i for i, m in enumerate(meta) if m['attributes'].get('instrument_classes')]
    parts = torch.stack([torch.from_numpy(rows[i]) for i in known]).split(256)
    ids = torch.stack([torch.cat([read(part, key).short() for part in parts]) for key in range(12)])
    told = has([meta[i] for i in known])
    held, held_meta = cache.load_features(paths, 'heldout')
    want, held_ids, tables = has(held_meta), [read(torch.from_numpy(row)[None])[0] for row in held], {}
    for level, (name, words) in enumerate(levels.items()):
        tables[name] = lifts = word_lifts(ids[..., level], told, words, strength[name])
        if c['semantic_lm']['controls'].get('counted_keys'):
            keys = torch.tensor([-1 if (k := of_attributes(meta[i]['attributes']).key) is None else k for i in known])
            counted = key_lifts(ids[..., level][:, keys >= 0], keys[keys >= 0], words, 0.0 if level else t.get('key_strength', 0.5))
            tables[name] = torch.cat([lifts, counted], 1)
        best = torch.stack([lifts[one[:, level]].mean(0) for one in held_ids]).topk(3, 1).indices
        right, any_three = want.gather(1, best).float().mean(), want.float().mean()
        print(f'heads: of the three {name} that a held-out piece speaks for, it has {right:.2f} (of any three {any_three:.2f})')
    cache.keep(tables, paths.runs / 'heads' / 'instruments.pt')


def run(c, paths):
    if 'controls' not in c['semantic_lm']:
        print('heads: the language model has no controls, nothing to do')
        return
    if c['semantic_lm']['controls'].get('instruments'):
        count_instruments(c, paths)
    t = c['train']['heads']
    style, table = StyleSource(c, paths), ControlTable(c['semantic_lm']['controls'], 1)
    text, said, audio, heard = embeddings(c, paths, style, table)
    torch.manual_seed(0)
    heads = StyleHeads(c['text_tower']['embedding_dim'], table).to(device())
    adam = torch.optim.AdamW(heads.parameters(), 1e-2, weight_decay=1e-4)
    until = getattr(paths, 'until', None) or float('inf')
    for step in range(t['steps']):
        if time.time() > until and step >= t['steps'] // 10:
            print(f'heads: the time was over after {step} of {t["steps"]} steps', flush=True)
            break
        for group in adam.param_groups:
            group['lr'] = 1e-2 * (1 - step / t['steps'])
        i, j = torch.randint(len(text), (256,)), torch.randint(len(audio), (128,))
        loss = sum(loss_of(heads, text[i], said[i])) + 0.5 * sum(loss_of(heads, audio[j], heard[j]))
        adam.zero_grad()
        loss.backward()
        adam.step()
    cache.keep({k: v.cpu() for k, v in heads.state_dict().items()}, paths.runs / 'heads' / 'heads.pt')
    held_rows, held_meta = cache.load_features(paths, 'heldout')
    length, target = c['window_seconds'] * c['token_rate'], targets(table, held_meta, [0] * len(held_meta)).to(device())
    kinds = {'captions that say all': [plain_caption(m) for m in held_meta], 'captions as written': [m['captions'][0] for m in held_meta]}
    with torch.no_grad():
        seen = {k: style.embed_captions(v) for k, v in kinds.items()}
        seen['audio'] = style.embed_features(torch.stack([torch.from_numpy(r[:length]).float() for r in held_rows]))
        for name, x in seen.items():
            right = [float((y.argmax(1) == k)[k != UNSAID].float().mean()) for y, k in zip(heads(x), target.T)]
            bits = [float(v) / 0.6931 for v in loss_of(heads, x, target)]
            print(
                f'heads: {name}: '
                + ', '.join(f'{n} {r:.2f} ({b:.2f} bits)' for n, r, b in zip(('tempo bin', 'key', 'metre'), right, bits)),
                flush=True,
            )
