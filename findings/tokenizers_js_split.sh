#!/usr/bin/env bash
# @huggingface/tokenizers 0.2.0 (npm, inside transformers.js 4), tokenizers 0.23.3 (pip).
# The pre-tokenizer Split has five behaviours for the delimiter. JavaScript takes each of them for "isolated" without a word: the two "merged"
# leave the delimiter alone, "contiguous" does not join two of them, "removed" keeps it where the pattern is a string, not a Regex. With
# `invert` and a Regex the text between the matches is lost. `single_word` of an added token is not looked at: "lower" is found in "lowers".
# One would expect the tokens of Python from the same tokenizer.json, or a refusal.
# Way round: "isolated" or a Regex that is removed, no `invert`, and a comparison in both before use.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund @huggingface/tokenizers@0.2.0
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check tokenizers==0.23.3
cat >see.py <<'PYTHON'
import json
from tokenizers import AddedToken, Regex, Tokenizer, models, pre_tokenizers

words = ["?", "C", "D", "-", "--", "C-", "D-", "-C", "-D"]
cases = {}


def add(name, split, text, added=()):
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="?"))
    if split:
        tokenizer.pre_tokenizer = split
    tokenizer.add_tokens([*added])
    cases[name] = {"file": json.loads(tokenizer.to_str()), "text": text, "python": " ".join(tokenizer.encode(text).tokens)}


for behavior in ("removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"):
    add(behavior, pre_tokenizers.Split("-", behavior), "-C-D--C")
    add(f"{behavior}, Regex", pre_tokenizers.Split(Regex("-"), behavior), "-C-D--C")
add("isolated, Regex, invert", pre_tokenizers.Split(Regex("-"), "isolated", invert=True), "-C-D--C")
pieces = Tokenizer(models.BPE({letter: number for number, letter in enumerate("lowers ")}, []))
pieces.add_tokens([AddedToken("lower", single_word=True)])
cases["single_word"] = {"file": json.loads(pieces.to_str()), "text": "lower lowers", "python": " ".join(pieces.encode("lower lowers").tokens)}
print(json.dumps(cases))
PYTHON
cat >see.mjs <<'JAVASCRIPT'
import { readFileSync } from 'node:fs';
import { Tokenizer } from '@huggingface/tokenizers';

const cases = JSON.parse(readFileSync('cases.json', 'utf8'));
const same = [];
for (const [name, { file, text, python }] of Object.entries(cases)) {
  const tokens = new Tokenizer(file, {}).encode(text).tokens.join(' ');
  console.log(`${name}: Python ${python} | JavaScript ${tokens}`);
  if (tokens === python) same.push(name);
}
console.log('the same:', same.join('; '));
JAVASCRIPT
env/bin/python see.py >cases.json
seen=$(node see.mjs)
echo "$seen"
ours="- C - D - - C"
grep -qxF "removed: Python C D C | JavaScript $ours" <<<"$seen"
grep -qxF "merged_with_previous, Regex: Python - C- D- - C | JavaScript $ours" <<<"$seen"
grep -qxF "merged_with_next: Python -C -D - -C | JavaScript $ours" <<<"$seen"
grep -qxF "contiguous: Python - C - D -- C | JavaScript $ours" <<<"$seen"
grep -qxF "isolated, Regex, invert: Python $ours | JavaScript - - - -" <<<"$seen"
grep -qxF "single_word: Python lower   l o w e r s | JavaScript lower   lower s" <<<"$seen"
grep -qxF "the same: removed, Regex; isolated; isolated, Regex" <<<"$seen"
