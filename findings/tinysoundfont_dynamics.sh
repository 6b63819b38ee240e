#!/usr/bin/env bash
# tinysoundfont 0.3.7 (TinySoundFont), js-synthesizer 1.13.0 (FluidSynth 2.4.6), the sound font TimGM6mb of pretty_midi 0.2.11.post0.
# How hard a key is struck matters half as much as it should, in dB: velocity 20 is 16 dB below 127 in place of 32, so that soft notes drown what
# they accompany. Volume and expression matter half as much again: 64 is 18 dB below 127 in place of 12, and the usual volume of 100 is 6 dB
# below in place of 4. The same file has another balance of its parts, and a fade falls faster, than in other synthesizers with the same font.
# One would expect SoundFont 2.04, 8.4, of which 40 log10(127 / value) dB comes for each of the three, and FluidSynth, which has that.
# Known for velocities (TinySoundFont's issue 97); its documentation does not say so.
# Way round, shown: give velocity v as 127 (v / 127)^2, and controllers 7 and 11 as 127 (v / 127)^(2/3), rounded.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund js-synthesizer@1.13.0
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check numpy==2.4.6
env/bin/pip install --quiet --disable-pip-version-check --no-deps tinysoundfont==0.3.7 # what it plays sounds with is not needed
env/bin/pip install --quiet --disable-pip-version-check --no-deps pretty_midi==0.2.11.post0
cp "$(find env -name TimGM6mb.sf2)" font.sf2
cat >fluid.cjs <<'JAVASCRIPT'
const { readFileSync } = require('node:fs');
const { Synthesizer } = require('js-synthesizer');

Synthesizer.initializeWithFluidSynthModule(require('js-synthesizer/externals/libfluidsynth-2.4.6.js'));
(async () => {
  await Synthesizer.waitForWasmInitialized();
  const font = readFileSync('font.sf2');
  const levels = [];
  for (const { velocity, controllers } of JSON.parse(process.argv[2])) {
    const synth = new Synthesizer();
    synth.init(44100, { chorusActive: false, reverbActive: false });
    const id = await synth.loadSFont(font.buffer.slice(font.byteOffset, font.byteOffset + font.length));
    synth.midiProgramSelect(0, id, 0, 73);
    for (const [controller, value] of controllers) synth.midiControl(0, controller, value);
    synth.midiNoteOn(0, 69, velocity);
    const sound = [new Float32Array(44100), new Float32Array(44100)];
    synth.render(sound);
    let power = 0;
    for (const channel of sound) for (const sample of channel.subarray(22050)) power += sample ** 2;
    levels.push(10 * Math.log10(power));
    synth.close();
  }
  console.log(`levels: ${JSON.stringify(levels)}`);
})();
JAVASCRIPT
env/bin/python -W ignore - <<'PYTHON'
import json
import math
import subprocess
import sys
import numpy
import tinysoundfont

VALUES = (127, 100, 64, 20)
LOUD = [[7, 127], [11, 127]]
KINDS = {
    "velocity": lambda value: {"velocity": value, "controllers": LOUD},
    "volume": lambda value: {"velocity": 100, "controllers": [*LOUD, [7, value]]},
    "expression": lambda value: {"velocity": 100, "controllers": [*LOUD, [11, value]]},
}


def tiny(sounds):
    """How loud a flute is half a second later, in dB."""
    levels = []
    for sound in sounds:
        synth = tinysoundfont.Synth(samplerate=44100)
        synth.program_select(0, synth.sfload("font.sf2"), 0, 73)
        for controller, value in sound["controllers"]:
            synth.control_change(0, controller, value)
        synth.noteon(0, 69, sound["velocity"])
        samples = numpy.frombuffer(bytes(synth.generate(44100)), numpy.float32).astype(float)
        levels.append(10 * math.log10((samples[44100:] ** 2).sum()))
    return levels


def fluid(sounds):
    answer = subprocess.run(["node", "fluid.cjs", json.dumps(sounds)], capture_output=True, text=True, check=True).stdout
    return json.loads(answer.split("levels: ")[1])


def below(levels):
    return [round(level - levels[0], 1) for level in levels]


seen, right = {}, True
standard = [40 * math.log10(value / 127) for value in VALUES]
for name, kind in KINDS.items():
    power = 2 if name == "velocity" else 2 / 3
    mended = [round(127 * (value / 127) ** power) for value in VALUES]
    given, other = [kind(value) for value in VALUES], [kind(value) for value in mended]
    seen[name] = [below(tiny(given)), below(fluid(given)), below(tiny(other))]
    print(f"{name} {VALUES}: TinySoundFont {seen[name][0]} dB, FluidSynth {seen[name][1]}, TinySoundFont with {mended} {seen[name][2]}")
    right &= numpy.allclose(seen[name][1], standard, atol=0.3) and numpy.allclose(seen[name][2], standard, atol=1)
right &= numpy.allclose(seen["velocity"][0], [20 * math.log10(value / 127) for value in VALUES], atol=0.2)
right &= all(numpy.allclose(seen[name][0], [60 * math.log10(value / 127) for value in VALUES], atol=1.5) for name in ("volume", "expression"))
sys.exit(not right)
PYTHON
