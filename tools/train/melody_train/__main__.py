"""python -m melody_train STAGE --config small --data DIR --runs DIR.   `all` runs every stage in order; finished stages are skipped."""

import argparse
import importlib
import os
import time
from pathlib import Path

os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
os.environ.setdefault('GOMP_SPINCOUNT', '0')

STAGES = ('data', 'features', 'semantic', 'towers', 'rvq', 'heads', 'lm', 'vae', 'latents', 'polish', 'dpd', 'export', 'goldens')
OTHER = ('count', 'sample', 'unpack', 'widen')


class Paths:
    """Where things lie: data (shards), runs (checkpoints, caches), weights (exported models), goldens."""

    def __init__(self, args, config):
        self.data, self.runs = Path(args.data), Path(args.runs)
        self.weights = Path(args.weights) / config['name']
        self.goldens = Path(args.goldens)
        self.extra = Path(args.extra) if args.extra else None
        self.force, self.init, self.parts = args.force, Path(args.init) if args.init else None, args.parts


def main():
    from .config import load_config
    from .loop import set_up_threads

    repository = Path(__file__).resolve().parents[3]
    p = argparse.ArgumentParser(prog='melody_train', description=__doc__)
    p.add_argument('stage', choices=('all', *STAGES, *OTHER))
    p.add_argument('--config', default='tiny', help='tiny, small, paper or a JSON file')
    p.add_argument('--data', help='folder of rendered shards (default: data/CONFIG)')
    p.add_argument('--extra', help='folder of --parts-only shards: more music for towers and language model')
    p.add_argument('--runs', help='folder of checkpoints and caches (default: runs/CONFIG)')
    p.add_argument('--weights', default=str(repository / 'weights'))
    p.add_argument('--goldens', default=str(repository / 'test' / 'goldens'))
    p.add_argument('--minutes', type=float, help='time limit of this stage instead of the config\'s')
    p.add_argument('--force', action='store_true', help='run a finished stage again (training resumes from its checkpoint)')
    p.add_argument('--init', help='stages lm, vae and dpd: folder of another run to start from, where shapes fit')
    p.add_argument('--parts', help='stage export: replace only this part (vae_decoder) of weights/NAME')
    args = p.parse_args()
    config = load_config(args.config)
    args.data = args.data or f'data/{Path(args.config).stem}'
    args.runs = args.runs or f'runs/{Path(args.config).stem}'
    set_up_threads()
    paths = Paths(args, config)
    for name in STAGES if args.stage == 'all' else (args.stage,):
        if args.minutes and name in config['train']:
            config['train'][name]['minutes'] = args.minutes
        mark = paths.runs / name / 'done'
        if args.stage == 'all' and mark.exists() and not args.force:
            print(f'{name}: done before ({mark.read_text().strip()})')
            continue
        started = time.time()
        importlib.import_module(f'melody_train.stages.{name}').run(config, paths)
        if name in STAGES and not mark.exists():
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.write_text(f'{time.time() - started:.0f} s\n')


if __name__ == '__main__':
    main()
