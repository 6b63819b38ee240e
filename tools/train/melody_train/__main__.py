"""python -m melody_train STAGE --config small --data DIR --runs DIR.   `all` runs every stage in order; finished stages are skipped.

`all --minutes 9` is the time of everything, rendering and export included. Under torchrun several processes train together.
"""

import argparse
import importlib
import os
import signal
import sys
import time
import traceback
from pathlib import Path

os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
os.environ.setdefault('GOMP_SPINCOUNT', '0')

STAGES = (
    'data',
    'features',
    'semantic',
    'towers',
    'rvq',
    'heads',
    'lm',
    'timbre_head',
    'vae',
    'latents',
    'polish',
    'dpd',
    'export',
    'goldens',
)
OTHER = ('beside', 'count', 'detail', 'sample', 'unpack', 'widen', 'width')
# What must have run before, as the table of README.md has it; of goldens, sample and unpack: an exported model.
NEEDS = {
    'features': 'data',
    'semantic': 'features',
    'towers': 'semantic',
    'rvq': 'towers',
    'heads': 'rvq',
    'lm': 'rvq',
    'timbre_head': 'lm, semantic',
    'vae': 'data',
    'latents': 'vae',
    'polish': 'vae',
    'dpd': 'latents, semantic',
    'export': 'all before it',
    'goldens': 'export',
    'sample': 'export',
    'unpack': 'export',
}


class Paths:
    """Where things lie: data (shards), runs (checkpoints, caches), weights (exported models), goldens. `until`: when the stage must end."""

    def __init__(self, args, config):
        self.data, self.runs = Path(args.data), Path(args.runs)
        self.weights = Path(args.weights) / config['name']
        self.goldens = Path(args.goldens)
        self.extra = Path(args.extra) if args.extra else None
        self.force, self.init, self.parts = args.force, Path(args.init) if args.init else None, args.parts
        self.unfinished, self.until = args.unfinished, None


def arguments():
    repository = Path(__file__).resolve().parents[3]
    p = argparse.ArgumentParser(prog='melody_train', description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('stage', choices=('all', *STAGES, *OTHER))
    p.add_argument('--config', default='tiny', help='tiny, small, mono, paper or a JSON file')
    p.add_argument('--device', choices=('cpu', 'cuda'), help='default: cuda where there is a GPU; a config\'s "cuda" fields count there')
    p.add_argument('--data', help='folder of rendered shards (default: data/CONFIG)')
    p.add_argument('--extra', help='folder of --parts-only shards: more music for towers and language model')
    p.add_argument('--runs', help='folder of checkpoints and caches (default: runs/CONFIG)')
    p.add_argument('--weights', default=str(repository / 'weights'))
    p.add_argument('--goldens', default=str(repository / 'test' / 'goldens'))
    p.add_argument('--minutes', type=float, help="time limit of this stage instead of the config's; with `all`, of everything together")
    p.add_argument('--force', action='store_true', help='run a finished stage again (training resumes from its checkpoint)')
    p.add_argument(
        '--init',
        help='stages lm, vae and dpd: folder of another run to start from, where shapes fit; latents: one whose axes are kept; widen: the mono runs; beside: the codec that gains latents',  # noqa: E501
    )
    p.add_argument(
        '--parts', help='stage export: replace only this part (vae_decoder, dual_path, semantic_lm or instruments) of weights/NAME'
    )
    p.add_argument(
        '--unfinished', action='store_true', help='stage export: parts that no stage has trained yet are exported as they start, and named'
    )
    args = p.parse_args()
    if args.stage == 'widen' and not args.init:
        p.error('stage widen needs --init RUNS, the folder of the mono runs')
    if args.minutes is not None and args.minutes <= 0:
        p.error(f'--minutes must be more than 0; got {args.minutes}')
    args.data = args.data or f'data/{Path(args.config).stem}'
    args.runs = args.runs or f'runs/{Path(args.config).stem}'
    return args


def run_stage(name, config, paths):
    """One stage, on process 0 alone unless it trains, and its mark `done`. Returns (seconds, optimiser steps)."""
    from .budget import TRAINING, last_report
    from .processes import alone, asked_to_stop, rank

    mark, started = paths.runs / name / 'done', time.time()
    before = last_report(paths.runs / name).get('step', 0)
    stage = importlib.import_module(f'melody_train.stages.{name}')
    if name in (*TRAINING, 'beside', 'detail'):
        if paths.until:
            config['train'][name]['until'] = paths.until
        stage.run(config, paths)
    else:
        alone(lambda: stage.run(config, paths))
    if name in STAGES and rank() == 0 and not asked_to_stop() and not mark.exists():
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.write_text(f'{time.time() - started:.0f} s\n')
    after = last_report(paths.runs / name).get('step', 0)
    return time.time() - started, after - before if name in TRAINING else 0


def run_all(config, paths, args, began):
    """Every stage in order. With --minutes the goldens are left out (they belong to the repository's tests), and whatever happens to time
    the
    export is made, of what is there, also after a stage that failed. Returns (lines of the table, the stage that failed or None)."""
    from .budget import Budget, table
    from .processes import PeerLost, asked_to_stop, rank

    stages = [s for s in STAGES if not (args.minutes and s == 'goldens')]
    finished = () if args.force else {s for s in stages if (paths.runs / s / 'done').exists() and s != 'export'}
    budget = Budget(args.minutes, config, stages, finished, began) if args.minutes else None
    rows, failed = [], None
    for name in stages:
        if name in finished:
            if rank() == 0:
                print(f'{name}: done before ({(paths.runs / name / "done").read_text().strip()})', flush=True)
            rows.append((name, 0.0, 0, 'done before'))
            continue
        if asked_to_stop() and not budget:
            break  # the same command goes on; nothing is exported half done
        if name == 'export':
            paths.unfinished = paths.unfinished or bool(budget)
        elif asked_to_stop() or failed:
            rows.append((name, 0.0, 0, 'not begun'))
            continue
        paths.until = budget.start(name) if budget else None
        try:
            seconds, steps = run_stage(name, config, paths)
            rows.append((name, seconds, steps, ''))
        except PeerLost:
            raise
        except Exception as error:  # noqa: BLE001 whatever went wrong, what is there is exported
            if not budget:
                raise
            traceback.print_exc()
            failed = failed or name
            rows.append((name, 0.0, 0, f'failed: {error}'))
    rows.insert(0, ('start', time.time() - began - sum(r[1] for r in rows), 0, 'imports, device, reading the config'))
    return table(rows, paths.runs), failed


def too_early(stage, error, paths):
    """The sentence for a stage whose input is not there; None where the fault is another one, whose traceback is of use."""
    path = error.filename
    if path is None:
        return f'stage {stage}: {error}'  # our own words
    folders = [f.absolute() for f in (paths.data, paths.runs, paths.weights, paths.init) if f]
    if stage not in (*NEEDS, 'widen') or not any(Path(path).absolute().is_relative_to(f) for f in folders):
        return None
    return f'stage {stage}: {path} is missing' + (f'; it needs: {NEEDS[stage]}' if stage in NEEDS else '')


def main():
    began = time.time()
    args = arguments()
    try:
        from .config import for_device, load_config
        from .loop import set_up_threads
        from .processes import PeerLost, asked_to_stop, catch_signals, leave, rank, set_up
    except ModuleNotFoundError as error:
        if error.name not in ('torch', 'numpy'):
            raise
        sys.exit(f'melody_train: {sys.executable} has no {error.name}; pip install torch numpy scipy matplotlib')

    try:
        catch_signals()
        device = set_up(args.device)
        config = for_device(load_config(args.config), device.type)
        set_up_threads()
        paths = Paths(args, config)
        if args.stage == 'all':
            lines, failed = run_all(config, paths, args, began)
            if rank() == 0:
                paths.runs.mkdir(parents=True, exist_ok=True)
                (paths.runs / 'table.txt').write_text('\n'.join(lines) + '\n')
                print('\n'.join(lines), flush=True)
            if failed:
                leave()
                sys.exit(f'melody_train: stage {failed} failed; its message stands above')
        else:
            if args.minutes and args.stage in config['train']:
                config['train'][args.stage]['minutes'] = args.minutes
            try:
                run_stage(args.stage, config, paths)
            except FileNotFoundError as error:
                if sentence := too_early(args.stage, error, paths):
                    sys.exit(f'melody_train: {sentence}')
                raise
        leave()
    except PeerLost as error:
        print(f'melody_train: {error}', file=sys.stderr, flush=True)
        os._exit(3)  # not through exit handlers: they would wait for the lost process too
    except ValueError as error:
        if not str(error).startswith(('--device', '--config', 'stage ')):
            raise
        sys.exit(f'melody_train: {error}')
    if asked_to_stop():
        sys.exit(128 + signal.Signals(asked_to_stop()))


if __name__ == '__main__':
    main()
