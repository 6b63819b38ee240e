"""One file a network. The TypeScript engine mirrors these files one to one; weights/FORMAT.md holds the formulas."""
