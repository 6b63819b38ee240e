"""Where training runs: the device, and the processes of one run when `torchrun` starts several (on one machine or more).

Every process reads the same folders (several machines: a shared file system), draws its own random numbers and sees its own part of a
batch.
Process 0 alone writes, and its clock is everybody's. Collectives that no peer answers within PEER_SECONDS raise PeerLost.
"""

import os
import signal
import threading
import time
from datetime import timedelta
from functools import cache

import torch
import torch.distributed as dist

PEER_SECONDS = float(os.environ.get('MELODY_PEER_SECONDS', 120))


class PeerLost(RuntimeError):
    """Another process of this run has ended or does not answer."""


class _State:
    device = None
    asked_to_stop = None  # number of the signal


def set_up(name=None):
    """Chooses the device ('cpu', 'cuda'; default: cuda where there is one) and joins the other processes if torchrun started this one.
    Raises ValueError for a device that is not here."""
    available = torch.cuda.is_available()
    name = name or ('cuda' if available else 'cpu')
    if name not in ('cpu', 'cuda'):
        raise ValueError(f'--device must be cpu or cuda; got {name}')
    if name == 'cuda' and not available:
        raise ValueError('--device cuda: PyTorch finds no CUDA GPU here; use --device cpu, or a PyTorch that was built for this GPU')
    place = int(os.environ.get('LOCAL_RANK', 0))
    if name == 'cuda' and place >= torch.cuda.device_count():
        raise ValueError(
            f'process {place} of this machine has no GPU of its own: {torch.cuda.device_count()} GPUs; start as many processes as GPUs'
        )
    _State.device = torch.device('cuda', place) if name == 'cuda' else torch.device('cpu')
    if name == 'cuda':
        torch.cuda.set_device(_State.device)
        torch.set_float32_matmul_precision('high')  # tf32 where autocast leaves float32
    if int(os.environ.get('WORLD_SIZE', 1)) > 1 and not dist.is_initialized():
        dist.init_process_group('cpu:gloo,cuda:nccl' if name == 'cuda' else 'gloo', timeout=timedelta(seconds=PEER_SECONDS))
    return _State.device


def device():
    """The device of set_up(); before it, a GPU if there is one."""
    return _State.device or torch.device('cuda' if torch.cuda.is_available() else 'cpu')


def on_gpu():
    return device().type == 'cuda'


def autocast(enabled=True):
    """Matrix products in bfloat16 on a GPU, and on a CPU where `bfloat16_pays`."""
    return torch.autocast(device().type, dtype=torch.bfloat16, enabled=enabled and (on_gpu() or bfloat16_pays()))


@cache
def bfloat16_pays():
    """Whether this CPU multiplies matrices faster in bfloat16 than in float32, tried once: PyTorch says bfloat16 is supported where AVX-512
    only emulates it, and is four times slower there (measured: the diffusion trained at half its speed)."""

    def seconds(dtype):
        a = torch.ones(512, 512, dtype=dtype)
        return min(timed(lambda: a @ a) for _ in range(5))

    return seconds(torch.bfloat16) < seconds(torch.float32)


def timed(work):
    """CPU seconds of this process that work() takes."""
    start = time.process_time()
    work()
    return time.process_time() - start


def several():
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def rank():
    return dist.get_rank() if several() else 0


def count():
    return dist.get_world_size() if several() else 1


def stream(seed):
    """A seed of this process alone: the same as `seed` in process 0."""
    return seed + 1_000_003 * rank()


def collective(call, *arguments, **named):
    """call(*arguments) of torch.distributed; its failure becomes PeerLost."""
    try:
        return call(*arguments, **named)
    except RuntimeError as error:
        first = str(error).strip().splitlines()[0][:200]
        raise PeerLost(
            f'process {rank()} of {count()} stops: another process of this run has ended or has not answered for {PEER_SECONDS:.0f} s ({first}). '  # noqa: E501
            'The same command goes on from the last checkpoint.'
        ) from error


def catch_signals():
    """SIGTERM and the first SIGINT ask the stage to stop after its step; checkpoints and export are still written. A second SIGINT
    interrupts."""

    def ask(number, _):
        if number == signal.SIGINT and _State.asked_to_stop:
            raise KeyboardInterrupt
        _State.asked_to_stop = number

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask)


def asked_to_stop():
    """The number of the signal that asked this process to stop, or None."""
    return _State.asked_to_stop


def agree(value):
    """-> (process 0's value, whether any process was asked to stop), the same in all processes."""
    stop = bool(_State.asked_to_stop)
    if not several():
        return value, stop
    said = torch.tensor([value if rank() == 0 else float('-inf'), float(stop)], dtype=torch.float64)
    collective(dist.all_reduce, said, op=dist.ReduceOp.MAX)
    if said[1] and not stop:
        _State.asked_to_stop = signal.SIGTERM
    return float(said[0]), bool(said[1])


@torch.no_grad()
def same_start(tensors):
    """Everybody takes over process 0's values of these tensors."""
    if several():
        for tensor in tensors:
            collective(dist.broadcast, tensor, 0)


@torch.no_grad()
def average_gradients(parameters):
    """Gradients become their mean over the processes, in one all-reduce. A parameter that a process did not use counts as 0 there;
    one that nobody used keeps no gradient."""
    if not several():
        return
    parameters = list(parameters)
    used = torch.tensor([float(p.grad is not None) for p in parameters], device=parameters[0].device)
    flat = torch.cat([used, *((torch.zeros_like(p) if p.grad is None else p.grad).flatten().float() for p in parameters)])
    collective(dist.all_reduce, flat)
    used, place = flat[: len(parameters)].tolist(), len(parameters)
    for p, users in zip(parameters, used):
        mean = flat[place : place + p.numel()].view_as(p) / count()
        place += p.numel()
        if not users:
            continue
        if p.grad is None:
            p.grad = mean.to(p.dtype)
        else:
            p.grad.copy_(mean)


def alone(work):
    """Process 0 does work() while the others wait for as long as it takes; a sign of life goes out every second. All raise if work()
    raises."""
    if not several():
        return work()
    working, done, failed = 0.0, 1.0, 2.0
    said = torch.zeros(1)
    if rank() != 0:
        while True:
            collective(dist.broadcast, said, 0)
            if said[0] == failed:
                raise PeerLost(f'process {rank()} of {count()} stops: process 0 failed; its message says why')
            if said[0] == done:
                return None
    over, lost = threading.Event(), []

    def signs():
        while not over.wait(1.0):
            try:
                collective(dist.broadcast, torch.tensor([working]), 0)
            except PeerLost as error:
                lost.append(error)
                return

    thread = threading.Thread(target=signs, daemon=True)
    thread.start()
    result, outcome = None, failed
    try:
        result = work()
        outcome = done
    finally:
        over.set()
        thread.join()
        if not lost:
            collective(dist.broadcast, torch.tensor([outcome]), 0)
    if lost:
        raise lost[0]
    return result


def leave():
    if several():
        dist.destroy_process_group()
