"""What Python's safetensors says of the files that tools/verdict_files.ts wrote; prints test/weights/reference_verdicts.json.

usage: reference_verdicts.py FOLDER > test/weights/reference_verdicts.json     (needs: pip install safetensors==0.8.0)
"""

import hashlib
import json
import pathlib
import sys

import safetensors

rows = []
for path in sorted(pathlib.Path(sys.argv[1]).glob('*.safetensors')):
    data = path.read_bytes()
    row = {'id': int(path.stem), 'sha256': hashlib.sha256(data).hexdigest()}
    try:
        safetensors.deserialize(data)
        row['verdict'] = 'accept'
    except safetensors.SafetensorError as error:
        row['verdict'], row['message'] = 'reject', str(error).split(' at line')[0].split(', expected one of')[0][:120]
    rows.append(row)
print(json.dumps({'version': safetensors.__version__, 'files': rows}, indent=1))
