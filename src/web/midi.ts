// For pages that fetch it with their first MIDI file: without the rest of the library, which would come with it.
export { writeMidi } from '../audio/midi.ts';
