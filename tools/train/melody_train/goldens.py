"""Inputs, intermediates and outputs of every exported network, computed in float32 from the stored f16 weights, for the engine's tests.

test/goldens/<network>.safetensors   names: in.*, out.*, and the dotted module name of each intermediate
test/goldens/generation.safetensors  one whole generation with fixed noise and likeliest tokens, and one continuation
test/goldens/paper_mini/             the paper's own forms (HiFi-GAN decoder, strided encoder, printed DPD), narrow, random weights
test/goldens/running_mini/           a narrow decoder whose phase runs on, random weights
test/goldens/stereo_mini/            a narrow stereo codec, random weights
"""

import json
from pathlib import Path

import numpy as np
import torch

from . import safetensors
from .export import half, load_exported
from .features import SAMPLE_RATE
from .models.controls import Controls
from .models.dual_path import DualPath
from .models.vae_decoder import RunningPhaseDecoder, vae_decoder
from .models.vae_encoder import vae_encoder
from .sampling import generate_tokens, rotate

PROMPT = 'Calm piano waltz in A minor, 96 bpm, with strings'
CONTROLS = Controls(bpm=96.0, beats=3, key=9 + 12)  # what it says; token 0 on a bar line


def capture(module, names):
    """Hooks that keep the outputs of the named submodules; call the returned function to take them off."""
    kept, handles = {}, []
    for name in names:
        keep = lambda _, __, out, name=name: kept.__setitem__(name, out[0] if isinstance(out, tuple) else out)
        handles.append(module.get_submodule(name).register_forward_hook(keep))
    return kept, lambda: [h.remove() for h in handles]


def numpy(tensors):
    out = {}
    for name, t in tensors.items():
        a = t.detach().cpu().numpy() if isinstance(t, torch.Tensor) else np.asarray(t)
        out[name] = a.astype(np.int32) if a.dtype.kind in 'iu' else a.astype(np.float32)
    return out


def save(folder, name, tensors):
    """Drops the batch axis of 1, which the engine does not have."""
    flat = {k: (v[0] if v.ndim > 1 and v.shape[0] == 1 else v) for k, v in numpy(tensors).items()}
    safetensors.save(Path(folder) / f'{name}.safetensors', flat, {'made_by': 'python -m melody_train goldens'})


def music(generator, seconds, rate=SAMPLE_RATE, tones=(110.0, 220.0, 329.6)):
    """A small made piece: decaying tones a beat and a noise tick, [1, n] float32."""
    n = int(seconds * rate)
    t = torch.arange(n) / rate
    beat = t % 0.5
    out = sum(torch.sin(2 * torch.pi * f * t) * torch.exp(-4 * beat) for f in tones) * 0.15
    return (out + torch.randn(n, generator=generator) * 0.05 * torch.exp(-60 * beat))[None]


def sound_for(c, audio):
    """What a model's encoder is given: a second and 100 samples, which is no multiple of the hop, [1, n] of `audio` (24 kHz) for a mono
    model of that
    rate, else [1, channels, n] at the model's own, other music in each channel."""
    n, channels = c['sample_rate'] + 100, c.get('channels', 1)
    if channels == 1:
        return audio[:, :n]
    g = torch.Generator().manual_seed(1)
    tones = ((0.045, 0.09, 0.14), (0.045, 0.07))  # of half the rate
    sides = [music(g, 1.1, c['sample_rate'], [f * c['sample_rate'] / 2 for f in some])[:, :n] for some in tones]
    return torch.stack([sides[0] + 0.3 * sides[1], 0.2 * sides[0] + sides[1]], 1)


@torch.no_grad()
def run_all(c, networks, tokenizer, folder):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    g = torch.Generator().manual_seed(0)
    length = c['window_seconds'] * c['frame_rate']

    text = networks['text_tower']
    ids = tokenizer.batch([PROMPT])
    kept, off = capture(text, ['embed', 'encoder.layers.0', 'encoder.layers.1', 'encoder.norm'])
    embedding = text(ids)
    off()
    save(folder, 'text_tower', {'in.ids': ids, **kept, 'out.embedding': embedding})
    if 'style_heads' in networks:
        tempo, key, metre = networks['style_heads'](embedding)
        save(folder, 'style_heads', {'in.embedding': embedding, 'out.tempo': tempo, 'out.key': key, 'out.metre': metre})

    rvq = networks['rvq']
    codes = rvq.encode(embedding)
    several = torch.nn.functional.normalize(torch.randn(5, embedding.shape[1], generator=g), dim=1)
    save(
        folder,
        'rvq',
        {
            'in.embedding': torch.cat([embedding, several]),
            'out.codes': rvq.encode(torch.cat([embedding, several])),
            'out.decoded': rvq.decode(rvq.encode(torch.cat([embedding, several]))),
        },
    )

    semantic = networks['semantic_encoder']
    audio = music(g, c['window_seconds'])
    chroma, bass, onset, mel = semantic.features.parts(audio)
    features = semantic.features(audio)
    tokens = semantic(audio)
    save(
        folder,
        'semantic_encoder',
        {'in.audio': audio, 'chroma': chroma, 'bass': bass, 'onset': onset, 'mel': mel, 'out.features': features, 'out.tokens': tokens},
    )

    tower = networks['audio_tower']
    kept, off = capture(tower, ['norm_in', 'blocks.0', 'encoder.layers.0', 'encoder.norm'])
    save_audio = tower(features)
    off()
    save(folder, 'audio_tower', {'in.features': features, **kept, 'out.embedding': save_audio})

    lm = networks['semantic_lm']
    short = tokens[:, :32]
    prefix = lm.prefix(codes)
    kept, off = capture(lm, [f'layers.{i}' for i in range(len(lm.layers))] + ['embed', 'norm'])
    # a network with controls is asked for them, one without has none
    asked = [CONTROLS] if lm.controls is not None else None
    logits, _ = lm(torch.cat([prefix, short], 1), controls=asked)
    off()
    greedy = generate_tokens(lm, codes, 50, temperature=0, controls=asked)
    guided = generate_tokens(lm, codes, 50, temperature=0, guidance=2.0, controls=asked)
    known = {}
    if asked:
        later = CONTROLS._replace(beat=1.75)  # as after a change of tempo
        known = {
            'in.control_rows': lm.controls.rows(asked, -c['rvq']['levels'], prefix.shape[1] + 32),
            'unknown.logits': lm(torch.cat([prefix, short], 1))[0],
            'later.control_rows': lm.controls.rows([later], 0, 64),
        }
    save(
        folder,
        'semantic_lm',
        {
            **known,
            'in.style': codes,
            'in.tokens': short,
            'in.ids': torch.cat([prefix, short], 1),
            **kept,
            'out.logits': logits,
            'out.greedy': greedy,
            'out.greedy_guided': guided,
        },
    )

    encoder = networks['vae_encoder']
    piece = sound_for(c, audio)
    x = torch.nn.functional.pad(piece, (0, -piece.shape[1] % c['hop_length']))
    inner = {'features': encoder.features(x)} if hasattr(encoder, 'features') else {}
    kept, off = capture(encoder, ['norm_in', 'blocks.0', 'norm_out'])
    z = encoder(piece)
    off()
    save(folder, 'vae_encoder', {'in.audio': piece, **inner, **kept, 'out.latents': z})

    decoder = networks['vae_decoder']
    kept, off = capture(decoder, ['norm_in', 'low.0', 'expand', 'high.0', 'norm_out', 'head'])
    decoder(z)
    off()
    running = isinstance(decoder, RunningPhaseDecoder)
    save(folder, 'vae_decoder', {**({} if running else kept), **decoder_golden(decoder, z, g)})

    path = networks['dual_path']
    noise = torch.randn(1, length, c['latent_dim'], generator=g)
    window = tokens[:, : length * c['token_rate'] // c['frame_rate']]
    angle = torch.full((1, length), 0.9)
    angle[:, : length // c['chunks']] = 0.0
    angle[:, -length // c['chunks'] :] = 1.3
    save(folder, 'dual_path', dual_path_golden(path, noise, angle, window))

    tokens = generate_tokens(lm, codes, window.shape[1], temperature=0, controls=asked)
    steps, guidance = c['sampling']['steps'], c['sampling']['guidance']
    z = rotate(path, noise, tokens, steps, guidance, limit=path.latent_limit)
    fresh = torch.randn(1, length, c['latent_dim'], generator=g)
    keep = length - length // c['chunks']
    continued = rotate(path, fresh, window, steps, guidance, limit=path.latent_limit, context=z[:, -keep:])
    uniform = rotate(path, noise, tokens, 3, 1.0, kind='uniform')
    made = {} if running else {'out.audio': decoder(z)}  # what chance decides is compared in vae_decoder, where the golden gives it
    save(
        folder,
        'generation',
        {
            'in.ids': ids,
            'embedding': embedding,
            'style': codes,
            'tokens': tokens,
            'in.noise': noise,
            'latents': z,
            **made,
            'uniform_3_steps_unguided': uniform,
            'continue.in.noise': fresh,
            'continue.in.tokens': window,
            'continue.in.context': z[:, -keep:],
            'continue.latents': continued,
        },
    )


def decoder_golden(decoder, z, generator):
    """Latents and their audio. A decoder whose phase runs on is given noise [T, K] and the phase before the first frame [K], turns; its
    golden
    holds what the head says in every fourth frame and the phase of every frame [T, K], turns, so that an engine may be compared both in its
    own
    choice of pitches and, near ties, under this one."""
    if not isinstance(decoder, RunningPhaseDecoder):
        return {'in.latents': z, 'out.audio': decoder(z), 'out.audio_first_20_frames_alone': decoder(z[:, :20])}
    z = z[:, :32]
    log_magnitude, c, logits, _ = decoder.parts(z)
    noise = torch.randn(log_magnitude.shape, generator=generator)
    start = torch.rand(1, decoder.bins, generator=generator)
    turns = ((start[:, None].double() + decoder.advance(c, logits, noise).double().cumsum(1)) % 1.0).float()
    audio = (decoder.unclipped(z, noise, start) if decoder.bands else decoder.synthesise(log_magnitude, 2 * torch.pi * turns)).clamp(-1, 1)
    return {
        'in.latents': z,
        'in.noise': noise,
        'in.start': start,
        'out.head_every_4th': decoder.head_of(z)[:, ::4],
        'out.turns': turns,
        'out.audio': audio,
    }


def dual_path_golden(path, z, angle, ids):
    tokens = path.tokens(ids)
    kept, off = capture(
        path,
        ['norm_in', 'blocks.0.norm_coarse', 'blocks.0.sru.0', 'blocks.0.film', 'blocks.0', f'blocks.{len(path.blocks) - 1}', 'norm_out'],
    )
    v = path(z, angle, tokens)
    off()
    side = {'tokens.pooled': tokens['pooled'], 'tokens.block0_k': tokens['cached'][0][0][0], 'tokens.block0_v': tokens['cached'][0][0][1]}
    if tokens['aligned'] is not None:
        side['tokens.aligned'] = tokens['aligned']
    if tokens['skip'] is not None:
        side['tokens.skip'] = tokens['skip']
    small = {k: v for k, v in kept.items() if k in ('norm_in', 'blocks.0', 'norm_out')}
    # [S, K, D] and [rows, ...] intermediates: the first two segments say enough
    small.update(
        {
            f'{k}.first_two_segments': kept[k].reshape(-1, path.config['segment'], kept[k].shape[-1])[:2][None]
            for k in kept
            if k.startswith('blocks') and k != 'blocks.0'
        }
    )
    return {
        'in.z': z,
        'in.angle': angle,
        'in.ids': ids,
        'angle_embedding': path.angle_embedding(angle),
        **side,
        **small,
        'out.velocity': v,
        'out.velocity_null': path(z, angle, tokens, null=True),
    }


MINI = {
    'vae_encoder': {
        'kind': 'strided_cnn',
        'hop_length': 96,
        'latent_dim': 4,
        'channels': [4, 6, 8, 12],
        'strides': [2, 3, 4, 4],
        'kernels': [5, 7, 9, 9],
        'units': 1,
        'variance': False,
        'clip': 1.0,
    },
    'vae_decoder': {
        'kind': 'hifigan',
        'hop_length': 96,
        'latent_dim': 4,
        'channels': [16, 12, 8, 6],
        'rates': [4, 4, 3, 2],
        'kernels': [9, 9, 5, 7],
        'residual_kernels': [3, 7],
        'dilations': [1, 3, 5],
        'leaky_slope': 0.1,
    },
    'dual_path': {
        'dim': 16,
        'blocks': 4,
        'segment': 16,
        'heads': 2,
        'coarse_layers': 2,
        'sru_hidden': 12,
        'sru_layers': 2,
        'angle_dim': 32,
        'frames_per_token': 10,
        'latent_dim': 4,
        'words': 16,
        'window_frames': 120,
        'token_layers': 0,
        'linear_skip': 0,
        'token_skip': 0,
        'aligned_tokens': False,
        'column_clock': False,
        'cfg_null_film': False,
    },
}


def keep_narrow(folder, networks, left_out='features.'):
    """Rounds networks to f16, readies them for use and writes model.safetensors; buffers under `left_out` are fixed and not kept."""
    weights = {}
    for name, module in networks.items():
        state = {k: half(v) for k, v in module.state_dict().items() if not k.startswith(left_out)}
        weights |= {f'{name}.{k}': v for k, v in state.items()}
        module.load_state_dict({k: torch.from_numpy(v.astype(np.float32)) for k, v in state.items()}, strict=False)
        module.eval()
    safetensors.save(folder / 'model.safetensors', weights, {'format': 'pt'})


@torch.no_grad()
def paper_mini(folder):
    """The printed forms, with sampler steps of 1/3-scaled latents left out: networks only."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(11)
    networks = {
        'vae_encoder': vae_encoder(MINI['vae_encoder']),
        'vae_decoder': vae_decoder(MINI['vae_decoder']),
        'dual_path': DualPath(MINI['dual_path']),
    }
    keep_narrow(folder, networks)
    (folder / 'config.json').write_text(
        json.dumps(
            {
                'model_type': 'melody',
                'name': 'paper-mini',
                'sample_rate': 24000,
                'hop_length': 96,
                'frame_rate': 250,
                'token_rate': 25,
                'latent_dim': 4,
                **MINI,
            },
            indent=2,
        )
        + '\n'
    )
    g = torch.Generator().manual_seed(12)
    audio = torch.randn(1, 2000, generator=g) * 0.2
    z = networks['vae_encoder'](audio)
    latents = torch.randn(1, 25, 4, generator=g).clamp(-1, 1)
    save(folder, 'vae_encoder', {'in.audio': audio, 'out.latents': z})
    save(folder, 'vae_decoder', {'in.latents': latents, 'out.audio': networks['vae_decoder'](latents)})
    noise, ids = torch.randn(1, 120, 4, generator=g), torch.randint(0, 16, (1, 12), generator=g)
    angle = torch.full((1, 120), 0.7)
    angle[:, 60:] = 1.2
    save(folder, 'dual_path', dual_path_golden(networks['dual_path'], noise, angle, ids))


RUNNING = {
    'kind': 'istft_running',
    'sample_rate': 2400,
    'hop_length': 48,
    'latent_dim': 4,
    'dim': 16,
    'ffn': 24,
    'kernel': 7,
    'low_layers': 1,
    'high_layers': 1,
    'upsample': 2,
    'fft_size': 96,
    'directed': 41,
    'pitches': {'lowest': 36, 'count': 27, 'bins': 12, 'smooth': 2},
    'reference_pitch': 440,
}


STEREO = {
    'vae_encoder': {
        'kind': 'stft_convnext',
        'sample_rate': 4800,
        'channels': 2,
        'hop_length': 96,
        'latent_dim': 4,
        'dim': 16,
        'ffn': 24,
        'kernel': 7,
        'layers': 1,
        'gain': 0.5,
        'spectra': [{'size': 384, 'hop': 96, 'bins': 100}, {'size': 128, 'hop': 48, 'bins': 33}, {'size': 768, 'hop': 96, 'bins': 41}],
        'air': {'size': 128, 'hop': 48, 'low': 1200, 'high': 2250, 'bands': 4},
        'image': {'size': 192, 'bands': 6},
        'variance': False,
    },
    'vae_decoder': {**RUNNING, 'sample_rate': 4800, 'channels': 2, 'hop_length': 96, 'fft_size': 192, 'image': {'bands': 6}},
}


def mini(folder, seed, config, rate):
    """Networks of these configs with random weights as a model folder; returns (networks, generator) for their goldens."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    networks = {}
    for name, c in config.items():
        network = networks[name] = {'vae_encoder': vae_encoder, 'vae_decoder': vae_decoder}[name](c)
        if name == 'vae_decoder':
            torch.nn.init.normal_(network.head.weight, std=0.3)
            torch.nn.init.normal_(network.head.bias, std=0.3)
    keep_narrow(folder, networks)
    hop, channels = config['vae_decoder']['hop_length'], config['vae_decoder'].get('channels')
    (folder / 'config.json').write_text(
        json.dumps(
            {
                'model_type': 'melody',
                'name': folder.name.replace('_', '-'),
                'sample_rate': rate,
                **({'channels': channels} if channels else {}),
                'hop_length': hop,
                'frame_rate': 50,
                'latent_dim': 4,
                **config,
            },
            indent=2,
        )
        + '\n'
    )
    return networks, torch.Generator().manual_seed(seed + 1)


@torch.no_grad()
def running_mini(folder):
    networks, g = mini(Path(folder), 13, {'vae_decoder': RUNNING}, RUNNING['sample_rate'])
    save(folder, 'vae_decoder', decoder_golden(networks['vae_decoder'], torch.randn(1, 32, 4, generator=g), g))


@torch.no_grad()
def stereo_mini(folder):
    rate = STEREO['vae_decoder']['sample_rate']
    networks, g = mini(Path(folder), 15, STEREO, rate)
    encoder, audio = networks['vae_encoder'], sound_for({'sample_rate': rate, 'channels': 2}, None)
    padded = torch.nn.functional.pad(audio, (0, -audio.shape[-1] % encoder.hop))
    save(folder, 'vae_encoder', {'in.audio': audio, 'features': encoder.features(padded), 'out.latents': encoder(audio)})
    save(folder, 'vae_decoder', decoder_golden(networks['vae_decoder'], torch.randn(1, 32, 4, generator=g), g))


def run(weights, folder):
    folder = Path(folder)
    config, networks, tokenizer = load_exported(weights)
    run_all(config, networks, tokenizer, folder)
    paper_mini(folder / 'paper_mini')
    running_mini(folder / 'running_mini')
    stereo_mini(folder / 'stereo_mini')
    texts = [
        PROMPT,
        'rock',
        'Ünïcode — naïve café, 128BPM!',
        'zydecotronica in F# minor',
        '   ',
        'a' * 40 + ' piano',
        '🎹 piano',
        '140 bpm',
        'İstanbul ΣΑΣ',
    ]
    rows = [{'text': t, **tokenizer.encode(t)} for t in texts]
    (folder / 'tokenizer.json').write_text(json.dumps(rows, ensure_ascii=False, indent=1) + '\n')
    size = sum(f.stat().st_size for f in folder.rglob('*.safetensors'))
    print(f'goldens: {folder}, {size / 2**20:.2f} MiB')
