// One face for every system: what a folder holds decides which of them plays it.
import { openOther } from './others.ts';
import { type LoadOptions, MeLoDy } from './pipeline/melody.ts';
import type { MusicGen } from './systems/musicgen/musicgen.ts';
import type { StableAudio } from './systems/stable_audio/stable_audio.ts';
import type { SystemOptions } from './systems/system.ts';
import { isOtherModel } from './weights/config.ts';

/**
 * A model that is ready to make music; `system` tells them apart. All have `generate`, `variations`, `stream`, `predictMemory`, `warmup` and
 * `dispose`, and refuse in a sentence what their system cannot do.
 */
export type Melody = MeLoDy | MusicGen | StableAudio;

/** Opens models. */
export const Melody = {
  /**
   * Opens a model on a GPU or the CPU: one of ours, MusicGen in the layout of transformers, or Stable Audio in that of diffusers or of
   * stable-audio-tools. Reads its configuration and headers only; weights follow when a stage first needs them.
   * A page opens published systems once it has imported `melody/systems`.
   * @param location a folder, an https address of one, or in Node the name of an installed package (`melody-small`) or of a model of the
   * Hugging Face hub (`hf:owner/name`, `hf:owner/name@revision`)
   * @param options `precision` is for published systems alone: a MeLoDy model computes in the precision in which it was stored, and refuses it
   * @throws MelodyError `invalid_argument`, `io`, `weights`, `no_adapter`, `wrong_results`, `aborted`
   */
  async load<Location extends string | URL>(
    location: Location,
    options: LoadOptions & Pick<SystemOptions, 'precision'> = {},
  ): Promise<Location extends 'melody-small' | 'melody-tiny' ? MeLoDy : Melody> {
    type Known = Location extends 'melody-small' | 'melody-tiny' ? MeLoDy : Melody; // ours are known by name
    if (options?.precision && openOther) return (await openOther(location, options)) as Known;
    try {
      return (await MeLoDy.load(location, options)) as Known;
    } catch (error) {
      if (openOther && isOtherModel(error)) return (await openOther(location, options)) as Known;
      throw error;
    }
  },
};
