"""Several processes train as one: gloo on the CPU, started as torchrun starts them."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

try:
    import torch
except ImportError as error:
    raise unittest.SkipTest('PyTorch is not installed: training tests left out') from error

# a toy run: plain gradient descent on w x + b; process r takes rows r, r + count, ... of every batch of 8; `gate` is used by process 1
# alone, and not used
# at all by one process: it gets half of that gradient
TOY = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
import torch
from melody_train import processes
from melody_train.loop import Run
processes.catch_signals()
processes.set_up('cpu')
torch.set_num_threads(1)
torch.manual_seed(processes.rank())  # every process starts elsewhere; process 0's start counts

class Toy(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.line, self.gate = torch.nn.Linear(5, 3), torch.nn.Parameter(torch.ones(3))

model = Toy()
own = torch.Generator().manual_seed(processes.stream(5))
first = torch.rand(1, generator=own)
train = {'steps': int(sys.argv[3]), 'lr': 0.1, 'warmup': 1, 'ema': 0.9, 'minutes': None}
run = Run(sys.argv[2], model, [torch.optim.SGD(model.parameters(), lr=0.1)], train)
data = torch.Generator().manual_seed(1)
pause = float(sys.argv[4])
try:
    while run.running():
        x, y = torch.randn(8, 5, generator=data), torch.randn(8, 3, generator=data)
        x, y = (v[processes.rank()::processes.count()] for v in (x, y))
        def compute(x, y):
            loss = (model.line(x) - y).square().mean()
            if processes.rank() == 1:
                loss = loss + model.gate.sum()
            return loss, {'loss': loss}
        run.advance(run.learn(compute, (x, y), 1e9))
        time.sleep(pause)
        print(f'step {run.step} of process {processes.rank()}', flush=True)
except processes.PeerLost as error:
    print('LOST', error, flush=True)
    os._exit(3)
run.finish()
print('DRAWN', processes.rank(), float(first), flush=True)
print('DONE', run.step, flush=True)
"""


# process 0 works for some seconds while the other waits; then it fails at its work
ALONE = """
import sys, time
sys.path.insert(0, sys.argv[1])
from melody_train import processes
processes.set_up('cpu')

def work():
    time.sleep(2.5)
    print('WORKED', processes.rank(), flush=True)
    return 7

assert processes.alone(work) == (7 if processes.rank() == 0 else None)
assert processes.agree(3.0 + processes.rank()) == (3.0, False)
try:
    processes.alone(lambda: 1 / 0)
except ZeroDivisionError:
    print('FAILED HERE', flush=True)
except processes.PeerLost as error:
    print('TOLD', error, flush=True)
"""


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def start(folder, count, steps, pause=0.0, peer_seconds=60, text=TOY):
    """The toy in `count` processes, as torchrun would start them."""
    port, script = free_port(), Path(folder) / 'toy.py'
    script.write_text(text)
    out = []
    for rank in range(count):
        env = {
            **os.environ,
            'RANK': str(rank),
            'LOCAL_RANK': str(rank),
            'WORLD_SIZE': str(count),
            'MASTER_ADDR': '127.0.0.1',
            'MASTER_PORT': str(port),
            'MELODY_PEER_SECONDS': str(peer_seconds),
        }
        run = Path(folder) / f'run{count}'
        out.append(
            subprocess.Popen(
                [sys.executable, str(script), str(ROOT), str(run), str(steps), str(pause)],
                env=env,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
    return out


def result(folder, count):
    return torch.load(Path(folder) / f'run{count}' / 'checkpoint.pt')


class Processes(unittest.TestCase):
    def test_two_processes_learn_what_one_does_with_the_whole_batch(self):
        with tempfile.TemporaryDirectory() as folder:
            texts = {}
            for count in (1, 2):
                workers = start(folder, count, 25)
                texts[count] = [w.communicate(timeout=300)[0] for w in workers]
                assert all(w.returncode == 0 for w in workers), texts[count]
            one, two = result(folder, 1), result(folder, 2)
            for part in ('model', 'ema'):
                for name in ('line.weight', 'line.bias'):
                    difference = float((one[part][name] - two[part][name]).abs().max())
                    assert difference < 1e-5, (part, name, difference)
            assert torch.equal(one['model']['gate'], torch.ones(3)), 'nobody used it'
            assert (two['model']['gate'] < 0.9).all(), 'process 1 alone used it'
            assert one['step'] == two['step'] == 25
            drawn = {float(t.split('DRAWN')[1].split()[1]) for t in texts[2]}
            assert len(drawn) == 2, 'every process has random numbers of its own'
            assert [p.name for p in (Path(folder) / 'run2').iterdir() if p.name.startswith('checkpoint')] == ['checkpoint.pt']

    def test_a_killed_process_ends_the_others_with_a_sentence(self):
        with tempfile.TemporaryDirectory() as folder:
            workers = start(folder, 2, 100000, pause=0.05)
            for w in workers:
                while 'step 3 ' not in w.stdout.readline():
                    assert w.poll() is None
            workers[1].send_signal(signal.SIGKILL)
            began = time.time()
            text = workers[0].communicate(timeout=60)[0]
            assert workers[0].returncode == 3 and 'another process of this run has ended' in text, text[-500:]
            assert time.time() - began < 60
            workers[1].communicate()

    def test_one_works_alone_while_the_others_wait_and_hear_of_its_failure(self):
        with tempfile.TemporaryDirectory() as folder:
            first, second = (w.communicate(timeout=200)[0] for w in start(folder, 2, 0, peer_seconds=60, text=ALONE))
            assert first.count('WORKED 0') == 1 and 'WORKED' not in second, (first, second)
            assert 'FAILED HERE' in first and 'process 0 failed' in second, (first, second)

    def test_torchrun_trains_a_stage_and_process_0_alone_writes(self):
        from tests.test_stages import world

        with tempfile.TemporaryDirectory() as folder:
            config, paths = world(Path(folder))
            config['train']['vae'].update(steps=3, report=3, batch=1)
            (Path(folder) / 'two.json').write_text(json.dumps(config))
            command = [
                sys.executable,
                '-m',
                'torch.distributed.run',
                '--nproc-per-node',
                '2',
                '--master-port',
                str(free_port()),
                '-m',
                'melody_train',
                'vae',
                '--config',
                str(Path(folder) / 'two.json'),
                '--device',
                'cpu',
                '--data',
                str(paths.data),
                '--runs',
                str(paths.runs),
            ]
            done = subprocess.run(
                command, cwd=ROOT, env={**os.environ, 'OMP_NUM_THREADS': '1'}, capture_output=True, text=True, timeout=900
            )
            assert done.returncode == 0, done.stderr[-1500:]
            rows = (paths.runs / 'vae' / 'log.jsonl').read_text().splitlines()
            assert len(rows) == 1 and json.loads(rows[0])['step'] == 3, rows
            assert done.stdout.count('vae 3/3') + done.stdout.count('vae: 3/3') == 1, done.stdout
            assert (paths.runs / 'vae' / 'done').exists() and torch.load(paths.runs / 'vae' / 'checkpoint.pt')['step'] == 3


if __name__ == '__main__':
    unittest.main()
