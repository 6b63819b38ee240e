"""This repository's own networks in PyTorch: seconds that a clip takes on this machine's processor, for `bench/any_machine.ts --peer`.

    python bench/peers/melody_torch.py [--weights weights/melody-small] [--threads 2]

One window of the model (10 s) from a prompt: text tower, language model and diffusion with guidance, decoder; no levels, no file. The second
clip of the process counts. Stages go to stderr, the seconds of the whole are the last line of stdout.
"""

import argparse
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / 'tools' / 'train'))

import torch  # noqa: E402
from melody_train.evaluation.system import System  # noqa: E402

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument('--weights', default=str(REPOSITORY / 'weights' / 'melody-small'))
parser.add_argument('--threads', type=int, default=2)
args = parser.parse_args()
torch.set_num_threads(args.threads)
system = System(args.weights)
for seed in range(2):
    times = [time.perf_counter()]
    style = system.style_of_texts(['calm piano, 80 bpm'], seed)
    ids = system.ids(style, seed)
    times.append(time.perf_counter())
    latents = system.latents(ids, seed)
    times.append(time.perf_counter())
    system.channels_of(latents)
    times.append(time.perf_counter())
    stages = [b - a for a, b in zip(times, times[1:])]
    print('tokens {:.2f} s, diffusion {:.2f} s, decoder {:.2f} s'.format(*stages), file=sys.stderr)
print(f'{times[-1] - times[0]:.3f}')
