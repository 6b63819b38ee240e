// Work on whole clips that takes long: a thread of its own does it where the platform has one (Platform.aside).
export { levelled, matched } from './leveller.ts';
export { measureClip } from './measure.ts';
