"""Every stage runs a handful of steps on a made corpus, and what it exports loads again."""

import contextlib
import io
import json
import math
import os
import shutil
import sys
import tempfile
import unittest
import unittest.mock
from pathlib import Path
from types import SimpleNamespace

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

try:
    import torch
except ImportError as error:
    raise unittest.SkipTest('PyTorch is not installed: training tests left out') from error

from melody_train import goldens  # noqa: E402
from melody_train.__main__ import main  # noqa: E402
from melody_train.config import load_config  # noqa: E402
from melody_train.data.shards import write_shard  # noqa: E402
from melody_train.export import load_exported  # noqa: E402
from melody_train.loop import set_up_threads, start_from  # noqa: E402
from melody_train.stages import count, dpd, export, features, heads, latents, lm, polish, rvq, semantic, timbre_head, towers, unpack, vae  # noqa: E402

SECONDS = 6


def clip(index):
    rng = np.random.default_rng(index)
    t = np.arange(SECONDS * 24000) / 24000
    beat = 0.4 + 0.05 * (index % 5)
    tone = np.sin(2 * np.pi * 110 * 2 ** (index % 12 / 12) * t) * np.exp(-4 * (t % beat))
    return np.round((0.2 * tone + 0.01 * rng.standard_normal(len(t))) * 32767).astype(np.int16)


def row(index):
    style = ('rock', 'waltz')[index % 2]
    bpm = 60 / (0.4 + 0.05 * (index % 5))
    attributes = {
        'style': style,
        'tempo': bpm,
        'tonic': index % 12,
        'mode': 'minor',
        'key': 'A minor',
        'metre': ('4/4', '3/4')[index % 2],
        'instrument_classes': ['piano'],
    }
    if index % 6 == 5:
        attributes = {}  # a clip of a user's own corpus
    return {
        'id': str(index),
        'seed': index,
        'captions': [f'{style} with piano, {round(bpm)} bpm'],
        'heldout_captions': [f'some {style}'],
        'attributes': attributes,
    }


def world(root):
    for split, count_, first in (('train', 12, 0), ('heldout', 6, 100)):
        write_shard(
            str(root / 'data'),
            split,
            0,
            np.stack([clip(i) for i in range(first, first + count_)]),
            [row(i) for i in range(first, first + count_)],
            24000,
        )
    config = load_config('tiny')
    for stage in config['train'].values():
        if 'steps' in stage:
            stage.update(steps=4, report=2, warmup=1)
    config['train']['semantic'].update(frames=1500, passes=2)
    config['train']['polish']['judge_from'] = 1
    set_up_threads()
    paths = SimpleNamespace(
        data=root / 'data',
        runs=root / 'runs',
        weights=root / 'weights' / 'melody-tiny',
        goldens=root / 'goldens',
        extra=None,
        force=False,
        init=None,
        parts=None,
    )
    return config, paths


def last_log(paths, stage):
    return json.loads((paths.runs / stage / 'log.jsonl').read_text().splitlines()[-1])


class Stages(unittest.TestCase):
    """In alphabetical order: each test goes on from what the ones before it left."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.world = world(Path(cls.folder.name))

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_a_all_stages_in_order(self):
        config, paths = self.world
        for stage in (features, semantic, towers, rvq, heads, lm, vae, latents, polish, dpd):
            stage.run(config, paths)
        for stage, name in (('towers', 'contrast'), ('lm', 'held_bits'), ('vae', 'held_mel'), ('polish', 'held_mel'), ('dpd', 'held')):
            entry = last_log(paths, stage)
            assert entry['step'] == 4 and math.isfinite(entry[name]), entry
            assert (paths.runs / stage / 'done').exists()

    def test_b_a_finished_run_resumes_and_goes_on(self):
        config, paths = self.world
        config['train']['vae']['steps'] = 6
        with contextlib.redirect_stdout(io.StringIO()) as out:
            vae.run(config, paths)
        assert 'resumed at step 4' in out.getvalue()
        assert last_log(paths, 'vae')['step'] == 6

    def test_c_export_loads_and_latents_are_rotated(self):
        config, paths = self.world
        export.run(config, paths)
        exported, networks, tokenizer = load_exported(paths.weights)
        assert 'train' not in exported and exported['text_tower']['vocab'] == len(tokenizer.vocab)
        audio = torch.from_numpy(clip(3).astype(np.float32) / 32768)[None]
        with torch.no_grad():
            z = networks['vae_encoder'](audio)
            from melody_train.latents import Latents
            from melody_train.loop import load_weights

            full = load_weights(paths.runs / 'vae', vae.Vae(config))
            statistics = Latents.load(paths.runs / 'latents')
            expected = statistics.normalise(full.encoder(audio)[0])
            assert (z - expected).abs().max() < 0.02 * expected.abs().max()
            polished = load_weights(paths.runs / 'polish', full.decoder)
            for a, b in zip(networks['vae_decoder'].parts(z)[:3], polished.parts(statistics.restore(z))[:3]):
                assert (a - b).abs().max() < 0.02 * b.abs().max() + 1e-3

    def test_c_export_of_one_part_leaves_the_rest(self):
        config, paths = self.world
        before = load_exported(paths.weights)[1]
        for part, stage, changed in (
            ('vae_decoder', 'polish', 'head.bias'),
            ('dual_path', 'dpd', 'norm_out.weight'),
            ('semantic_lm', 'lm', 'norm.weight'),
        ):
            state = torch.load(paths.runs / stage / 'checkpoint.pt')
            state['ema'][changed] += 1.0
            (paths.runs / 'other' / stage).mkdir(parents=True)
            torch.save(state, paths.runs / 'other' / stage / 'checkpoint.pt')
            other = SimpleNamespace(
                **{**vars(paths), 'runs': paths.runs / 'other', 'weights': paths.weights.parent / f'grafted_{part}', 'parts': part}
            )
            shutil.copytree(paths.weights, other.weights)
            with contextlib.redirect_stdout(io.StringIO()):
                export.run(config, other)
            after = load_exported(other.weights)[1]
            assert torch.allclose(after[part].state_dict()[changed], state['ema'][changed], atol=2e-3)
            for name, counted in before[part].named_buffers():
                assert part != 'semantic_lm' or torch.equal(dict(after[part].named_buffers())[name], counted), name
            assert part != 'dual_path' or torch.equal(after[part].latent_limit, before[part].latent_limit)
            for name in before.keys() - {part}:
                states = (before[name].state_dict(), after[name].state_dict())
                assert all(torch.equal(a, b) for a, b in zip(*(s.values() for s in states))), name

    def test_c_the_encoder_is_held_near_the_one_it_starts_from(self):
        config, paths = self.world
        far = {}
        for weight in (0.0, 1000.0):
            run = SimpleNamespace(**{**vars(paths), 'runs': paths.runs.parent / f'anchored_{weight}', 'init': paths.runs / 'vae'})
            training = {**config['train']['vae'], 'steps': 20, 'lr': 0.01, 'anchor_weight': weight}
            with contextlib.redirect_stdout(io.StringIO()):
                vae.run({**config, 'train': {**config['train'], 'vae': training}}, run)
            models = [vae.Vae(config), vae.Vae(config)]
            assert start_from(paths.runs / 'vae', models[0]) == start_from(run.runs / 'vae', models[1]) == []
            audio = torch.from_numpy(clip(3).astype(np.float32) / 32768)[None]
            with torch.no_grad():
                first, second = (m.eval().encoder(audio)[0] for m in models)
            far[weight] = float((first - second).square().mean())
        assert far[1000.0] < 0.5 * far[0.0], far

    def test_d_goldens_are_made_from_the_export(self):
        config, paths = self.world
        goldens.run(paths.weights, paths.goldens)
        assert (
            (paths.goldens / 'generation.safetensors').exists()
            and (paths.goldens / 'style_heads.safetensors').exists()
            and (paths.goldens / 'paper_mini' / 'dual_path.safetensors').exists()
        )

    def test_e_an_export_trains_on(self):
        config, paths = self.world
        config['vae_encoder']['spectra'] = [
            *config['vae_encoder']['spectra'],
            {'size': 4096, 'hop': 480, 'bins': 32},
        ]  # a wider encoder than the exported one
        again = SimpleNamespace(**{**vars(paths), 'runs': paths.runs.parent / 'unpacked'})
        with contextlib.redirect_stdout(io.StringIO()):
            unpack.run(config, again)
        start = vae.Vae(config)
        assert start_from(again.runs / 'vae', start) == []
        exported = load_exported(paths.weights)[1]
        audio = torch.from_numpy(clip(3).astype(np.float32) / 32768)[None]
        with torch.no_grad():
            mean, log_var = start.eval().encoder(audio)
            assert torch.allclose(mean, exported['vae_encoder'](audio), atol=1e-4)
            axes = latents.Latents.load(again.runs / 'latents')
            assert torch.allclose(axes.normalise(mean), exported['vae_encoder'](audio), atol=1e-4)  # what the diffusion was trained on
            assert torch.equal(axes.limit, exported['dual_path'].latent_limit)
            assert torch.allclose(log_var, torch.full_like(log_var, 2 * math.log(unpack.START_DEVIATION)))
        for stage in ('latents', 'features'):
            shutil.copytree(paths.runs / stage, again.runs / stage, dirs_exist_ok=True)
        (again.runs / 'dpd' / 'checkpoint.pt').rename(again.runs / 'checkpoint.pt')
        again.init = again.runs
        with contextlib.redirect_stdout(io.StringIO()) as out:
            dpd.run(config, again)
        assert 'but for []' in out.getvalue()

    def test_c_the_axes_of_an_earlier_run_are_kept(self):
        config, paths = self.world
        turned = latents.Latents.load(paths.runs / 'latents')
        assert not torch.equal(turned.rotation, torch.eye(len(turned.mean)))
        again = SimpleNamespace(**{**vars(paths), 'runs': paths.runs.parent / 'kept', 'init': paths.runs.parent / 'narrow'})
        shutil.copytree(paths.runs / 'vae', again.runs / 'vae')
        latents.Latents.none(len(turned.mean) - 2).save(again.init)
        with contextlib.redirect_stdout(io.StringIO()):
            latents.run(config, again)
        kept = latents.Latents.load(again.runs / 'latents')
        assert torch.equal(kept.rotation, torch.eye(len(kept.mean)))
        z = torch.cat(
            [kept.normalise(torch.from_numpy(x).float()) for x in latents.cache.load(again.data, again.runs / 'latents', 'train')[0]]
        )
        assert abs(float(z[:, :-2].var(0).mean()) - 1) < 0.01, z.var(0)
        assert torch.allclose(kept.limit, 4 * z.std(0), rtol=0.01)

    def test_d_timbre_words_join_a_trained_model(self):
        config, paths = self.world
        config = json.loads(json.dumps(config))
        for part in ('semantic_encoder', 'semantic_lm', 'dual_path'):
            config[part].update(timbre_words=8, timbre_frames=10)
        config['train']['lm']['batch'] = 4
        config['train']['timbre_head'] = {'windows': 8, 'steps': 20, 'batch': 32}
        config['train']['dpd']['no_timbre'] = 0.5
        again = SimpleNamespace(**{**vars(paths), 'runs': paths.runs.parent / 'timbre', 'weights': paths.weights.parent / 'timbre'})
        for part in ('features', 'latents', 'rvq', 'heads', 'towers', 'vae', 'polish', 'tokenizer.json'):
            (shutil.copytree if (paths.runs / part).is_dir() else shutil.copy)(paths.runs / part, again.runs / part)
        with contextlib.redirect_stdout(io.StringIO()) as out:
            shutil.copytree(paths.runs / 'lm', again.runs / 'lm')
            for stage, name in ((semantic, 'semantic'), (timbre_head, 'lm'), (dpd, 'dpd')):
                again.init = paths.runs / name
                stage.run(config, again)
            again.init = None
            export.run(config, again)
        assert 'bits a timbre word' in out.getvalue()
        assert "but for ['timbre_lookup.weight']" in out.getvalue()
        assert math.isfinite(last_log(again, 'dpd')['timbre_1.4'])
        before, after = load_exported(paths.weights)[1], load_exported(again.weights)[1]
        assert torch.equal(before['semantic_encoder'].centroids, after['semantic_encoder'].centroids)
        head, old = after['semantic_lm'].state_dict(), before['semantic_lm'].state_dict()
        assert all(torch.equal(head[k], v) for k, v in old.items()) and head['timbre_head.weight'].abs().max() > 0
        audio = torch.from_numpy(clip(3).astype(np.float32) / 32768)[None]
        ids = after['semantic_encoder'](audio)
        assert ids.shape == (1, SECONDS * 25, 2) and torch.equal(ids[..., 0], before['semantic_encoder'](audio))
        assert (ids[0, :10, 1] == ids[0, 0, 1]).all()
        # What is not known is a row of its own: the tokens say as much as without timbre words, until that row has learnt.
        path = after['dual_path']
        unknown, known = ids.clone(), path.tokens(ids)['pooled']
        unknown[..., 1] = -1
        assert not torch.equal(path.tokens(unknown)['pooled'], known)

    def test_f_counts_print(self):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            count.run(*self.world)
        assert 'GFLOP' in out.getvalue()


class Words(unittest.TestCase):
    def test_a_config_that_is_not_there_is_a_sentence(self):
        with unittest.mock.patch('sys.argv', ['melody_train', 'count', '--config', 'tinny', '--device', 'cpu']):
            with self.assertRaisesRegex(SystemExit, 'melody_train: --config tinny: no such file; give mono, paper, small, tiny'):
                main()

    def test_a_stage_before_its_turn_is_a_sentence(self):
        expected = {
            'features': 'no train_.* run the stage "data" first',
            'rvq': r'\S+tokenizer.json is missing; it needs: towers',
            'sample': r'\S+config.json is missing; it needs: export',
        }
        with tempfile.TemporaryDirectory() as folder:
            places = [word for name in ('data', 'runs', 'weights') for word in (f'--{name}', f'{folder}/{name}')]
            for stage, words in expected.items():
                with unittest.mock.patch('sys.argv', ['melody_train', stage, '--config', 'tiny', '--device', 'cpu', *places]):
                    with self.assertRaisesRegex(SystemExit, f'^melody_train: stage {stage}: {words}'):
                        main()


if __name__ == '__main__':
    unittest.main()
