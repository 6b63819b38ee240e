"""Oracles of docs/system.md section 9 for the PyTorch side."""

import math
import os
import sys
import unittest
from unittest import mock

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

try:
    import torch
except ImportError as error:
    raise unittest.SkipTest('PyTorch is not installed: training tests left out') from error

from melody_train import processes, tones  # noqa: E402
from melody_train.config import load_config  # noqa: E402
from melody_train.export import build, exported_config  # noqa: E402
from melody_train.limits import replaced  # noqa: E402
from melody_train.losses import PhaseLoss  # noqa: E402
from melody_train.models.controls import UNKNOWN, Controls, ControlTable  # noqa: E402
from melody_train.models.dual_path import DualPath, merge, merge_window, overlap_add, segment  # noqa: E402
from melody_train.models.spectrum import framed_istft, framed_stft  # noqa: E402
from melody_train.models.sru import Scan, naive_scan  # noqa: E402
from melody_train.optimisers import Muon, orthogonal  # noqa: E402
from melody_train.sampling import filtered, generate_tokens, rotate, schedule  # noqa: E402
from melody_train.stages.heads import key_lifts  # noqa: E402
from melody_train.stages.vae import phase_loss_of  # noqa: E402
from melody_train.tokenizer import Tokenizer, split_words  # noqa: E402
from melody_train.wishes import said  # noqa: E402


def tiny():
    torch.manual_seed(0)
    c = exported_config(load_config('tiny'), 100)
    networks = {k: m.eval() for k, m in build(c).items()}
    for p in networks['dual_path'].parameters():
        if p.abs().max() == 0:
            p.data.normal_(std=0.1)  # the skips start at zero; here they must count
    return c, networks


class Models(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tiny = tiny()

    def test_schedule_sums_to_a_right_angle(self):
        for kind in ('linear', 'uniform'):
            for steps in (1, 2, 5, 20):
                omega = schedule(steps, kind)
                assert abs(sum(omega) - math.pi / 2) < 1e-12 and len(omega) == steps and omega == sorted(omega, reverse=True)

    def test_true_velocity_returns_the_latents_and_context_stays(self):
        z, noise = torch.randn(1, 20, 3), torch.randn(1, 20, 3)

        class Truth:
            def tokens(self, ids):
                return None

            def __call__(self, x, angle, tokens, null=False):
                # the state of every noised frame is cos z + sin e, so its velocity is known
                return angle.cos()[..., None] * noise - angle.sin()[..., None] * z

        out = rotate(Truth(), noise, None, 7, 2.5, context=z[:, :5])
        assert torch.equal(out[:, :5], z[:, :5]) and (out - z).abs().max() < 1e-5

    def test_control_rows_follow_the_beat(self):
        table = self.tiny[1]['semantic_lm'].controls
        rows = table.rows([Controls(bpm=75.0, beats=3, key=9 + 12, beat=1.5), UNKNOWN], -12, 12 + 100)
        assert rows.shape == (2, 112, 3)
        assert (rows[0, :12, 0] == table.no_clock).all() and (rows[0, :, 1] == table.no_clock + 1 + 21).all()
        assert (rows[0, :, 2] == table.no_key + 1 + 7).all()  # 75 bpm is 7.02 twelfths of an octave above 50
        for i in range(100):  # 3/4 comes after the four beats of 4/4
            beat = (1.5 + (i + 0.5) / 25 * 75 / 60) % 3
            assert rows[0, 12 + i, 0] == 4 * 24 + math.floor(beat * 24 + 1e-9), i
        assert (rows[1] == torch.tensor([table.no_clock, table.no_key, table.no_tempo])).all()

    def test_controls_are_heard_and_leave_prefill_equal_to_decode(self):
        lm = self.tiny[1]['semantic_lm']
        torch.nn.init.normal_(lm.controls.weight, std=0.1)
        ids, asked = torch.randint(0, 64, (1, 60)), [Controls(bpm=120.0, beats=4, key=3)]
        whole, _ = lm(ids, controls=asked)
        first, past = lm(ids[:, :40], controls=asked)
        steps = []
        for i in range(40, 60):
            logits, past = lm(ids[:, i : i + 1], past, asked)
            steps.append(logits)
        assert (torch.cat([first, *steps], 1) - whole).abs().max() < 1e-4
        assert (lm(ids)[0] - whole).abs().max() > 1e-3 and (lm(ids, controls=[asked[0]._replace(beat=0.5)])[0] - whole).abs().max() > 1e-3

    def test_words_of_a_key_are_counted_where_a_clip_is_turned_into_it_and_are_likelier_where_it_is_told(self):
        keys = torch.tensor([2, 2, 12 + 9])  # D, D, A minor
        heard = torch.stack([(keys + shift) % 12 + keys // 12 * 12 for shift in range(12)])  # the word is the key's number
        lifts = key_lifts(heard[..., None].expand(12, 3, 50), keys, 24, 0.5)
        self.assertEqual(lifts.shape, (24, 24))
        self.assertEqual(lifts.argmax(0).tolist(), list(range(24)))
        self.assertTrue(bool((lifts.diag() > 0).all() and (lifts - lifts.diag().diag() < 0.01).all()))
        self.assertTrue(torch.equal(key_lifts(heard[..., None].expand(12, 3, 50), keys, 24, 0.0), torch.zeros(24, 24)))
        layout = {'metres': [4], 'ticks': 4, 'tempo_low': 50, 'tempo_per_octave': 12, 'tempo_bins': 4, 'instruments': {'piano': 'piano'}}
        table = ControlTable({**layout, 'counted_keys': True}, 8, words=24)
        table.instruments[:, 1:] = lifts
        bias = table.bias([Controls(key=21), Controls(key=2, instruments=('piano',)), UNKNOWN])
        self.assertTrue(torch.equal(bias, torch.stack([lifts[:, 21], lifts[:, 2], torch.zeros(24)])))

    def test_a_prompt_says_tempo_key_and_metre(self):
        for text, expected in (
            ('Relaxed bossa nova, 120 bpm, A minor', (120.0, 21, None)),
            ('tempo 107, Eb major', (107.0, 3, None)),
            ('waltz in 3/4 time at 96 BPM', (96.0, None, 3)),
            ('103 beats per minute in the key of F# minor', (103.0, 18, None)),
            ('a major hit in a minor key', (None, None, None)),
            ('play it in A Major', (None, 9, None)),
            ('808 drums, 300 bpm', (None, None, None)),
            ('6/8 jig in B♭ major', (None, 10, 2)),
        ):
            assert said(text) == expected, (text, said(text))

    def test_muon_turns_and_scales_matrices_and_leaves_the_rest_to_adam(self):
        torch.manual_seed(1)
        singular = torch.linalg.svdvals(orthogonal(torch.randn(24, 40)).float())
        assert singular.min() > 0.5 and singular.max() < 1.4
        target, w, b = torch.randn(12, 8), torch.nn.Parameter(torch.zeros(12, 8)), torch.nn.Parameter(torch.zeros(12))
        bias, x, opt = torch.randn(12), torch.randn(200, 8), Muon([w], [b], 0.2, 0.0)
        for step in range(200):
            for group in opt.param_groups:
                group['lr'] = 0.2 * (1 - step / 200)
            opt.zero_grad()
            loss = (x @ w.T + b - x @ target.T - bias).square().mean()
            loss.backward()
            opt.step()
        assert loss < 1e-3, loss

    def test_bfloat16_is_used_where_it_pays(self):
        for pays, dtype in ((False, torch.float32), (True, torch.bfloat16)):
            with mock.patch.object(processes, 'bfloat16_pays', return_value=pays), processes.autocast():
                assert (torch.ones(4, 4) @ torch.ones(4, 4)).dtype == dtype

    def test_segment_overlap_add_doubles(self):
        x = torch.randn(2, 2500, 3)
        s = segment(x, 64)
        assert s.shape[1] == 80 and (overlap_add(s, 2500) - 2 * x).abs().max() == 0

    def test_merge_widths_are_those_of_the_paper(self):
        widths = [merge(torch.ones(1, 1, 64, 1), merge_window(i, 8)).shape[2] for i in range(1, 9)]
        assert widths == [64, 32, 16, 8, 8, 16, 32, 64]

    def test_scan_equals_the_loop_with_its_gradients(self):
        torch.manual_seed(1)
        args = [torch.randn(9, 4, 6, dtype=torch.double, requires_grad=True) for _ in range(4)]
        args += [torch.randn(6, dtype=torch.double, requires_grad=True) for _ in range(4)]
        assert (Scan.apply(*args) - naive_scan(*args)).abs().max() < 1e-12
        assert torch.autograd.gradcheck(Scan.apply, args)

    def test_istft_inverts_stft(self):
        x = torch.randn(1, 240 * 20)
        y = framed_istft(framed_stft(x, 960, 240), 960, 240)
        inner = slice(960, -960)
        assert (x - y)[:, inner].abs().max() < 1e-5

    def test_a_held_latent_sounds_at_exact_semitones_and_does_not_repeat(self):
        torch.manual_seed(1)
        decoder = build(exported_config(load_config('tiny'), 100))['vae_decoder'].eval()
        with torch.no_grad():
            decoder.head.bias[: decoder.bins] = -8.0
            decoder.head.bias[12:15] = 1.0  # sound at 300, 325 and 350 Hz
            decoder.head.bias[3 * decoder.bins + 64 - 24] = 20.0  # E4, 329.6 Hz, no multiple of 50 or 100
            audio = decoder(torch.zeros(1, 150, 8))[0, 12000:60000]
        spectrum = torch.fft.rfft(audio * torch.hann_window(48000)).abs()
        peak = float(spectrum.argmax()) / 2
        assert abs(1200 * math.log2(peak / 329.628)) < 4, peak
        assert (audio[480:] - audio[:-480]).abs().mean() > 0.5 * audio.abs().mean()

    def test_phase_targets_name_the_pitch_of_a_sine(self):
        decoder = build(exported_config(load_config('tiny'), 100))['vae_decoder']
        loss = PhaseLoss(decoder, 24000)
        t = torch.arange(24000) / 24000
        for midi in (45, 57, 64, 69, 81):
            hertz = 440 * 2 ** ((midi - 69) / 12)
            audio = torch.sin(2 * math.pi * hertz * t)[None]
            e, weight, pitch, used = loss.targets(audio)
            nearest = round(hertz / 25)
            assert used[0, 50, nearest] > 0 and pitch[0, 50, nearest] + 24 == midi, midi
            # a decoder that says exactly this has no loss, and one that says the bins' centres has some
            logits = torch.nn.functional.one_hot(pitch, 60) * 50.0
            own = torch.polar(torch.ones(481), 2 * math.pi * 240 / 960 * torch.arange(481.0)).expand_as(e)
            right, wrong = (loss((None, c, x, (None, None)), audio, slice(4, 96)) for c, x in ((e, logits), (own, logits * 0)))
            assert right['advance'] < 1e-6 and right['lock'] < 1e-6 and wrong['advance'] > 0.01 and wrong['lock'] > 3

    def test_several_pitches_in_a_semitone(self):
        c = load_config('tiny')
        d = c['vae_decoder']
        d['pitches'].update(count=180, per_semitone=3)
        decoder = build(exported_config(c, 100))['vae_decoder']
        assert (
            abs(float(decoder.frequency[3 * (69 - 24)]) - 440) < 1e-3 and abs(float(decoder.frequency[3 * (69 - 24) + 3]) - 466.164) < 1e-2
        )
        loss = phase_loss_of(c, decoder)
        t = torch.arange(24000) / 24000
        for third in (64, 101, 137):  # thirds of a semitone from C1
            hertz = 440 * 2 ** ((24 + third / 3 - 69) / 12)
            _, _, pitch, used = loss.targets(torch.sin(2 * math.pi * hertz * t)[None])
            nearest = round(hertz / 25)
            assert used[0, 50, nearest] > 0 and pitch[0, 50, nearest] == third, (third, pitch[0, 50, nearest])

    def test_line_targets_name_both_tones_of_a_low_fifth(self):
        """A fifth on A1: a bin of 25 Hz holds both of its lines, so its own phase turns with neither of them."""
        c = load_config('tiny')
        c['train']['vae']['lock_lines'] = True
        decoder = build(exported_config(c, 100))['vae_decoder']
        t = torch.arange(48000) / 24000
        tone = lambda midi: torch.sin(2 * math.pi * 440 * 2 ** ((midi - 69) / 12) * t)
        audio = (tone(33) + 0.8 * tone(40))[None]
        lines, own = phase_loss_of(c, decoder).targets(audio), PhaseLoss(decoder, 24000).targets(audio)
        inside = slice(40, 160)
        for bin, midi in ((1, 33), (2, 33), (4, 40)):
            by_lines, by_phase = (float((pitch[0, inside, bin] + 24 == midi).float().mean()) for pitch in (lines[2], own[2]))
            assert by_lines == 1 and lines[3][0, inside, bin].min() > 0, (bin, by_lines)
            assert bin != 2 or by_phase < 0.8, by_phase
        assert lines[0].shape == own[0].shape and torch.equal(lines[1], own[1])

    def test_a_part_replaced_by_the_truth_keeps_its_lines(self):
        """An untrained decoder of a fifth on A1 and a tone above the tuned bins keeps what the replaced part tells."""
        decoder = build(exported_config(load_config('tiny'), 100))['vae_decoder']
        t = torch.arange(48000) / 24000
        tone = lambda hertz: torch.sin(2 * math.pi * hertz * t)
        mid = (tone(55.0 * 2 ** (7 / 12)) + 0.8 * tone(220.0) + 0.5 * tone(1234.5))[None] * 0.3
        torch.manual_seed(0)
        made = replaced(decoder, torch.randn(1, 100, 8), mid, 24000)
        kept = {name: tones.lines_kept(x.double().numpy(), mid[0].double().numpy(), 24000) for name, x in made.items()}
        assert kept['nothing']['all'] < 0.5 and kept['magnitudes']['bass'] < 1, kept
        assert kept['magnitudes and advance of all bins']['all'] == 1, kept
        for name in ('that and magnitudes', 'magnitudes and advance of tuned bins'):
            assert kept[name]['bass'] == 1, (name, kept[name])

    def test_the_first_frame_of_a_phase_target_counts_nothing(self):
        loss = PhaseLoss(build(exported_config(load_config('tiny'), 100))['vae_decoder'], 24000)
        _, weight, _, used = loss.targets(torch.randn(1, 4800))
        assert weight[:, 0].abs().max() == 0 and used[:, 0].abs().max() == 0

    def test_lengths_and_chunked_decode(self):
        c, n = self.tiny
        z = torch.randn(1, 60, c['latent_dim'])
        with torch.no_grad():
            decoder = n['vae_decoder']
            assert decoder(z).shape[1] == 60 * c['hop_length']
            whole, part = decoder.parts(z)[:3], decoder.parts(z[:, 10:50])[:3]
            assert n['vae_encoder'](torch.randn(1, 480 * 7 + 1)).shape == (1, 8, c['latent_dim'])
        low, high = c['vae_decoder']['low_layers'], c['vae_decoder']['high_layers']
        context = low * 3 + math.ceil((high * 3 + 2) / 2)
        keep = slice(2 * context, 2 * (40 - context))
        for a, b in zip(whole, part):
            assert (a[:, 20:100] - b)[:, keep].abs().max() < 1e-4

    def test_two_halves_with_the_phase_carried_equal_the_whole(self):
        decoder = self.tiny[1]['vae_decoder']
        _, c, logits, _ = decoder.parts(torch.randn(1, 30, 8))
        noise = torch.randn(c.shape)
        whole = decoder.advance(c, logits, noise).double().cumsum(1)
        first = decoder.advance(c[:, :25], logits[:, :25], noise[:, :25]).double().cumsum(1)
        second = first[:, -1:] + decoder.advance(c[:, 25:], logits[:, 25:], noise[:, 25:]).double().cumsum(1)
        assert (torch.cat([first, second], 1) - whole).abs().max() < 1e-9

    def test_cached_lm_equals_full_forward(self):
        _, n = self.tiny
        style = torch.randint(0, 16, (2, 12))
        ids = generate_tokens(n['semantic_lm'], style, 10, temperature=0)
        with torch.no_grad():
            prefix = n['semantic_lm'].prefix(style)
            logits, _ = n['semantic_lm'](torch.cat([prefix, ids], 1))
        assert torch.equal(logits[:, prefix.shape[1] - 1 : -1].argmax(-1), ids)

    def test_dual_path_reads_tokens_angle_and_null(self):
        c, n = self.tiny
        z, ids = torch.randn(1, 200, c['latent_dim']), torch.randint(0, 64, (1, 100))
        angle = torch.full((1, 200), 1.0)
        with torch.no_grad():
            memory = n['dual_path'].tokens(ids)
            v = n['dual_path'](z, angle, memory)
            assert v.shape == z.shape
            assert (v - n['dual_path'](z, angle * 0.5, memory)).abs().max() > 1e-4
            assert (v - n['dual_path'](z, angle, memory, null=True)).abs().max() > 1e-4
            other = n['dual_path'].tokens(ids.flip(1))
            null = [n['dual_path'](z, angle, m, null=True) for m in (memory, other)]
            assert torch.equal(*null)

    def test_paper_form_constructs_without_skips(self):
        c = load_config('paper')
        small = {**c['dual_path'], 'dim': 24, 'heads': 2, 'sru_hidden': 20, 'angle_dim': 8, 'words': 8, 'segment': 16}
        path = DualPath(small)
        with torch.no_grad():
            assert path(torch.randn(1, 40, 16), torch.ones(1, 40), path.tokens(torch.zeros(1, 4, dtype=torch.long))).shape == (1, 40, 16)

    def test_filter_keeps_the_smallest_sufficient_set(self):
        p = filtered(torch.tensor([[0.5, 0.3, 0.15, 0.05]]).log(), 1.0, 0, 0.7)
        assert torch.allclose(p, torch.tensor([[0.625, 0.375, 0.0, 0.0]]))

    def test_tokenizer_spells_and_reports(self):
        t = Tokenizer.train(['fast rock 120 bpm'] * 3, 8)
        assert split_words('Rock, 120BPM!') == ['rock', ',', '120', 'bpm', '!']
        out = t.encode('rock rick 120')
        assert out['unknown'] == ['rick'] and len(out['ids']) == 6 and t.encode('')['ids'] == []
        plain = Tokenizer(t.vocab, 8)  # without synonyms a sign is an unknown word; with them it is none and goes
        assert plain.encode('♫ rock')['ids'][0] == 1 and t.encode('♫ rock')['ids'] == t.encode('rock')['ids']


if __name__ == '__main__':
    unittest.main()
