export default {
  base: './',
  // The development server keeps the player's worker and worklet beside it.
  optimizeDeps: { exclude: ['melody'] },
  worker: { format: 'es' },
  // A worklet as a data: address would be refused under a strict content security policy.
  build: { outDir: 'build', assetsInlineLimit: 0 },
};
