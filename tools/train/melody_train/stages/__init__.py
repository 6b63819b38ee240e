"""One file a training stage; each exports run(config, paths)."""
