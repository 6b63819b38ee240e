// Writes the files of test/weights/verdict_files.ts into a folder, for tools/reference_verdicts.py.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { VERDICT_FILES } from '../test/weights/verdict_files.ts';

const [folder] = process.argv.slice(2);
if (!folder) throw new Error('usage: verdict_files.ts FOLDER');
mkdirSync(folder, { recursive: true });
for (const { id, bytes } of VERDICT_FILES) writeFileSync(join(folder, `${String(id).padStart(2, '0')}.safetensors`), bytes);
