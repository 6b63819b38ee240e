"""Stage `export`: checkpoints -> weights/NAME/ (config.json, safetensors, index, tokenizer.json, manifest.json)."""

from ..export import collect, load_exported, write


def run(c, paths):
    config, states = collect(c, paths)
    card = paths.weights / 'README.md'
    size = write(paths.weights, config, states, paths.runs / 'tokenizer.json', shards=c['name'] != 'melody-tiny')
    load_exported(paths.weights)  # every tensor has its place
    if not card.exists():
        print(f'export: {card} (model card) is not written yet')
    print(f'export: {paths.weights}, {size / 2**20:.2f} MiB')
