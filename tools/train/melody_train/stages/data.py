"""Stage `data`: render the procedural data set (see melody_train/data)."""

import subprocess
import sys


def run(c, paths):
    t = c['train']['data']
    command = [sys.executable, '-m', 'melody_train.data', '--out', str(paths.data), '--clips', str(t['clips']), '--heldout', str(t['heldout']),
               '--seconds', str(t['seconds']), '--rate', str(c['sample_rate']), '--processes', str(t['processes'])]
    subprocess.run(command, check=True)
