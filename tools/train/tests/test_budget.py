"""The clock of `all --minutes`, drawing ahead, gathering on the device, and export of a run that did not finish."""

import contextlib
import io
import json
import os
import random
import sys
import tempfile
import time
import unittest
from pathlib import Path
from types import SimpleNamespace

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

try:
    import torch
except ImportError as error:
    raise unittest.SkipTest('PyTorch is not installed: training tests left out') from error

from melody_train.ahead import ahead, pieces  # noqa: E402
from melody_train.budget import TRAINING, WEIGHTS, Budget, compared, table  # noqa: E402
from melody_train.config import for_device, load_config  # noqa: E402
from melody_train.corpus import Corpus  # noqa: E402
from melody_train.data.shards import write_shard  # noqa: E402
from melody_train.export import load_exported  # noqa: E402
from melody_train.features import COUNT, rotate_each, rotate_keys  # noqa: E402
from melody_train.loop import Run  # noqa: E402
from melody_train.stages import export  # noqa: E402

STAGES = tuple(WEIGHTS)


class Clock(unittest.TestCase):
    def test_shares_are_of_what_is_left_and_the_reserve_is_kept(self):
        config = load_config('small')
        began = time.time()
        budget = Budget(10, config, STAGES, began=began)
        minutes = {s: config['train'][s]['minutes'] for s in TRAINING}
        first = budget.start('data')
        assert abs((first - began) / (600 - 12) - WEIGHTS['data'] / (80 + sum(WEIGHTS[s] for s in STAGES if s not in TRAINING))) < 0.02
        late = Budget(10, config, STAGES, [s for s in STAGES if s not in ('lm', 'vae', 'export')], began=time.time() - 300)
        share = late.start('lm') - time.time()
        weights = [minutes[s] * 80 / sum(minutes.values()) for s in ('lm', 'vae')]
        assert abs(share - (300 - 12) * weights[0] / (sum(weights) + WEIGHTS['export'])) < 1.0
        over = Budget(1, config, STAGES, began=time.time() - 100)
        assert over.start('vae') <= time.time() + 0.1, 'nothing is left'

    def test_a_run_ends_with_its_share_reports_four_times_and_saves(self):
        with tempfile.TemporaryDirectory() as folder:
            model = torch.nn.Linear(2, 2)
            optimiser = torch.optim.SGD(model.parameters(), lr=0.1)  # imports much of torch, seconds on a busy machine
            ends = time.time() + 6.0
            run, reports = Run(folder, model, [optimiser], {'steps': 10**9, 'lr': 0.1, 'until': ends, 'minutes': 600}), 0
            with contextlib.redirect_stdout(io.StringIO()):
                while run.running():
                    run.advance(run.learn(lambda x: (model(x).square().mean(), {'loss': model(x).square().mean()}), (torch.randn(4, 2),)))
                    time.sleep(0.01)
                    if run.due():
                        assert run.running() == (run.done < 1.0)
                        time.sleep(0.1)  # what evaluating costs is kept free at the end
                        reports += 1
                        run.report(held=1.0)
                run.finish()
            rows = [json.loads(x) for x in (Path(folder) / 'log.jsonl').read_text().splitlines()]
            assert 2 <= reports <= 5 and rows[-1]['step'] == run.step > 4, (reports, rows[-1], run.step)
            assert rows[-1]['minutes'] < 0.12, 'the last report lies before the end'
            assert torch.load(Path(folder) / 'checkpoint.pt')['step'] == run.step

    def test_no_share_means_no_step_but_a_checkpoint(self):
        with tempfile.TemporaryDirectory() as folder:
            model = torch.nn.Linear(2, 2)
            run = Run(folder, model, [torch.optim.SGD(model.parameters(), lr=0.1)], {'steps': 5, 'lr': 0.1, 'until': time.time() - 1})
            assert not run.running()
            run.finish()
            assert (Path(folder) / 'checkpoint.pt').exists()

    def test_a_graphics_card_has_its_own_numbers(self):
        config = {'train': {'lm': {'batch': 8, 'lr': 1.0, 'cuda': {'batch': 64}}, 'rvq': {'passes': 3}}}
        assert for_device(config, 'cpu')['train'] == {'lm': {'batch': 8, 'lr': 1.0}, 'rvq': {'passes': 3}}
        assert for_device(config, 'cuda')['train']['lm'] == {'batch': 64, 'lr': 1.0}

    def test_the_table_names_what_is_compared(self):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / 'dpd').mkdir()
            (Path(folder) / 'dpd' / 'log.jsonl').write_text(json.dumps({'step': 50, 'held': 0.36, 'wiener': 0.42, 'gap_1.1': 0.02}) + '\n')
            lines = '\n'.join(table([('data', 12.0, 0, ''), ('dpd', 25.0, 50, '')], Path(folder)))
            assert '2.00' in lines and 'held 0.36 (Wiener 0.42), gap_1.1 0.02' in lines, lines
        assert compared('lm', {'held_bits': 2.5}) == ''


class Drawing(unittest.TestCase):
    def test_ahead_draws_the_same_kind_with_and_without_workers(self):
        draw = lambda rng: {'x': torch.tensor([rng.randrange(1000) for _ in range(4)])}
        alone = ahead(draw, 7, workers=0)
        assert torch.equal(next(alone)['x'], draw(random.Random(7))['x'])
        working = ahead(draw, 7, workers=2)
        seen = {tuple(next(working)['x'].tolist()) for _ in range(6)}
        assert len(seen) == 6, 'workers have streams of their own'

    def test_pieces_and_rotations_are_those_of_the_loop(self):
        x, index, start = torch.randn(5, 20, 3), [4, 0, 2], [0, 13, 5]
        assert torch.equal(pieces(x, index, start, 7), torch.stack([x[i, s : s + 7] for i, s in zip(index, start)]))
        f, shifts = torch.randn(3, 6, COUNT), torch.tensor([0, 5, 11])
        assert torch.equal(rotate_each(f, shifts), torch.stack([rotate_keys(row, int(k)) for row, k in zip(f, shifts)]))

    def test_gathered_crops_are_the_cut_ones_in_mono_and_stereo(self):
        with tempfile.TemporaryDirectory() as folder:
            rng = np.random.default_rng(0)
            audio, stereo = (rng.integers(-32768, 32767, shape, dtype=np.int16) for shape in ((3, 500), (3, 2, 1000)))
            write_shard(folder, 'train', 0, audio, [{'id': str(i)} for i in range(3)], 24000, stereo)
            for channels, grid in ((1, 1), (1, 10), (2, 20)):
                corpus = Corpus(folder, 'train', channels=channels)
                got = corpus.gather([2, 0], [7, 3], 100, grid)
                assert torch.equal(got, torch.stack([corpus.crop(2, 7 * grid, 100), corpus.crop(0, 3 * grid, 100)]))


class Unfinished(unittest.TestCase):
    def test_a_run_that_ended_while_rendering_is_exported_and_says_so(self):
        with tempfile.TemporaryDirectory() as folder:
            root, c = Path(folder), load_config('tiny')
            paths = SimpleNamespace(
                data=root / 'data', runs=root / 'runs', weights=root / 'weights' / 'melody-tiny', parts=None, unfinished=False
            )
            with self.assertRaises(FileNotFoundError):
                export.run(c, paths)
            paths.unfinished = True
            with self.assertRaisesRegex(FileNotFoundError, 'nothing has been trained'):
                export.run(c, paths)
            row = {'id': '0', 'captions': ['slow piano in A minor, 80 bpm'], 'attributes': {}}
            write_shard(str(paths.data), 'train', 0, np.zeros((1, 100), np.int16), [row], 24000)
            with contextlib.redirect_stdout(io.StringIO()) as out:
                export.run(c, paths)
            for stage in ('towers', 'rvq', 'lm', 'vae', 'dpd'):
                assert stage in out.getvalue().split('as they start:')[1], out.getvalue()
            assert len(load_exported(paths.weights)[1]) == 9


if __name__ == '__main__':
    unittest.main()
