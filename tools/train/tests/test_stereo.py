"""The 48 kHz stereo codec: what it measures, what it renders, how it starts from a mono one."""

import json
import math
import os
import sys
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

try:
    import numpy as np
    import torch
except ImportError as error:
    raise unittest.SkipTest('PyTorch is not installed: training tests left out') from error

from melody_train.config import load_config  # noqa: E402
from melody_train.corpus import Corpus  # noqa: E402
from melody_train.data.shards import write_shard  # noqa: E402
from melody_train.export import fold  # noqa: E402
from melody_train.latents import Latents  # noqa: E402
from melody_train.losses import LinePitch  # noqa: E402
from melody_train.models.dual_path import DualPath  # noqa: E402
from melody_train.models.spectrum import erb_bands, framed_stft, stereo_image  # noqa: E402
from melody_train.models.vae_decoder import vae_decoder  # noqa: E402
from melody_train.models.vae_encoder import vae_encoder  # noqa: E402
from melody_train.stages import beside, detail, unpack, widen, width  # noqa: E402
from melody_train.stages.vae import Vae, phase_loss_of  # noqa: E402


def small(kind):
    """A narrow copy of a config's networks."""
    c = load_config(kind)
    for name in ('vae_encoder', 'vae_decoder'):
        c[name].update(dim=32, ffn=48)
    c['vae_encoder']['layers'], c['vae_decoder']['low_layers'], c['vae_decoder']['high_layers'] = 1, 1, 1
    c['dual_path'].update(dim=32, heads=2, sru_hidden=16, token_layers=1)
    return c


class Image(unittest.TestCase):
    def test_bands_rise_leave_no_bin_out_and_widen(self):
        band = erb_bands(48000, 1920, 24)
        counts = torch.bincount(band, minlength=24)
        assert len(band) == 961 and band[0] == 0 and band[-1] == 23 and (band.diff() >= 0).all() and (counts > 0).all()
        assert counts[23] > 20 * counts[0]

    def test_a_panned_tone_and_independent_noise_are_told_apart(self):
        band, t = erb_bands(48000, 1920, 24), torch.arange(48000) / 48000
        tone, g = torch.sin(2 * math.pi * 440 * t), torch.Generator().manual_seed(1)
        at = int(band[round(440 / 25)])
        for left, right in ((1.0, 0.0), (0.8, 0.4), (0.5, 0.5), (0.1, 0.9)):
            pan, width = stereo_image(torch.stack([left * tone, right * tone])[None], 1920, 960, band, 24)
            assert abs(float(pan[0, 10:40, at].mean()) - (left - right) / (left + right)) < 0.01 and float(width[0, 10:40, at].max()) < 0.02
        pan, width = stereo_image(torch.randn(1, 2, 48000, generator=g), 1920, 960, band, 24)
        assert abs(float(pan[0, :, 20].mean())) < 0.1 and abs(float(width[0, :, 20].mean()) - 1) < 0.1


class Decoder(unittest.TestCase):
    def test_the_mean_of_both_channels_is_the_mid_and_the_image_is_what_was_asked(self):
        torch.manual_seed(3)
        c = small('small')['vae_decoder']
        decoder = vae_decoder(c).eval()
        with torch.no_grad():
            k, bands = decoder.bins, decoder.bands
            decoder.head.weight[-2 * bands :] = 0
            decoder.head.bias[:k] = 0.0
            decoder.head.bias[-2 * bands : -bands] = 0.5  # half to the left
            decoder.head.bias[-bands:] = math.log(0.3)
            z = torch.randn(1, 100, 32)
            shape = (1, 200, k)
            noise, start = torch.randn(shape), torch.rand(1, k)
            both = decoder.unclipped(z, noise, start)
            mid = decoder.sound(decoder.parts(z), noise, start)
        assert both.shape == (1, 2, 96000) and (both.mean(1) - mid).abs().max() < 1e-6
        pan, width = stereo_image(both[..., 9600:-9600], 1920, 960, erb_bands(48000, 1920, 24), 24)
        assert (pan[..., 8:].mean((0, 1)) - 0.5).abs().max() < 0.1, pan[..., 8:].mean((0, 1))
        assert (width[..., 12:].mean((0, 1)) - 0.3).abs().max() < 0.12, width[..., 12:].mean((0, 1))

    def test_image_loss_falls_when_the_image_is_right(self):
        torch.manual_seed(4)
        c = small('small')
        decoder = vae_decoder(c['vae_decoder'])
        loss = phase_loss_of(c, decoder)
        audio = torch.randn(1, 2, 48000) * 0.1
        log_magnitude, direction, logits, _ = decoder.parts(torch.randn(1, 50, 32))
        pan, width = stereo_image(audio, 1920, 480, decoder.band, 24)
        right = loss((log_magnitude, direction, logits, (pan, (width + 1e-6).log())), audio)['image']
        wrong = loss((log_magnitude, direction, logits, (-pan, torch.full_like(width, -3.0))), audio)['image']
        assert right < 1e-3 < 0.1 < wrong, (right, wrong)


class Beside(unittest.TestCase):
    def test_a_second_network_says_the_last_latents_and_an_export_keeps_both(self):
        torch.manual_seed(8)
        c = small('small')
        old = vae_encoder({**c['vae_encoder'], 'variance': False}).eval()
        wide = {**c['vae_encoder'], 'latent_dim': 37, 'beside': {'latent_dim': 5, 'dim': 16, 'ffn': 24, 'kernel': 7, 'layers': 1}}
        new, decoder = vae_encoder(wide).eval(), vae_decoder({**c['vae_decoder'], 'latent_dim': 37}).eval()
        state = {**new.state_dict(), **unpack.with_variance(old.state_dict())}
        new.load_state_dict(state)
        clip = torch.randn(1, 2, 19200) * 0.1
        with torch.no_grad():
            mean, log_var = new(clip)
            assert mean.shape == log_var.shape == (1, 20, 37) and torch.allclose(mean[..., :32], old(clip), atol=1e-5)
            assert torch.allclose(log_var[..., :32], torch.full_like(log_var[..., :32], 2 * math.log(0.1)))
            axes = Latents.fit(mean[0] + torch.linspace(-1, 1, 37), kept=32)
            axes.mean = torch.linspace(-1, 1, 37)
            folded, first = fold(state, decoder.state_dict(), axes, 'stft_convnext', 'istft_running')
            exported = vae_encoder({**wide, 'variance': False}).eval()
            exported.load_state_dict(folded)
            assert (exported(clip) - axes.normalise(mean)).abs().max() < 1e-4
            embedded = decoder.embed(mean)
            decoder.load_state_dict(first)
            assert (decoder.embed(axes.normalise(mean)) - embedded).abs().max() < 1e-4
            again = vae_encoder(wide).eval()
            again.load_state_dict(unpack.with_variance(exported.state_dict()))
            assert torch.allclose(again(clip)[0], exported(clip), atol=1e-5)

    def test_a_trained_codec_gains_latents_and_keeps_its_own(self):
        torch.manual_seed(9)
        c = small('small')
        wide = {**c, 'vae_encoder': {**c['vae_encoder'], 'latent_dim': 36}, 'vae_decoder': {**c['vae_decoder'], 'latent_dim': 36}}
        wide['vae_encoder']['beside'] = {k: c['vae_encoder'][k] for k in ('dim', 'ffn', 'kernel', 'layers')} | {'latent_dim': 4}
        t = {k: v for k, v in c['train']['vae'].items() if k not in ('minutes', 'cuda')}
        wide['train'] = {**c['train'], 'beside': {**t, 'steps': 3, 'wait': 1, 'batch': 2, 'seconds': 0.4, 'report': 3, 'warmup': 1}}
        generator = np.random.default_rng(0)
        with tempfile.TemporaryDirectory() as folder:
            paths = SimpleNamespace(data=Path(folder) / 'data', runs=Path(folder) / 'runs', init=Path(folder) / 'trained')
            for split in ('train', 'heldout'):
                clips = (generator.standard_normal((3, 2, 8 * 48000)) * 2000).astype(np.int16)
                rows = [{'id': f'{split} {i}', 'captions': [], 'attributes': {}} for i in range(3)]
                write_shard(str(paths.data), split, 0, clips[:, 0, ::2], rows, 24000, clips)
            old = Vae(c).eval()
            widen.save(paths.init / 'vae', old.state_dict())
            wide['dual_path'] = {**c['dual_path'], 'latent_dim': 36}
            path = DualPath(c['dual_path']).eval()
            torch.nn.init.normal_(path.skip_out.weight, std=0.02)
            widen.save(paths.init / 'dpd', path.state_dict())
            start = beside.Gaining(wide, paths.init).eval()
            clip = torch.randn(1, 2, 48000) * 0.1
            with torch.no_grad():
                z = old.encoder(clip)[0]
                first = [old.decoder.parts(z)[i] - start.codec.decoder.parts(start.latents(clip))[i] for i in range(3)]
            assert max(float(x.abs().max()) for x in first) < 1e-4, 'the first step sounds as the trained codec does'
            beside.run(wide, paths)
            new = Vae(wide).eval()
            new.load_state_dict(torch.load(paths.runs / 'vae' / 'checkpoint.pt')['ema'])
            with torch.no_grad():
                made = new.encoder(clip)[0]
                assert torch.allclose(made[..., :32], z, atol=1e-5), 'old latents are what they were'
                heard = Corpus(paths.data, 'train', channels=2).audio
                rows = torch.cat([new.encoder(torch.from_numpy(x.astype(np.float32) / 32768)[None])[0][0, 30:-30, 32:] for x in heard])
                assert ((rows.std(0) - 1).abs() < 0.2).all() and (rows.mean(0).abs() < 0.2).all(), (rows.std(0), rows.mean(0))
                gaining = beside.Gaining(wide, None).eval()
                gaining.load_state_dict(torch.load(paths.runs / 'beside' / 'checkpoint.pt')['ema'])
                both = gaining.codec.decoder.head_of(gaining.latents(clip)) - new.decoder.head_of(made)
            assert both.abs().max() < 1e-4, 'the decoder hears the same'
            grown, noisy, angle = DualPath(wide['dual_path']).eval(), torch.randn(1, 64, 36), torch.full((1, 64), 0.8)
            grown.load_state_dict(torch.load(paths.runs / 'start' / 'dpd' / 'checkpoint.pt')['ema'])
            tokens = torch.arange(32)[None]
            with torch.no_grad():
                turned = path(noisy[..., :32], angle, path.tokens(tokens)), grown(noisy, angle, grown.tokens(tokens))[..., :32]
            assert torch.allclose(*turned, atol=1e-4), 'the diffusion turns old latents as before'
            assert (new.decoder.embed.weight[:, 32:] != 0).any() and (new.decoder.embed.weight[:, :32] != old.decoder.embed.weight).any()
            report = json.loads((paths.runs / 'beside' / 'log.jsonl').read_text().splitlines()[-1])
            assert report['step'] == 3 and report['held_lock'] > 0 and report['without_lock'] > 0, report
            with self.assertRaisesRegex(ValueError, 'beside'):
                beside.run(c, paths)

    def test_axes_that_mix_both_networks_are_refused(self):
        state = {
            f'{part}head.{name}': torch.zeros(2 * n, *((3,) if name == 'weight' else ()))
            for part, n in (('', 4), ('beside.', 2))
            for name in ('weight', 'bias')
        }
        turned = Latents(torch.zeros(6), torch.linalg.qr(torch.randn(6, 6)).Q, torch.tensor(1.0), torch.ones(6))
        with self.assertRaisesRegex(ValueError, 'keep them'):
            fold(state, {}, turned, 'stft_convnext', 'istft_running')


class Details(unittest.TestCase):
    def test_numbers_beside_the_latents_tell_the_decoder_its_pitches_and_magnitudes(self):
        torch.manual_seed(11)
        c = small('small')
        t = c['train']['detail']
        t.pop('minutes')
        t.update(steps=12, batch=4, blocks=8, report=12, warmup=1, ema=0.5)
        for part in ('pitches', 'magnitudes'):
            t['network'][part].update(dim=16, ffn=24, layers=1, latent_dim=24)
        generator = np.random.default_rng(1)
        time = np.arange(8 * 48000) / 48000

        def piece():  # a bass note and a chord with overtones every half a second
            out = np.zeros(len(time))
            for at in range(0, 16):
                inside = (time >= at / 2) & (time < at / 2 + 0.5)
                for midi in [*generator.integers(26, 46, 1), *generator.integers(50, 74, 3)]:
                    hz = 440 * 2 ** ((midi - 69) / 12)
                    out[inside] += sum(np.sin(2 * np.pi * hz * k * time[inside]) * 0.05 / k for k in range(1, 9))
            return np.stack([out, out])

        with tempfile.TemporaryDirectory() as folder:
            paths = SimpleNamespace(data=Path(folder) / 'data', runs=Path(folder) / 'runs')
            for split, n in (('train', 6), ('heldout', 2)):
                clips = (np.stack([piece() for _ in range(n)]) * 32767).clip(-32767, 32767).astype(np.int16)
                rows = [{'id': f'{split} {i}', 'captions': [], 'attributes': {}} for i in range(n)]
                write_shard(str(paths.data), split, 0, clips[:, 0, ::2], rows, 24000, clips)
            codec = Vae(c).eval()
            widen.save(paths.runs / 'vae', codec.state_dict())
            detail.run(c, paths)
            report = json.loads((paths.runs / 'detail' / 'log.jsonl').read_text().splitlines()[-1])
            assert report['held_agreed'] > report['without_agreed'] + 0.2, report
            assert report['held_magnitude'] < 0.7 * report['without_magnitude'], report
            made = detail.load_detailed(c, paths.runs)
            audio = torch.from_numpy(clips[:1, :, : 2 * 48000].astype(np.float32) / 32768)
            lines = LinePitch(codec.decoder, 48000)
            pitch, near = lines(audio.mean(1), 200)
            with torch.no_grad():
                z = codec.encoder(audio)[0]
                own, corrected = codec.decoder.parts(z), made.parts(audio)
            right = lambda parts: (parts[2].argmax(-1) == pitch)[..., 2:11][near[..., 2:11]].float().mean()
            assert right(corrected) > right(own) + 0.1, (right(corrected), right(own))
            assert torch.equal(own[1], corrected[1]), "the rest is the decoder's own"
            assert torch.equal(own[0][..., :40], corrected[0][..., :40]), "the rest is the decoder's own"
            assert torch.equal(own[0][..., 160:], corrected[0][..., 160:]) and made(audio).shape == (1, 96000)

    def test_a_transposed_clip_moves_its_pitches_and_forgets_its_latents(self):
        x = {k: torch.arange(12.0).reshape(1, 2, 6) for k in ('pitches', 'line', 'salience', 'magnitudes', 'z')}
        up, down = detail.transposed(x, 2), detail.transposed(x, -1)
        assert torch.equal(up['line'][0, 1, 2:], x['line'][0, 1, :4]) and (up['line'][..., :2] == detail.SILENCE['line']).all()
        assert torch.equal(down['pitches'][0, 0, :5], x['pitches'][0, 0, 1:]) and torch.equal(down['magnitudes'], x['magnitudes'])
        assert not up['z'].any() and detail.transposed(x, 0) is x


class Width(unittest.TestCase):
    def test_bands_that_are_too_narrow_get_their_side_back(self):
        torch.manual_seed(6)
        c = small('small')
        decoder = vae_decoder(c['vae_decoder']).eval()
        decoder.head.weight.data[-24:] = 0.0  # the width is what the bias says
        widths = width.widths_of(decoder, decoder.head.bias.data)
        widths.fill_(math.log(0.3))
        latents = torch.randn(1, 40, 32)
        encoder = lambda audio: (latents, None)
        with torch.no_grad():
            wide = [decoder.unclipped(latents) for _ in range(5)]
        widths.sub_(torch.linspace(0.0, 1.0, 24))  # up to 8.7 dB too quiet
        missing = width.missing_side(encoder, decoder, wide)
        assert (missing - torch.linspace(0.0, 8.69, 24)).abs().max() < 2.5, missing
        for _ in range(3):
            widths.add_(width.missing_side(encoder, decoder, wide) * math.log(10) / 20)
        assert width.missing_side(encoder, decoder, wide).abs().max() < 0.5
        assert (widths[8:] - math.log(0.3)).abs().max() < 0.15, widths

    def test_mono_models_are_refused(self):
        with self.assertRaisesRegex(ValueError, 'stereo'):
            width.run(load_config('mono'), SimpleNamespace(runs=Path('nowhere')))


class Widen(unittest.TestCase):
    def test_a_mono_codec_goes_on_in_stereo_as_it_was(self):
        torch.manual_seed(5)
        with tempfile.TemporaryDirectory() as folder:
            mono, stereo, root = small('mono'), small('small'), Path(folder)
            old = Vae(mono).eval()
            with torch.no_grad():
                for p in old.parameters():
                    p.add_(torch.randn_like(p) * 0.02)
            widen.save(root / 'mono' / 'vae', old.state_dict())
            widen.save(root / 'mono' / 'polish', old.decoder.state_dict())
            widen.run(stereo, SimpleNamespace(init=root / 'mono', runs=root / 'runs'))
            new = Vae(stereo).eval()
            new.load_state_dict(torch.load(root / 'runs' / 'start' / 'vae' / 'checkpoint.pt')['ema'])
        clip = torch.randn(1, 2, 48000) * 0.1
        with torch.no_grad():
            mean, log_var = new.encoder(clip)
        assert (mean[..., 24:].std((0, 1)) > 0.1 * mean[..., :24].std((0, 1)).mean()).all(), mean.std((0, 1))
        assert torch.allclose(log_var[..., 24:], torch.full_like(log_var[..., 24:], 2 * math.log(0.1)))
        # a band-limited sound: half the rate loses nothing of it
        t = torch.arange(48000 * 2) / 48000
        sound = sum(torch.sin(2 * math.pi * f * t + f) for f in (110.0, 440.0, 1234.0, 3000.0)) * 0.1
        with torch.no_grad():
            a = old.encoder(sound[None, ::2])[0][0, 30:70]
            b = new.encoder(torch.stack([sound, sound])[None])[0][0, 30:70]
            assert (a - b[:, :24]).abs().max() < 0.05 * a.abs().max(), (a - b[:, :24]).abs().max() / a.abs().max()
            z, new.decoder.smooth = torch.randn(1, 40, 24), 0
            narrow, wide = old.decoder.parts(z), new.decoder.parts(torch.nn.functional.pad(z, (0, 8)))
        assert (wide[0][..., :481] - narrow[0] - math.log(2)).abs().max() < 1e-4
        assert (wide[1] - narrow[1]).abs().max() < 1e-4
        assert (wide[2][..., ::3] - narrow[2]).abs().max() < 1e-4, 'every third pitch is a semitone of the mono model'

    def test_framed_spectra_of_double_the_rate_double(self):
        t = torch.arange(48000) / 48000
        sound = torch.sin(2 * math.pi * 700 * t)
        a, b = framed_stft(sound[None, ::2], 960, 240), framed_stft(sound[None], 1920, 480)
        assert abs(float((b[0, 50, 28].abs() / a[0, 50, 28].abs()).log()) - math.log(2)) < 0.01


if __name__ == '__main__':
    unittest.main()
