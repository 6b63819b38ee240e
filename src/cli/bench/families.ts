// The families at the paper's sizes (docs/system.md), where one exists, else at those of a small model.
import * as audio from './families_audio.ts';
import * as diffusion from './families_diffusion.ts';
import * as language from './families_language.ts';
import type { Named } from './measure.ts';

const COLUMNS = { segments: 80, columns: 64, dim: 768, window: 16 };

export const FAMILIES: readonly Named[] = [
  language.swigluCase('lm_prefill_swiglu', 262, 1024, 1024),
  language.ropeCase('lm_rope', 262, 16, 64),
  language.cachedAttentionCase('lm_cached_attention', 262, 16, 64),
  language.embeddingCase('lm_embedding', 1024, 1024, 262),
  language.sampleCase('lm_sample', 1024),
  language.meanCase('tower_mean', 250, 1024),
  language.noiseCase('noise_40k', 40_000),
  diffusion.segmentCase('dpd_segment', 2500, 768, 64),
  diffusion.sruScanCase('dpd_sru_scan', 80, 64, 256),
  diffusion.columnsCase('dpd_columns', COLUMNS),
  diffusion.columnsNormCase('dpd_columns_norm', COLUMNS),
  diffusion.filmCase('dpd_film', 80 * 64, 768),
  diffusion.anglesCase('dpd_angles', 2500, 768),
  diffusion.diffusionStepCase('dpd_step', 2500, 16),
  diffusion.ddpmStepCase('dpd_ddpm_step', 2500, 16),
  language.rvqCase('rvq_12x1024', 4, 12, 1024, 128),
  language.rvqDecodeCase('rvq_decode_12x1024', 4, 12, 1024, 128),
  audio.depthwiseCase('vae_depthwise_k7', 1000, 256, 7),
  audio.groupedConvCase('vae_grouped_k7', { length: 1000, from: 256, to: 256, kernel: 7, groups: 8 }),
  audio.groupNormCase('vae_group_norm', 1000, 256, 8),
  audio.snakeCase('vae_snake', 4096, 96),
  ...audio.activationCases('act_64k_', 65_536),
  audio.elementwiseCase('elementwise_64k', 65_536),
  audio.stftCase('stft_2048', 100, 2048, 480),
  audio.istftCase('istft_960', 200, 960),
  audio.polarCase('vae_polar', 1000, 481),
  audio.runningPhaseCase('vae_running_phase', 1000, 960, { lowest: 24, count: 60, bins: 40 }),
  audio.melCase('mel_128', { frames: 1000, bins: 1025, bands: 128 }),
  audio.peaksCase('chroma_12', { frames: 1000, bins: 1025, bands: 12 }),
  audio.risesCase('onset_rises', 250, 3, 2),
  audio.watchCase('watch_64k', 65_536),
];
