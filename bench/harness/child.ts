// The parent's side of one measuring process: start it, ask, restart it when an engine takes its process down.
import { type ChildProcess, fork } from 'node:child_process';
import type { Answer, Replies, Request } from './protocol.ts';

const PATIENCE_MS = 180_000;

export class MeasuringProcess {
  readonly name: string;
  #script: string;
  #args: readonly string[];
  #child: ChildProcess | undefined;

  constructor(name: string, script: string, args: readonly string[] = []) {
    this.name = name;
    this.#script = script;
    this.#args = args;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  start(): Promise<Replies['open']> {
    this.#child = fork(this.#script, this.#args, { serialization: 'advanced', stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    this.#child.stderr?.resume(); // engines chatter there; failures come back as answers
    return this.ask({ type: 'open' });
  }

  /** One request, one answer. Rejects when the engine fails, the process dies or nothing comes back for three minutes. */
  ask<R extends Request>(request: R): Promise<Replies[R['type']]> {
    const child = this.#child;
    if (!child) return Promise.reject(new Error('process is not running'));
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        clearTimeout(timer);
        child.off('message', onMessage);
        child.off('exit', onExit);
        act();
      };
      const onMessage = (answer: Answer) =>
        settle(() => (answer.ok ? resolve(answer.value as Replies[R['type']]) : reject(new Error(answer.error))));
      const onExit = (code: number | null, signal: string | null) =>
        settle(() => {
          this.#child = undefined;
          reject(new Error(`process ended by ${signal ?? `exit code ${code}`}`));
        });
      const timer = setTimeout(() => {
        child.kill('SIGKILL');
        settle(() => {
          this.#child = undefined;
          reject(new Error(`no answer in ${PATIENCE_MS / 1000} s`));
        });
      }, PATIENCE_MS);
      child.once('message', onMessage);
      child.once('exit', onExit);
      child.send(request);
    });
  }

  stop(): void {
    this.#child?.disconnect();
    this.#child = undefined;
  }
}
