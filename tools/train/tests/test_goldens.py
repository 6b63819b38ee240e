"""Goldens that are made outside the training stages: short ones of an exported model, and random weights that TypeScript makes too."""

import contextlib
import io
import json
import os
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

try:
    import torch  # noqa: F401
except ImportError as error:
    raise unittest.SkipTest('needs PyTorch') from error

from melody_train import goldens_paper as paper
from melody_train import goldens_short, safetensors


class ShortGoldens(unittest.TestCase):
    def test_are_small_and_know_their_weights(self):
        with tempfile.TemporaryDirectory() as place, contextlib.redirect_stdout(io.StringIO()):
            folder = Path(place)
            goldens_short.run(paper.ROOT / 'weights' / 'melody-tiny', folder)
            mark = json.loads((folder / 'weights.json').read_text())
            self.assertEqual(mark['model'], 'melody-tiny')
            self.assertEqual(len(mark['manifest_sha256']), 64)
            self.assertLess(sum(f.stat().st_size for f in folder.iterdir()), 1.5e6)
            for network in (
                'text_tower',
                'rvq',
                'semantic_encoder',
                'audio_tower',
                'semantic_lm',
                'vae_encoder',
                'vae_decoder',
                'dual_path',
                'generation',
            ):
                tensors = safetensors.load(folder / f'{network}.safetensors')
                self.assertTrue(all(np.isfinite(t).all() for t in tensors.values()), network)
                self.assertTrue(any(name.startswith('in.') for name in tensors), network)


class RandomWeights(unittest.TestCase):
    def test_are_normal_and_depend_on_name_and_place_alone(self):
        w = paper.random_weight(20, 'a.weight', (512, 256), np.float32)
        self.assertLess(abs(w.mean()), 0.01 / 16)
        self.assertLess(abs(w.std() * 16 - 1), 0.01)
        self.assertTrue(np.array_equal(w, paper.random_weight(20, 'a.weight', (512, 256), np.float32)))
        self.assertFalse(np.array_equal(w, paper.random_weight(20, 'b.weight', (512, 256), np.float32)))
        gains = paper.random_weight(20, 'norm.weight', (4096,), np.float16)
        self.assertLess(abs(gains.mean() - 1), 0.01)
        self.assertTrue(np.array_equal(gains, gains.astype(np.float16)))

    def test_fill_every_tensor_of_the_papers_networks(self):
        c = paper.paper_config()
        self.assertEqual(
            (c['semantic_lm']['layers'], c['semantic_lm']['dim'], c['dual_path']['blocks'], c['audio_tower']['kind']), (24, 1024, 8, 'ast')
        )
        net = paper.fill('vae_encoder', paper.only(c, 'vae_encoder'), np.float32)
        self.assertTrue(all(t.abs().max() > 0 for t in net.state_dict().values()))


if __name__ == '__main__':
    unittest.main()
