"""Convolutions: see figures.py."""
from torch import nn

from figures import layer, main, wave

layer("Conv1d", nn.Conv1d(2, 3, 3), wave(2, 2, 5))
layer("Conv1d options", nn.Conv1d(4, 2, 2, stride=2, padding=1, dilation=2, groups=2, bias=False), wave(1, 4, 7))
layer("Conv1d same", nn.Conv1d(2, 2, 4, padding="same"), wave(2, 2, 5))
layer("Conv1d valid", nn.Conv1d(1, 1, 2, padding="valid"), wave(1, 1, 4))
layer("Conv1d reflect", nn.Conv1d(1, 2, 3, padding=2, padding_mode="reflect"), wave(1, 1, 4))
layer("Conv1d without batch", nn.Conv1d(2, 1, 2, padding=1, padding_mode="reflect"), wave(2, 4))
layer("Conv2d", nn.Conv2d(2, 3, 2), wave(2, 2, 3, 4))
layer("Conv2d options", nn.Conv2d(2, 4, (3, 2), stride=(1, 2), padding=(2, 1), dilation=(2, 1), groups=2), wave(1, 2, 3, 4))
layer("Conv2d same", nn.Conv2d(1, 2, (2, 3), padding="same", dilation=(1, 2)), wave(1, 1, 3, 5))
for mode in ("reflect", "replicate", "circular"):
    layer(f"Conv2d {mode}", nn.Conv2d(1, 1, 3, padding=(1, 2), padding_mode=mode), wave(1, 1, 3, 4))
layer("Conv2d same circular", nn.Conv2d(1, 1, 2, padding="same", padding_mode="circular"), wave(1, 1, 3, 3))
layer("Conv2d without batch", nn.Conv2d(2, 2, 3, padding=1), wave(2, 2, 3))
layer("Conv3d", nn.Conv3d(1, 2, 2), wave(1, 1, 2, 3, 3))
layer("Conv3d options", nn.Conv3d(2, 2, (1, 2, 3), stride=(1, 2, 1), padding=(0, 1, 1), groups=2, padding_mode="replicate"), wave(1, 2, 2, 3, 2))
layer("ConvTranspose1d", nn.ConvTranspose1d(2, 3, 3), wave(2, 2, 3))
layer("ConvTranspose1d options", nn.ConvTranspose1d(4, 2, 3, stride=3, padding=1, output_padding=2, groups=2, bias=False, dilation=2), wave(1, 4, 3))
layer("ConvTranspose2d", nn.ConvTranspose2d(2, 1, 2), wave(2, 2, 2, 3))
layer("ConvTranspose2d options", nn.ConvTranspose2d(2, 2, (3, 2), stride=(2, 1), padding=(1, 0), output_padding=(1, 0), groups=2), wave(1, 2, 2, 3))
layer("ConvTranspose3d", nn.ConvTranspose3d(1, 2, 2), wave(1, 1, 1, 2, 2))
layer("ConvTranspose3d options", nn.ConvTranspose3d(2, 2, (1, 2, 2), stride=(1, 2, 1), groups=2, output_padding=(0, 1, 0), dilation=(1, 2, 1)), wave(1, 2, 1, 2, 2))

main()
