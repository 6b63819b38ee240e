"""Score → audio through libfluidsynth (ctypes). The sound font is loaded once per process: a process per clip reloads 148 MB."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
from dataclasses import dataclass

import numpy as np

from .score import Score

# MELODY_SOUND_FONTS (paths between colons or line breaks) stands before all of these
OWN_SOUND_FONTS = (
    tuple(os.environ.get('MELODY_SOUND_FONTS', '').replace('\n', ':').strip(':').split(':')) if os.environ.get('MELODY_SOUND_FONTS') else ()
)
SOUND_FONTS = OWN_SOUND_FONTS or (
    '/usr/share/sounds/sf2/FluidR3_GM.sf2',
    '/usr/share/sounds/sf2/default-GM.sf2',
    '/usr/share/soundfonts/FluidR3_GM.sf2',
)
# Sound fonts of Debian under the MIT licence, which lets renderings go anywhere: fluid-soundfont-gm and musescore-general-soundfont-small.
# TimGM6mb (GPL-2) and the freepats set (GPL with an exception that not all its parts share) are left out for that reason.
MORE_SOUND_FONTS = ('/usr/share/sounds/sf3/MuseScore_General.sf3', '/usr/share/sounds/sf3/MuseScore_General_Lite.sf3')
BLOCK = 64  # fluidsynth's own buffer: events are placed to the nearest 64 samples (2.7 ms at 24 kHz)


class SynthError(RuntimeError):
    """libfluidsynth or the sound font is missing; the message says what to install."""


def find_sound_font(path: str | None = None) -> str:
    for candidate in (path,) if path else SOUND_FONTS:
        if candidate and os.path.exists(candidate):
            return candidate
    raise SynthError(f'no sound font at {path or ", ".join(SOUND_FONTS)}; on Debian: apt-get install fluid-soundfont-gm')


def sound_fonts() -> list:
    """The default sound font and every other that is installed and free to render with."""
    return list(OWN_SOUND_FONTS) or [find_sound_font(), *(f for f in MORE_SOUND_FONTS if os.path.exists(f))]


@dataclass(frozen=True)
class Room:
    """Reverberation and chorus of a clip: fluidsynth's own units (size 0..1, damping 0..1, width 0..100, level 0..1; chorus level
    0..10)."""

    size: float = 0.2
    damping: float = 0.0
    width: float = 0.5
    level: float = 0.9
    chorus: float = 0.0


def _library():
    name = os.environ.get('MELODY_FLUIDSYNTH') or ctypes.util.find_library('fluidsynth') or 'libfluidsynth.so.3'
    try:
        lib = ctypes.CDLL(name)
    except OSError as error:
        raise SynthError('libfluidsynth is not installed; on Debian: apt-get install libfluidsynth3') from error
    p, i, d, s = ctypes.c_void_p, ctypes.c_int, ctypes.c_double, ctypes.c_char_p
    for function, result, arguments in (
        ('new_fluid_settings', p, []),
        ('fluid_settings_setint', i, [p, s, i]),
        ('fluid_settings_setnum', i, [p, s, d]),
        ('new_fluid_synth', p, [p]),
        ('fluid_synth_sfload', i, [p, s, i]),
        ('fluid_synth_system_reset', i, [p]),
        ('fluid_synth_noteon', i, [p, i, i, i]),
        ('fluid_synth_noteoff', i, [p, i, i]),
        ('fluid_synth_cc', i, [p, i, i, i]),
        ('fluid_synth_program_change', i, [p, i, i]),
        ('fluid_synth_pitch_bend', i, [p, i, i]),
        ('fluid_synth_write_float', i, [p, i, p, i, i, p, i, i]),
        ('delete_fluid_synth', None, [p]),
        ('delete_fluid_settings', None, [p]),
        ('fluid_set_log_function', p, [i, p, p]),
        ('fluid_synth_set_reverb', i, [p, d, d, d, d]),
        ('fluid_synth_set_chorus', i, [p, i, d, d, d, i]),
        ('fluid_synth_set_chorus_on', None, [p, i]),
    ):
        f = getattr(lib, function)
        f.restype, f.argtypes = result, arguments
    for level in range(1, 5):
        lib.fluid_set_log_function(level, None, None)
    return lib


class Synth:
    """One sound font, one sample rate, many clips. render() resets the synthesiser, so clips do not leak into each other."""

    def __init__(self, sample_rate: int = 24000, sound_font: str | None = None):
        self.sample_rate, self.lib = sample_rate, _library()
        self.font = find_sound_font(sound_font)
        self.settings = self.lib.new_fluid_settings()
        for key, value in (
            ('synth.chorus.active', 0),
            ('synth.reverb.active', 1),
            ('synth.polyphony', 96),
            ('synth.dynamic-sample-loading', 1),
            ('synth.threadsafe-api', 0),
        ):
            self.lib.fluid_settings_setint(self.settings, key.encode(), value)
        self.lib.fluid_settings_setnum(self.settings, b'synth.sample-rate', float(sample_rate))
        self.lib.fluid_settings_setnum(self.settings, b'synth.gain', 0.45)
        self.synth = self.lib.new_fluid_synth(self.settings)
        if self.lib.fluid_synth_sfload(self.synth, self.font.encode(), 1) < 0:
            raise SynthError(f'libfluidsynth cannot load the sound font {self.font}')

    def render(self, score: Score, seconds: float) -> np.ndarray:
        """float32 mono [seconds · sample_rate], the mean of both channels, as the synthesiser gives it (not normalised)."""
        return self.render_stereo(score, seconds).mean(0)

    def render_stereo(self, score: Score, seconds: float, room: Room | None = None) -> np.ndarray:
        """float32 [2, seconds · sample_rate], left and right, as the synthesiser gives them (not normalised)."""
        lib, synth = self.lib, self.synth
        for channel in range(16):
            lib.fluid_synth_cc(synth, channel, 120, 0)  # all sound off: a reset alone lets the last clip's notes ring on for half a second
        rest = np.zeros(375 * BLOCK, np.float32)  # one second: the reverb's tail
        lib.fluid_synth_write_float(synth, len(rest), rest.ctypes.data, 0, 1, rest.ctypes.data, 0, 1)
        lib.fluid_synth_system_reset(synth)
        room = room or Room()
        lib.fluid_synth_set_reverb(synth, room.size, room.damping, room.width, room.level)
        lib.fluid_synth_set_chorus_on(synth, int(room.chorus > 0))
        if room.chorus > 0:
            lib.fluid_synth_set_chorus(synth, 3, room.chorus, 0.3, 8.0, 0)
        total = round(seconds * self.sample_rate)
        left, right = np.zeros(total, np.float32), np.zeros(total, np.float32)
        position = 0

        def write(until: int) -> None:
            nonlocal position
            n = until - position
            if n > 0:
                lib.fluid_synth_write_float(synth, n, left.ctypes.data + 4 * position, 0, 1, right.ctypes.data + 4 * position, 0, 1)
                position = until

        for e in score.events:
            at = round(e.time * self.sample_rate / BLOCK) * BLOCK
            if at >= total:
                break
            write(at)
            if e.kind == 'on':
                lib.fluid_synth_noteon(synth, e.channel, e.a, e.b)
            elif e.kind == 'off':
                lib.fluid_synth_noteoff(synth, e.channel, e.a)
            elif e.kind == 'cc':
                lib.fluid_synth_cc(synth, e.channel, e.a, e.b)
            elif e.kind == 'pc':
                lib.fluid_synth_program_change(synth, e.channel, e.a)
            else:
                lib.fluid_synth_pitch_bend(synth, e.channel, e.a)
        write(total)
        return np.stack([left, right])
