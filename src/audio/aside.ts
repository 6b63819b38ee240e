// Long work on samples beside the caller's thread: a server goes on answering while a clip is levelled and measured.
import { platform } from '#platform';
import type * as Work from './sound_work.ts';

type SoundWork = typeof Work;

/** `work(...args)`, done on a thread of its own where the platform has one (Node), else here. Throws what `work` throws, and there `aborted`. */
export async function aside<N extends keyof SoundWork>(
  signal: AbortSignal | undefined,
  name: N,
  work: SoundWork[N],
  ...args: Parameters<SoundWork[N]>
): Promise<ReturnType<SoundWork[N]>> {
  const answer = await platform.aside?.(name, args, signal);
  return (answer ? answer.value : (work as (...args: unknown[]) => unknown)(...args)) as ReturnType<SoundWork[N]>;
}
