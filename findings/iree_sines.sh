#!/usr/bin/env bash
# iree-base-compiler 3.13.0, iree-base-runtime 3.13.0 (llvm-cpu), onnx 1.23.2, onnxruntime 1.32.0 (CPU).
# The sine of a model compiled by IREE loses a bit with each doubling of its argument: it is brought into one turn with a single float32 of pi.
# A tone of 440 Hz made as sin(2 pi f t), as vocoders with a sine source make it, has noise at about -60 dB after ten seconds, -45 after a minute
# and -25 after ten; onnxruntime's from the same phases, -150. From 1e7 on it is another number, and at 1e9 none of a sine: 1.8e12.
# Asinh of negative numbers is computed as a difference: of -1000 and -2000 it is 0.3 % off, of -10000 infinite, of -infinity NaN.
# One would expect onnxruntime's and numpy's numbers, which agree to the last bit or two; no option of the compiler asks for exact functions.
# Way round, shown: keep the phase within a turn, x - 2 pi round(x / 2 pi), before it becomes float32, and asinh as sign(x) asinh(|x|).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check iree-base-compiler==3.13.0 iree-base-runtime==3.13.0 onnx==1.23.2 onnxruntime==1.32.0 \
  numpy==2.4.6
cat >see.py <<'PYTHON'
import subprocess
import sys
import iree.compiler
import iree.runtime
import numpy
import onnx
import onnxruntime
from onnx import parser

N = 48000


def models(nodes):
    """A function of N numbers, in IREE and in onnxruntime."""
    model = parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> g (float[{N}] x) => (float[{N}] y) {{ {nodes} }}')
    onnx.save(model, "model.onnx")
    subprocess.run([sys.executable, "-m", "iree.compiler.tools.import_onnx", "model.onnx", "-o", "model.mlir"], check=True)
    binary = iree.compiler.compile_file("model.mlir", input_type="onnx", target_backends=["llvm-cpu"], extra_args=["--iree-llvmcpu-target-cpu=generic"])
    context = iree.runtime.SystemContext(config=iree.runtime.Config("local-sync"))
    context.add_vm_module(iree.runtime.VmModule.copy_buffer(context.instance, binary))
    session = onnxruntime.InferenceSession("model.onnx", providers=["CPUExecutionProvider"])
    return lambda x: context.modules.module["g"](x).to_host(), lambda x: session.run(None, {"x": x})[0]


def filled(*numbers):
    x = numpy.zeros(N, numpy.float32)
    x[: len(numbers)] = numbers
    return x


sine = models("y = Sin (x)")
noise = {}
for seconds in (0, 10, 60, 600):
    exact = 2 * numpy.pi * 440 * (seconds + numpy.arange(N) / 48000)
    turns = numpy.float32(exact - 2 * numpy.pi * numpy.round(exact / (2 * numpy.pi)))
    phases = numpy.float32(exact)
    found = []
    for function, x in ((sine[0], phases), (sine[1], phases), (sine[0], turns)):
        right = numpy.sin(x.astype(float))
        found.append(float(10 * numpy.log10(((function(x) - right) ** 2).mean() / (right**2).mean())))
    noise[seconds] = found
    print(f"a second of 440 Hz from {seconds} s on, noise in dB: IREE {found[0]:.0f}, onnxruntime {found[1]:.0f}, IREE within a turn {found[2]:.0f}")
large = filled(1e7, 1e8, 1e9, 1e10)
sines = [function(large)[:4].astype(float).tolist() for function in sine]
print(f"sines of 1e7 to 1e10: IREE {', '.join(f'{y:.3g}' for y in sines[0])}; onnxruntime {', '.join(f'{y:.3g}' for y in sines[1])}")
numbers = filled(1000, -1000, -2000, -10000, -numpy.inf)
plain = [function(numbers)[:5].astype(float) for function in models("y = Asinh (x)")]
mirrored = models("a = Abs (x) b = Asinh (a) s = Sign (x) y = Mul (s, b)")[0](numbers)[:5]
for name, answers in (("IREE", plain[0]), ("onnxruntime", plain[1]), ("IREE, of magnitudes", mirrored)):
    print(f"asinh of 1000, -1000, -2000, -10000, -inf: {name} {', '.join(f'{y:.4f}' for y in answers)}")
off = numpy.abs(plain[0] / plain[1] - 1)
sys.exit(not (
    noise[10][0] > -75 and noise[60][0] > -60 and noise[600][0] > -40 and all(b < -140 and c < -120 for _, b, c in noise.values())
    and abs(sines[0][2]) > 1e6 and abs(sines[1][2] - 0.5458) < 1e-3
    and off[0] < 1e-6 and 1e-3 < off[1] < 1e-2 and 1e-3 < off[2] < 1e-2
    and plain[0][3] == -numpy.inf and numpy.isnan(plain[0][4]) and plain[1][4] == -numpy.inf
    and numpy.allclose(mirrored, plain[1], rtol=1e-6)
))
PYTHON
env/bin/python -W ignore see.py
