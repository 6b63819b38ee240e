"""Compares our verdicts with Python's safetensors on files that `fuzz_safetensors --save FOLDER` kept (NAME.accept, NAME.reject).

usage: differential.py FOLDER     (needs: pip install safetensors==0.8.0)
Exits with 1 where we accept a file that the reference refuses.
"""

import collections
import pathlib
import sys

import safetensors

counts = collections.Counter()
laxer = []
for path in pathlib.Path(sys.argv[1]).iterdir():
    try:
        safetensors.deserialize(path.read_bytes())
        reference = 'accept'
    except safetensors.SafetensorError:
        reference = 'reject'
    ours = path.suffix[1:]
    counts[f'ours {ours}, reference {reference}'] += 1
    if ours == 'accept' and reference == 'reject':
        laxer.append(path.name)
print(f'safetensors {safetensors.__version__}:', dict(sorted(counts.items())))
if laxer:
    print('we accept what the reference refuses:', laxer[:20])
sys.exit(1 if laxer else 0)
