// The piece that a session plays: its beats, what is kept of its samples, and where in it the player is.

import type { BeatMark } from '../audio/beats.ts';
import { lengthOf } from '../audio/channels.ts';
import type { Region } from '../pipeline/options.ts';
import { Lap } from './lap.ts';
import { Recording } from './recording.ts';

export class PlayedPiece {
  /** Hz */
  readonly sampleRate: number;
  /** What is kept of it; undefined where nothing is. */
  readonly recording: Recording | undefined;
  /** Tempo, metre and key along it, as far as it is made. */
  beats: BeatMark[] = [];
  /** The part that is heard again and again, in its seconds. */
  region: Region | undefined;
  /** Sample that the player began with. */
  from = 0;
  /** The region, or all of it, while that plays again and again. */
  lap: Lap | undefined;
  /** Is it all of it? */
  round = false;

  constructor(sampleRate: number, keep: boolean) {
    this.sampleRate = sampleRate;
    this.recording = keep ? new Recording(sampleRate) : undefined;
  }

  /** The sample that is heard when the player has played so many, of which none follows where it is `over`. */
  heard(played: number, over: boolean): number {
    return this.lap?.placeAfter(this.from, played, over) ?? this.from + played;
  }

  /** All of it was made, and the player has it: from its end on it begins again. Nothing changes where nothing is kept, or its beginning is not. */
  goRound(): void {
    const audio = this.lap ? undefined : this.recording?.audio();
    if (!audio || audio.startSeconds > 0) return;
    this.lap = Lap.of(audio, { start: 0, end: lengthOf(audio.channels) / audio.sampleRate });
    this.round = this.lap !== undefined;
    this.lap?.from(this.from);
  }

  /** Goes to a second of it, within the region where there is one; what the player is to begin with, or undefined where nothing is kept. */
  goTo(seconds: number): readonly Float32Array[] | undefined {
    const audio = this.recording?.audio();
    if (!audio) return undefined;
    const { channels, sampleRate, startSeconds } = audio;
    const kept = Math.round(startSeconds * sampleRate);
    this.lap = this.region && Lap.of(audio, this.region);
    this.round = false;
    const at = Math.max(0, Math.min(lengthOf(channels), Math.round(seconds * sampleRate) - kept));
    const lap = this.lap?.from(kept + at);
    this.from = lap?.at ?? kept + at;
    return lap?.channels ?? channels.map((channel) => channel.subarray(at));
  }
}
