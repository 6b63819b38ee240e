#!/usr/bin/env bash
# tokenizers 0.23.3, sentencepiece 0.2.3, protobuf 7.36.2.
# T5's text encoder takes its characters through SentencePiece's own map (nmt_nfkc), which tokenizers runs as the normalizer
# "Precompiled". On decomposed text (NFD, as macOS names files) the two differ: tokenizers takes the shortest match and drops the rest of
# the character, so that a letter with two marks loses one ("Trần" becomes "Trân", "Hồ" "Hô"), and "が" or Hangul stay in pieces.
# SentencePiece takes the longest match and gives NFKC. The ids then differ by library; a letter with one mark is well in both.
# One would expect the same text from the same map. Way round: NFC before either.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check tokenizers==0.23.3 sentencepiece==0.2.3 protobuf==7.36.2
env/bin/python - <<'PYTHON'
import sys, unicodedata
import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import normalizers

with open("words.txt", "w") as file:
    file.write("slow piano fast samba\n" * 100)
sentencepiece.SentencePieceTrainer.train(input="words.txt", model_prefix="m", vocab_size=18, minloglevel=2)  # its map is nmt_nfkc
model = sentencepiece_model_pb2.ModelProto()
with open("m.model", "rb") as file:
    model.ParseFromString(file.read())
precompiled = normalizers.Precompiled(model.normalizer_spec.precompiled_charsmap)
processor = sentencepiece.SentencePieceProcessor(model_file="m.model")

seen = {}
for word in ("Trần", "Hồ", "が", "Dvořák"):
    decomposed = unicodedata.normalize("NFD", word)
    composed = unicodedata.normalize("NFKC", word)
    texts = processor.normalize(decomposed).lstrip("▁"), precompiled.normalize_str(decomposed), precompiled.normalize_str(composed)
    print(f"{word} decomposed: sentencepiece {ascii(texts[0])}, tokenizers {ascii(texts[1])}; composed: tokenizers {ascii(texts[2])}")
    seen[word] = [text == composed for text in texts]
wrong = [True, False, True]
lost = precompiled.normalize_str(unicodedata.normalize("NFD", "Trần")) == "Tr\u00e2n"
sys.exit(not (lost and seen == {"Trần": wrong, "Hồ": wrong, "が": wrong, "Dvořák": [True] * 3}))
PYTHON
