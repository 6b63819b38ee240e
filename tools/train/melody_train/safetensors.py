"""The safetensors format: 8 bytes little-endian header length, JSON header padded with spaces to 8 bytes, data. Written with sorted
names."""

import json
import struct
from pathlib import Path

import numpy as np

DTYPES = {'float32': 'F32', 'float16': 'F16', 'int32': 'I32', 'int64': 'I64'}
NAMES = {v: k for k, v in DTYPES.items()}


def save(path, tensors, metadata=None):
    """tensors {name: numpy array}; larger element types first, then by name, so that every tensor is aligned."""
    arrays = {k: np.ascontiguousarray(v) for k, v in tensors.items()}
    order = sorted(arrays, key=lambda k: (-arrays[k].itemsize, k))
    header, offset = {}, 0
    if metadata:
        header['__metadata__'] = {k: str(v) for k, v in metadata.items()}
    for name in order:
        a = arrays[name]
        header[name] = {'dtype': DTYPES[str(a.dtype)], 'shape': list(a.shape), 'data_offsets': [offset, offset + a.nbytes]}
        offset += a.nbytes
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % 8)
    with open(path, 'wb') as f:
        f.write(struct.pack('<Q', len(text)) + text)
        for name in order:
            f.write(arrays[name].tobytes())


def load(path):
    """-> {name: numpy array}. For files of our own making; the engine's reader is the strict one."""
    data = Path(path).read_bytes()
    (length,) = struct.unpack('<Q', data[:8])
    header = json.loads(data[8 : 8 + length])
    out = {}
    for name, entry in header.items():
        if name != '__metadata__':
            a, b = entry['data_offsets']
            out[name] = np.frombuffer(data[8 + length + a : 8 + length + b], NAMES[entry['dtype']]).reshape(entry['shape'])
    return out
