#!/usr/bin/env bash
# @huggingface/tokenizers 0.2.0 (npm, inside transformers.js 4), tokenizers 0.23.3 (pip).
# One tokenizer.json gives other numbers in JavaScript where a text has what the vocabulary lacks. WordLevel (a token for each event of music,
# say): `undefined` in the place of the unknown token's number, which an Int32Array makes 0 and a BigInt64Array refuses. Unigram with
# byte_fallback: one unknown token in place of the bytes, so the letter cannot be read back. BPE with fuse_unk: unknown words next to each
# other become one token for all of them, where Python fuses within a word only, so all that follows moves forward.
# One would expect the same numbers, as the two share the file format and a maker. Way round: look for undefined, and compare in both before use.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund @huggingface/tokenizers@0.2.0
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check tokenizers==0.23.3
cat >see.py <<'PYTHON'
from tokenizers import Tokenizer, models, pre_tokenizers

text = "low éé éé low"
letters = [("<unk>", -10.0), ("▁", -3.0), ("l", -5.0), ("o", -5.0), ("w", -5.0), ("▁low", -4.0)]
unigram = Tokenizer(models.Unigram([*letters, *((f"<0x{byte:02X}>", -9.0) for byte in range(256))], 0, True))
unigram.pre_tokenizer = pre_tokenizers.Metaspace()
bpe = Tokenizer(models.BPE({"<unk>": 0, "l": 1, "o": 2, "w": 3}, [], unk_token="<unk>", fuse_unk=True))
bpe.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
words = Tokenizer(models.WordLevel({"<unk>": 0, "low": 1}, unk_token="<unk>"))
words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
for name, tokenizer in (("WordLevel", words), ("Unigram", unigram), ("BPE", bpe)):
    tokenizer.save(f"{name}.json")
    print(name, *tokenizer.encode(text).ids)
PYTHON
cat >see.mjs <<'JAVASCRIPT'
import { readFileSync } from 'node:fs';
import { Tokenizer } from '@huggingface/tokenizers';

for (const name of ['WordLevel', 'Unigram', 'BPE']) {
  const tokenizer = new Tokenizer(JSON.parse(readFileSync(`${name}.json`, 'utf8')), {});
  console.log(name, ...tokenizer.encode('low éé éé low').ids);
}
JAVASCRIPT
in_python=$(env/bin/python see.py)
in_javascript=$(node see.mjs)
echo "Python:"
echo "$in_python"
echo "JavaScript:"
echo "$in_javascript"
bytes="201 175 201 175"
[ "$in_python" = "WordLevel 1 0 0 1
Unigram 5 1 $bytes 1 $bytes 5
BPE 1 2 3 0 0 1 2 3" ] && [ "$in_javascript" = "WordLevel 1 undefined undefined 1
Unigram 5 1 0 1 0 5
BPE 1 2 3 0 1 2 3" ]
