import type { Kernel } from './kernel.ts';

/** Parse one kernel's text; `library` gives the text of a name it uses. Throws an Error naming the file and the rule broken. */
export function parseKernel(name: string, text: string, library: (name: string) => string): Kernel;

/** A kernel from its text and those that follow it, which say all but which overrides are its meaning. Its type is known where it is written down. */
export function kernel<K extends Kernel>(name: string, text: string, meaning: readonly string[], libraries?: readonly string[]): K;

/** Names of the files of kernels/lib that a kernel's text uses. */
export function usedBy(text: string): string[];
