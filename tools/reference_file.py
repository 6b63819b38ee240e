"""Writes test/weights/data/reference.safetensors: what Python's safetensors makes of one small tensor of each dtype it can write.

usage: reference_file.py     (from the repository root; needs: pip install safetensors==0.8.0)
"""

import ctypes
import pathlib

from safetensors import TensorSpec, serialize

BYTES = {
    'bool': 1,
    'uint8': 1,
    'int8': 1,
    'float8_e5m2': 1,
    'float8_e4m3fn': 1,
    'float8_e8m0fnu': 1,
    'float8_e4m3fnuz': 1,
    'float8_e5m2fnuz': 1,
    'int16': 2,
    'uint16': 2,
    'float16': 2,
    'bfloat16': 2,
    'int32': 4,
    'uint32': 4,
    'float32': 4,
    'complex64': 8,
    'float64': 8,
    'int64': 8,
    'uint64': 8,
}
# Names that need escapes, and names whose order differs between UTF-8 and UTF-16.
NAMES = {'float32': 'é', 'float16': 'e\u0301', 'bfloat16': 'quote " slash \\ / tab \t del \x7f', 'int32': '\U0001d11e', 'uint32': '\uffee'}

kept = []
tensors = {}


def add(name: str, dtype: str, shape: list, size: int) -> None:
    data = ctypes.create_string_buffer(bytes((i + 1) % 2 for i in range(size)), max(size, 1))
    kept.append(data)
    tensors[name] = TensorSpec(dtype=dtype, shape=shape, data_ptr=ctypes.addressof(data), data_len=size)


for dtype, size in BYTES.items():
    add(NAMES.get(dtype, dtype), dtype, [1, 3], 3 * size)
for name in ('\U0001d11e twin', '\uffee twin', 'a', 'B'):
    add(name, 'float32', [1], 4)
add('empty', 'float32', [0, 3], 0)
add('scalar', 'float32', [], 4)
pathlib.Path('test/weights/data/reference.safetensors').write_bytes(serialize(tensors, {'format': 'pt'}))
