"""Words of prompts: tempo, key and metre as said, and the known word nearest to an unknown one. Needs no torch.

Two tables, both read by the engine too: src/pipeline/controls/spoken.json (patterns; control_words.ts) and data/synonyms.json
(nearest_words.ts; an
exported tokenizer.json carries it, because which words are known is the model's). test/pipeline/prompts.json holds the two parsers
together.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from functools import lru_cache
from pathlib import Path

SPOKEN = Path(__file__).parents[3] / 'src' / 'pipeline' / 'controls' / 'spoken.json'
SYNONYMS = Path(__file__).parent / 'data' / 'synonyms.json'
NAMES = ('C', 'C#', 'D', 'Eb', 'E', 'F', 'F#', 'G', 'Ab', 'A', 'Bb', 'B')
PITCH = {'c': 0, 'd': 2, 'e': 4, 'f': 5, 'g': 7, 'a': 9, 'b': 11}
SLOWEST, FASTEST = 40, 220  # bpm that may be asked for
SPACE = re.compile('[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]+')


@lru_cache(maxsize=1)
def _spoken() -> dict:
    """spoken.json with its patterns compiled."""
    table = json.loads(SPOKEN.read_text(encoding='utf-8'))

    def full(text):
        while found := re.search(r'\{([A-Z_]+)\}', text):
            text = text.replace(found[0], table[found[1]])
        return text

    def compiled(name, value):
        if name in ('about', 'numerals') or name.isupper():
            return value
        flags = re.A if name == 'keyShort' else re.A | re.I  # only a capital letter says a key there
        if isinstance(value, str):
            return re.compile(full(value), flags)
        return [(re.compile(full(v[0]), flags), *v[1:]) if isinstance(v, list) else re.compile(full(v), flags) for v in value]

    return {name: compiled(name, value) for name, value in table.items()}


def plain(text: str) -> str:
    """NFKC, one kind of slash, hyphen, apostrophe and space."""
    text = re.sub('[\u2044\u2215]', '/', unicodedata.normalize('NFKC', text))
    text = re.sub('[\u2010-\u2015\u2212]', '-', text)
    return SPACE.sub(' ', re.sub('[\u2018\u2019\u02bc]', "'", text))


def read_words(text: str) -> dict:
    """What a text says: {'tempo': bpm as written, 'key': tonic (0 = C) + 12 for minor, 'metre': (as written, felt beats or None)}, absent
    where it
    says nothing; 'text': the text with tempo and key in the words that training captions use."""
    text = plain(text)
    out, spans = {}, []
    for name, read in (('tempo', _tempo), ('key', _key), ('metre', _metre)):
        found = read(text)
        if found:
            out[name], (start, end), say = found
            if say is not None:
                spans.append((start, end, say))
    end, parts = 0, []
    for start, stop, say in sorted(spans):
        if start >= end:
            parts += [text[end:start], say]
            end = stop
    out['text'] = ''.join(parts) + text[end:]
    return out


def in_range(bpm: float) -> bool:
    return SLOWEST <= bpm <= FASTEST


def key_name(key: int) -> str:
    return f'{NAMES[key % 12]} {"minor" if key >= 12 else "major"}'


def _tempo(text):
    s = _spoken()
    for pattern in s['tempo']:
        found = pattern.search(text)
        if not found:
            continue
        behind = pattern.groups > 1 and found[2] is not None
        first, last = float(found[1]), float(found[2 if behind else 1])
        bpm = (first + last) / 2 if first >= SLOWEST else last  # "no. 5 - 120 bpm" is not a range
        start = found.start(2) if behind and first < SLOWEST else found.start()
        canonical = s['plainTempo'].search(found[0]) or not in_range(bpm)
        return bpm, (start, found.end()), None if canonical else f'{math.floor(bpm + 0.5)} bpm'
    return None


def _key(text):
    s = _spoken()
    for found in s['key'].finditer(text):
        if _is_key(text, found):
            return _said_key(found, found[1], found[2], found[3])
    found = s['keyNamed'].search(text)
    if found and not (found[1] == 'a' and re.match(r'\s*[a-zÀ-ɏ]', text[found.end() :], re.I)):
        return _said_key(found, found[1], found[2], found[3])
    for pattern in s['keyShort']:
        found = pattern.search(text)
        if found and (found[2] or found[3]):
            return _said_key(found, found[1], found[2], found[3])
    return None


def _said_key(found, letter, accidental, mode):
    sign = 0 if not accidental else -1 if re.search('b|♭|flat', accidental, re.I) else 1
    minor = bool(mode and (mode.lower() == 'm' or re.match('min|do|ph|ae|lo', mode, re.I)))
    key = (PITCH[letter.lower()] + sign) % 12 + 12 * minor
    return key, (found.start(1), found.end(3 if mode else 2 if accidental else 1)), key_name(key)


def _is_key(text, found):
    """ "a minor": the key of A, or the article? As isKey of control_words.ts."""
    letter, accidental, mode = found[1], found[2], found[3]
    if accidental or letter.lower() != 'a':
        return True
    if not re.fullmatch('m(ajor|inor)', mode, re.I):
        return letter == 'A'
    s, before, after = _spoken(), text[: found.start()], text[found.end() :]
    if letter == 'a':
        return bool(s['articleEnds'].search(after) and (s['articleIn'].search(before) or s['articleAlone'].search(before)))
    if not s['articleNoun'].search(after):
        return True
    return not s['sentenceStart'].search(before) and mode[0] == 'm' and bool(s['articleKey'].search(after))


def _metre(text):
    s = _spoken()
    if found := s['metre'].search(text):
        return _said_metre(found, f'{found[1]}/{found[2]}')
    if found := s['metreNumerals'].search(text):
        written = f'{s["numerals"][found[1].lower()]}/{s["numerals"][found[2].lower()]}'
        return _said_metre(found, written, written != '12/8')  # "slow twelve-eight ballad" is how captions say it
    for pattern, written, spelled in s['metreNames']:
        if found := pattern.search(text):
            return _said_metre(found, written, spelled != '')
    return None


def _said_metre(found, written, respell=False):
    return (written, felt_beats(written)), found.span(), written if respell else None


def felt_beats(written: str):
    """Felt beats a bar of "3/4": of x/8 in threes, every third is felt. None where they are not 2 to 5."""
    count, unit = map(int, written.split('/'))
    beats = count // 3 if unit == 8 and count % 3 == 0 and count > 3 else count
    return beats if 2 <= beats <= 5 and (unit != 8 or beats != count or count == 3) else None


def instruments_said(words: list, phrases: dict) -> set:
    """Classes of `phrases` ({class: 'phrase, two words, ...'}) that words of a prompt, as the model is given them, name: each place by its
    longest phrase, but "no piano" and "without drums" name none. As namedIn of src/pipeline/controls/instruments.ts."""
    class_of = {phrase: name for name, some in phrases.items() for phrase in some.split(', ')}
    longest, named, at = max(len(phrase.split()) for phrase in class_of), set(), 0
    while at < len(words):
        found = next((n for n in range(min(longest, len(words) - at), 0, -1) if ' '.join(words[at : at + n]) in class_of), 0)
        if found and (at == 0 or words[at - 1] not in ('no', 'without')):
            named.add(class_of[' '.join(words[at : at + found])])
        at += found or 1
    return named


# ---- the nearest known words ---------------------------------------------------------------------------------------------------
SUFFIXES = (
    ('', 's'),
    ('ies', 'y'),
    ('es', ''),
    ('s', ''),
    ('ing', ''),
    ('ing', 'e'),
    ('ed', ''),
    ('ed', 'e'),
    ('ily', 'y'),
    ('ly', ''),
    ('iness', 'y'),
    ('ness', ''),
    ('ier', 'y'),
    ('iest', 'y'),
    ('est', ''),
    ('er', ''),
    ('ish', ''),
    ('y', ''),
    ('like', ''),
    ('', 'y'),
    ('ist', ''),
    ('ists', ''),
)
LONGEST_PHRASE = 4  # words
DEEPEST = 6  # steps from a word to a known one
LONGEST_WORD = 40  # letters; a longer one is no word
BETWEEN = {'-', "'"}  # may stand between the words of a phrase


def _is_sign(word):
    return unicodedata.category(word[0])[0] not in 'LMN'


class Synonyms:
    """`table`: {known words: "word, two words, ..."}; the key "" holds words that say nothing."""

    def __init__(self, table: dict):
        self.table = table
        self.nearest_of = {}
        for target, words in table.items():
            for word in words.split(', '):
                self.nearest_of.setdefault(word, target)

    @classmethod
    def load(cls, path=SYNONYMS):
        return cls(json.loads(Path(path).read_text(encoding='utf-8')))

    def nearest(self, words: list, known) -> tuple:
        """Words as split_words gives them, `known`: word -> is it whole in the vocabulary? -> (words to read, words that nothing was found
        for)."""
        out, unknown, at, mapped = [], [], 0, False
        while at < len(words):
            if _is_sign(words[at]) and not known(words[at]):
                at += 1  # a sign that the model never saw says nothing
                continue
            end, said = self._phrase(words, at, known)
            if said is None:
                word, end = words[at], at + 1
                said = [word] if known(word) else self._word(word, known, DEEPEST)
                if said is None:
                    said = [word]
                    unknown.append(word)
                changed = said != [word]
            else:
                changed = True
            if not (
                said and out and (changed or mapped) and out[-len(said) :] == said
            ):  # "snare, kick": drums once where they stand side by side
                out += said
            if said:
                mapped = changed
            at = end
        return (out or words), unknown

    def _phrase(self, words, at, known):
        """The longest phrase of the table that begins here and holds a word that is not known: (its end, words to read), else (_, None)."""
        ends, parts, i = [], [], at
        while i < len(words) and len(parts) < LONGEST_PHRASE:
            if words[i] in BETWEEN and parts:
                i += 1
                continue
            parts.append(words[i])
            i += 1
            ends.append(i)
        for n in range(len(parts), 1, -1):
            if all(known(w) and len(w) > 1 for w in parts[:n]):
                continue
            if sum(map(len, parts[:n])) > LONGEST_WORD:
                continue
            phrase = ' '.join(parts[:n])
            for key in (phrase, phrase[:-1] if phrase.endswith('s') else None):
                if key in self.nearest_of:
                    said = self._target(key, known, DEEPEST)
                    if said is not None:
                        return ends[n - 1], said
        return at, None

    def _target(self, key, known, depth):
        """Known words for a key of the table, None where some word of its target leads nowhere."""
        out = []
        for word in self.nearest_of[key].split():
            said = [word] if known(word) else self._word(word, known, depth - 1)
            if said is None:
                return None
            out += said
        return out

    def _word(self, word, known, depth):
        """Known words for one unknown word (letters or digits), [] where it says nothing, None where none is near."""
        if depth == 0 or len(word) > LONGEST_WORD:
            return None
        for form in self._forms(word):
            if form != word and known(form):
                return [form]
            if form in self.nearest_of:
                said = self._target(form, known, depth)
                if said is not None:
                    return said
        for cut in range(3, len(word) - 2):
            if known(word[:cut]) and known(word[cut:]):
                return [word[:cut], word[cut:]]  # "synthpop"
        return None

    @staticmethod
    def _forms(word):
        """The word, without accents, and what it may be a form of."""
        yield word
        bare = ''.join(c for c in unicodedata.normalize('NFD', word) if unicodedata.category(c)[0] != 'M')
        if bare != word:
            yield bare
        for suffix, instead in SUFFIXES:
            if bare.endswith(suffix) and len(bare) - len(suffix) >= 3:
                stem = bare[: len(bare) - len(suffix)]
                yield stem + instead
                if suffix in ('ing', 'ed', 'er') and len(stem) > 3 and stem[-1] == stem[-2]:
                    yield stem[:-1]  # "strumming"
