"""WordPiece-like tokeniser, deterministic and small enough to write again in TypeScript in a page.

1. NFC, then lower case (Unicode default, without locale).   2. Split into words: maximal runs of letters and marks, maximal runs of decimal
digits, and every other visible character alone; spaces, controls and unassigned code points separate.   3. A word in the vocabulary is one
token. Otherwise greedy longest match from the left: first piece as it stands, later pieces with '##' in front. If some place has no piece,
the whole word is [UNK].   4. Ids after `max_tokens` are dropped. Where the file has `synonyms`, tempo and key are first spelled as in
captions and words that
are not whole in the vocabulary give way to the nearest ones that are (words.py); a word that none is near counts as unknown: warn about it.
tokenizer.json: {"type": "melody_wordpiece", "normalization": "NFC", "lowercase": true, "max_tokens": n, "vocab": [piece, ...], "synonyms":
{"known words": "word, two words, ..."}}, id = place in the list, ids 0, 1 = [PAD], [UNK].
"""

import json
import unicodedata
from collections import Counter
from pathlib import Path

from .words import Synonyms, read_words

SPECIAL = ['[PAD]', '[UNK]']


def split_words(text):
    """Text -> list of normalised words."""
    words, run, kind = [], '', None
    for char in unicodedata.normalize('NFC', text).lower():
        category = unicodedata.category(char)
        now = 'letter' if category[0] in 'LM' else 'digit' if category == 'Nd' else None
        if now is None or now != kind:
            if run:
                words.append(run)
            run, kind = '', now
        if now:
            run += char
        elif category[0] not in 'ZC':
            words.append(char)
    return words + [run] if run else words


class Tokenizer:
    def __init__(self, vocab, max_tokens, synonyms=None):
        """`synonyms`: a Synonyms table, None for a model that reads every word as it is spelled."""
        self.vocab, self.max_tokens, self.synonyms = list(vocab), max_tokens, synonyms
        self.ids = {piece: i for i, piece in enumerate(self.vocab)}

    @classmethod
    def train(cls, texts, max_tokens, least=3):
        """Vocabulary: special tokens, letters and digits with their ## twins, then whole words seen `least` times, by frequency."""
        counts = Counter(word for text in texts for word in split_words(text))
        letters = [chr(c) for c in range(ord('a'), ord('z') + 1)] + list('0123456789')
        base = SPECIAL + letters + ['##' + x for x in letters]
        known = set(base)
        words = [w for w, n in sorted(counts.items(), key=lambda p: (-p[1], p[0])) if n >= least and w not in known]
        numbers = [str(n) for n in range(10, 241) if str(n) not in counts or counts[str(n)] < least]
        return cls(base + words + numbers, max_tokens, Synonyms.load())

    @classmethod
    def load(cls, path):
        data = json.loads(Path(path).read_text(encoding='utf-8'))
        return cls(data['vocab'], data['max_tokens'], Synonyms(data['synonyms']) if 'synonyms' in data else None)

    def save(self, path):
        data = {'type': 'melody_wordpiece', 'normalization': 'NFC', 'lowercase': True, 'max_tokens': self.max_tokens, 'vocab': self.vocab}
        if self.synonyms:
            data['synonyms'] = self.synonyms.table
        with open(path, 'w', encoding='utf-8') as f:
            json.dump(data, f, ensure_ascii=False, indent=0)

    def pieces(self, word):
        if word in self.ids:
            return [self.ids[word]]
        out, start = [], 0
        while start < len(word):
            end = len(word)
            while end > start and ('##' if start else '') + word[start:end] not in self.ids:
                end -= 1
            if end == start:
                return [1]
            out.append(self.ids[('##' if start else '') + word[start:end]])
            start = end
        return out

    def encode(self, text):
        """-> {'ids': [int], 'dropped': number of ids cut off, 'unknown': [words the model does not know, and none near]}."""
        words, unknown = self.read(text)
        ids = [i for word in words for i in self.pieces(word)]
        return {'ids': ids[: self.max_tokens], 'dropped': max(0, len(ids) - self.max_tokens), 'unknown': unknown}

    def read(self, text):
        """-> (words as the model is given them, unknown ones of the text)."""
        if self.synonyms:
            return self.synonyms.nearest(split_words(read_words(text)['text']), self.ids.__contains__)
        words = split_words(text)
        return words, [word for word in words if word not in self.ids]

    def batch(self, texts):
        """-> int64 [B, longest], padded with 0."""
        import torch

        rows = [self.encode(text)['ids'] or [1] for text in texts]
        longest = max(map(len, rows))
        return torch.tensor([row + [0] * (longest - len(row)) for row in rows])
