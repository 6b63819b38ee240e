// How `Melody.load` opens what is no MeLoDy model. This file is Node's and that of tests: in the built library pages have another one in its place
// (tools/web.mjs), which knows none until the page imports melody/systems, so that those of MeLoDy models go without.
import type { MusicGen } from './systems/musicgen/musicgen.ts';
import type { StableAudio } from './systems/stable_audio/stable_audio.ts';
import type { SystemOptions } from './systems/system.ts';

type OpenOther = (location: string | URL, options: SystemOptions) => Promise<MusicGen | StableAudio>;

export const openOther: OpenOther | undefined = async (location, options) =>
  (await import('./systems/load.ts')).loadSystem(location, options);
