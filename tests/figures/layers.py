"""Layers that need no sequence: see figures.py."""
from torch import nn

from figures import layer, main, wave

layer("Linear", nn.Linear(4, 3), wave(2, 5, 4))
layer("Linear without bias", nn.Linear(4, 3, bias=False), wave(2, 4))

main()
