"""Stage `data`: render the procedural data set (see melody_train/data), in processes of its own.

In the budget of `all` it starts no shard after its share and goes on with what is there; at least one shard of each split is made.
"""

import os
import subprocess
import sys
import time

from ..budget import seconds_left
from ..processes import asked_to_stop


def run(c, paths):
    t = c['train']['data']
    stereo = c.get('channels', 1) == 2
    left = seconds_left(paths, None)
    processes = t['processes'] if left is None else len(os.sched_getaffinity(0))
    command = [
        sys.executable,
        '-m',
        'melody_train.data',
        '--out',
        str(paths.data),
        '--clips',
        str(t['clips']),
        '--heldout',
        str(t['heldout']),
        '--seconds',
        str(t['seconds']),
        '--rate',
        str(24000 if stereo else c['sample_rate']),
        '--processes',
        str(processes),
        '--shard',
        str(t.get('shard', 32)),
    ]
    command += ['--stereo'] if stereo else []
    command += [] if left is None else ['--limit', f'{left:.1f}']
    work = subprocess.Popen(command)
    try:
        while work.poll() is None:
            time.sleep(0.1)
            if asked_to_stop():
                return
    finally:
        if work.poll() is None:
            work.terminate()
            work.wait()
    if work.returncode:
        raise RuntimeError(f'data: rendering failed with exit code {work.returncode}; its message stands above')
