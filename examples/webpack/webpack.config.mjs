import { copyFileSync } from 'node:fs';

export default {
  mode: 'production',
  entry: './main.js',
  output: { path: `${import.meta.dirname}/build`, filename: 'main.js', clean: true },
  plugins: [
    {
      apply(compiler) {
        compiler.hooks.done.tap('page', () => copyFileSync('index.html', 'build/index.html'));
      },
    },
  ],
};
