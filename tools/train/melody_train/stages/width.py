"""Stage `width`: a stereo decoder that is unsure of the width says its median, and the sides of its bands come out too quiet.

Measured: 4 dB in the median band. This stage sets the bias of every band's log width so that the median clip has its side/mid ratio. Run it
after `vae` or `polish`: the last of them that there is gets the bias. Run again, it still changes bands by up to 1.7 dB (measured): the
median moves with the bias, since pan and the random phases of the side have a part in it.
"""

import math

import torch

from ..corpus import Corpus
from ..models.spectrum import framed_stft
from .vae import decoder_place, load_codec

CLIPS, SECONDS = 48, 4
MOST = 12.0  # dB that one run changes at most


def run(c, paths):
    if c.get('channels', 1) != 2:
        raise ValueError(f'stage "width" is for stereo models; {c["name"]} has {c.get("channels", 1)} channel')
    folder, part = decoder_place(paths.runs)
    encoder, decoder = load_codec(c, paths.runs)
    corpus = Corpus(paths.data, 'train', channels=2)
    step = max(1, len(corpus) // CLIPS)
    clips = [corpus.crop(i, 10 * c['sample_rate'], SECONDS * c['sample_rate'])[None] for i in range(0, len(corpus), step)]
    gain = missing_side(encoder, decoder, clips)
    path = folder / 'checkpoint.pt'
    state = torch.load(path, map_location='cpu')
    for weights in (state['ema'], state.get('model', {})):
        if f'{part}head.bias' in weights:
            widths_of(decoder, weights[f'{part}head.bias']).add_(gain * math.log(10) / 20)
    waiting = path.with_suffix('.width')
    torch.save(state, waiting)
    waiting.replace(path)
    print(f'width: {len(clips)} clips; bands raised by {[round(float(g), 1) for g in gain]} dB', flush=True)


def widths_of(decoder, bias):
    """The rows of the head's bias [outputs] that say log width [bands]; a view."""
    return bias[len(bias) - decoder.bands :]


@torch.no_grad()
def missing_side(encoder, decoder, clips):
    """dB [bands] by which the side/mid ratio of decoded clips, [1, 2, n] each, lies under that of the clips: the median over clips."""
    torch.manual_seed(0)
    return (
        torch.stack([side_over_mid(decoder, a) - side_over_mid(decoder, decoder.unclipped(encoder(a)[0])) for a in clips])
        .median(0)
        .values.clamp(-MOST, MOST)
    )


def side_over_mid(decoder, audio):
    """Energy of the side over that of the mid in the decoder's bands, dB [bands] of audio [1, 2, n]."""
    energies = []
    for sign in (1, -1):
        spectrum = framed_stft((audio[:, 0] + sign * audio[:, 1]) / 2, decoder.size, decoder.hop)
        of_bins = (spectrum.real.square() + spectrum.imag.square()).sum((0, 1))
        energies.append(torch.zeros(decoder.bands).index_add_(0, decoder.band, of_bins) + 1e-9)
    return 10 * (energies[1] / energies[0]).log10()
