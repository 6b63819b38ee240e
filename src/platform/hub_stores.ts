/** Where huggingface.co keeps large files: it sends who asks for them there. */
export const HUB_STORES: readonly string[] = [
  'cdn-lfs.huggingface.co',
  'cdn-lfs.hf.co',
  'cdn-lfs-us-1.hf.co',
  'cdn-lfs-eu-1.hf.co',
  'cas-bridge.xethub.hf.co',
];
