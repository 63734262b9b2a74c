"""Pooling, padding, resizing: see figures.py."""
import torch
from torch import nn

from figures import layer, main, wave

# --- pooling
inputs = {1: wave(2, 2, 7), 2: wave(1, 2, 4, 5), 3: wave(1, 1, 3, 4, 3)}
for n, x in inputs.items():
    layer(f"MaxPool{n}d", getattr(nn, f"MaxPool{n}d")(2), x)
    layer(f"MaxPool{n}d options", getattr(nn, f"MaxPool{n}d")(2, stride=1, padding=1, dilation=2, ceil_mode=True), x)
    layer(f"AvgPool{n}d", getattr(nn, f"AvgPool{n}d")(2), x)
    layer(f"AvgPool{n}d options", getattr(nn, f"AvgPool{n}d")(3, stride=2, padding=1, ceil_mode=True, count_include_pad=False), x)
    layer(f"AdaptiveAvgPool{n}d", getattr(nn, f"AdaptiveAvgPool{n}d")(2), x)
    layer(f"AdaptiveMaxPool{n}d", getattr(nn, f"AdaptiveMaxPool{n}d")(3), x)
    values, indices = getattr(nn.functional, f"max_pool{n}d")(x, 2, return_indices=True)
    layer(f"MaxUnpool{n}d", getattr(nn, f"MaxUnpool{n}d")(2), values, indices)
    unpool = getattr(nn, f"MaxUnpool{n}d")(2)
    layer(f"MaxUnpool{n}d output_size", unpool, values, call=lambda v: unpool(v, indices, output_size=x.shape[2:]))
layer("AvgPool2d divisor_override", nn.AvgPool2d((2, 3), divisor_override=5), inputs[2])
layer("LPPool1d", nn.LPPool1d(2, 3, stride=2), inputs[1])
layer("LPPool2d", nn.LPPool2d(2, (2, 3)), inputs[2])
layer("LPPool2d p 3", nn.LPPool2d(3, 2, stride=1), inputs[2] + 2)


class LPPool3d(nn.Module):
    """As later versions of PyTorch have it: the root of the sum of powers."""

    def forward(self, x):
        return (nn.functional.avg_pool3d(x * x, 2) * 8).sqrt()


layer("LPPool3d", LPPool3d(), inputs[3])
layer("AdaptiveAvgPool2d sizes", nn.AdaptiveAvgPool2d((3, 2)), inputs[2])
layer("MaxPool2d without batch", nn.MaxPool2d((1, 2), stride=(2, 1)), wave(2, 3, 4))

# --- padding
lines, images, volumes = wave(1, 2, 4), wave(1, 2, 3, 3), wave(1, 1, 2, 3, 2)
layer("ConstantPad1d", nn.ConstantPad1d((1, 2), 1.5), lines)
layer("ConstantPad2d", nn.ConstantPad2d((1, 0, 2, 1), -0.5), images)
layer("ConstantPad3d", nn.ConstantPad3d((1, 0, 0, 1, 1, 0), 2.5), volumes)
layer("ZeroPad2d", nn.ZeroPad2d((0, 1, 2, 0)), images)
layer("ZeroPad2d one number", nn.ZeroPad2d(1), wave(2, 2, 2))
layer("ReflectionPad1d", nn.ReflectionPad1d((3, 1)), lines)
layer("ReflectionPad2d", nn.ReflectionPad2d((1, 2, 0, 1)), images)
layer("ReflectionPad3d", nn.ReflectionPad3d((1, 0, 2, 1, 0, 1)), volumes)
layer("ReplicationPad1d", nn.ReplicationPad1d((3, 1)), lines)
layer("ReplicationPad2d", nn.ReplicationPad2d((1, 2, 0, 1)), images)
layer("ReplicationPad3d", nn.ReplicationPad3d((1, 0, 2, 1, 0, 1)), volumes)


class Padded(nn.Module):
    """Layers that later versions of PyTorch have."""

    def __init__(self, widths, mode):
        super().__init__()
        self.widths, self.mode = widths, mode

    def forward(self, x):
        return nn.functional.pad(x, self.widths, mode=self.mode)


layer("CircularPad1d", Padded((3, 1), "circular"), lines)
layer("CircularPad2d", Padded((1, 2, 0, 1), "circular"), images)
layer("CircularPad3d", Padded((1, 0, 2, 1, 0, 1), "circular"), volumes)
layer("ZeroPad1d", Padded((1, 2), "constant"), lines)
layer("ZeroPad3d", Padded((1, 0, 0, 1, 1, 0), "constant"), volumes)

# --- other shapes
layer("Upsample nearest", nn.Upsample(scale_factor=2), lines)
layer("Upsample linear", nn.Upsample(size=6, mode="linear"), lines)
layer("Upsample bilinear", nn.Upsample(scale_factor=(2, 1.5), mode="bilinear"), images)
layer("Upsample bilinear align_corners", nn.Upsample(size=(4, 5), mode="bilinear", align_corners=True), images)
layer("Upsample bicubic", nn.Upsample(size=(4, 5), mode="bicubic"), images)
layer("Upsample trilinear", nn.Upsample(size=(3, 4, 3), mode="trilinear", align_corners=True), volumes)
layer("PixelShuffle", nn.PixelShuffle(2), wave(2, 4, 2, 3))
layer("PixelUnshuffle", nn.PixelUnshuffle(2), wave(2, 1, 4, 2))
shuffle = nn.ChannelShuffle(3)  # of which PyTorch 1.13 has no gradient
assert torch.equal(shuffle(wave(1, 6, 2)), wave(1, 6, 2).reshape(1, 3, 2, 2).transpose(1, 2).reshape(1, 6, 2))
layer("ChannelShuffle", shuffle, wave(1, 6, 2), call=lambda x: x.reshape(1, 3, 2, 2).transpose(1, 2).reshape(1, 6, 2))
layer("Unflatten", nn.Unflatten(1, (2, 3)), wave(2, 6, 2))
layer("Flatten", nn.Flatten(), wave(2, 2, 3))
layer("Flatten axes", nn.Flatten(0, 1), wave(2, 2, 3))

main()
