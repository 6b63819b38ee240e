"""python tools/train/evaluate.py --weights weights/melody-small --data DIR --probes DIR: see melody_train/evaluate.py."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from melody_train.evaluate import main

if __name__ == '__main__':
    main()
