// A session's player: opened at the first piece, one at a time, and opened again for another rate or number of channels.
import { type Outlet, Player } from './player.ts';
import type { PlayerReport } from './worklet.ts';

export class Sound {
  readonly #onReport: (report: PlayerReport) => void;
  readonly #onState: () => void;
  readonly #outlet: Outlet | undefined;
  #opening: { sampleRate: number; channels: number; player: Promise<Player> } | undefined; // the player, or what will be it
  #player: Player | undefined;
  #volume = 1;

  constructor(onReport: (report: PlayerReport) => void, onState: () => void, outlet?: Outlet) {
    this.#outlet = outlet;
    this.#onReport = onReport;
    this.#onState = onState;
  }

  /** Undefined until one was opened. */
  get player(): Player | undefined {
    return this.#player;
  }

  get volume(): number {
    return this.#volume;
  }

  set volume(value: number) {
    this.#volume = value;
    if (this.#player) this.#player.volume = value;
  }

  /** Call it from a press, before anything is waited for. One player, however often it is asked for while it opens. Throws `io`. */
  open(sampleRate: number, channels: number): Promise<Player> {
    if (this.#opening?.sampleRate === sampleRate && this.#opening.channels === channels) {
      this.#player?.unlock();
      return this.#opening.player;
    }
    void this.close();
    const open = async () => {
      const player = await Player.open({ sampleRate, channels, outlet: this.#outlet }, this.#onReport, this.#onState);
      player.volume = this.#volume;
      if (this.#opening === opening) this.#player = player;
      return player;
    };
    const opening = { sampleRate, channels, player: open() };
    this.#opening = opening;
    opening.player.catch(() => {
      if (this.#opening === opening) this.#opening = undefined; // the next press tries again
    });
    return opening.player;
  }

  async close(): Promise<void> {
    await this.#opening?.player.then(
      (player) => player.close(),
      () => {},
    );
  }
}
