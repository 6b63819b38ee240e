#!/usr/bin/env bash
# safetensors 0.8.0 with numpy 2.4.6.
# `save` writes the entries of `metadata` in the order of a hash map with a seed of its own for each call: the same tensors with the same five
# entries make a file with other bytes nearly each time, within a process and across. With one entry, or with none, all are the same.
# One would expect the same bytes, as the tensors themselves are put in a fixed order for: hashes in a recipe, a cache keyed by content, and
# "nothing changed" in a build all fail at times. Way round: put all entries in one, as JSON with sorted keys.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check safetensors==0.8.0 numpy==2.4.6
env/bin/python - <<'PYTHON'
import json, sys
import numpy
from safetensors.numpy import save

tensors = {"encoder.weight": numpy.ones((2, 3), numpy.float32), "decoder.weight": numpy.zeros(4, numpy.float16)}
entries = {"format": "np", "codec": "vae", "sample_rate": "48000", "steps": "1000", "licence": "CC0"}
several = [save(tensors, metadata=entries) for _ in range(20)]
one = [save(tensors, metadata={"all": json.dumps(entries, sort_keys=True)}) for _ in range(20)]
backwards = [save(dict(reversed(tensors.items()))) for _ in range(20)] + [save(tensors)]
size = int.from_bytes(several[0][:8], "little")
for file in several[:2]:
    print(*json.loads(file[8 : 8 + size])["__metadata__"])
counts = [len(set(files)) for files in (several, one, backwards)]
print(f"different files of 20: five entries {counts[0]}, one entry {counts[1]}, none and tensors in either order {counts[2]}")
sys.exit(not (counts[0] > 5 and counts[1] == 1 and counts[2] == 1))
PYTHON
