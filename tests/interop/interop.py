"""Models that move between PyTorch and xgrad as safetensors files, written and read here by the format's published specification:

    python3 tests/interop/interop.py write tests/data      # each model's state, and an input with its outputs
    python3 tests/interop/interop.py check FOLDER          # what xgrad wrote loads here and computes the same
    python3 tests/interop/interop.py run PROGRAM           # both ways through the test program

A model's weights stand in NAME_DTYPE.safetensors, under the names of state_dict; input and outputs in NAME_DTYPE.example.safetensors.
"""
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

import torch
from torch import nn

torch.set_num_threads(1)

DTYPES = {"F32": torch.float32, "F64": torch.float64, "I64": torch.int64}
TOLERANCES = {torch.float32: 1e-6, torch.float64: 1e-12}


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, t in tensors.items():
        dtype = next(key for key, value in DTYPES.items() if value == t.dtype)
        raw = t.detach().contiguous().numpy().tobytes()
        header[name] = {"dtype": dtype, "shape": list(t.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def read_safetensors(path):
    raw = path.read_bytes()
    length, = struct.unpack_from("<Q", raw)
    header, data = json.loads(raw[8:8 + length]), raw[8 + length:]
    header.pop("__metadata__", None)
    return {name: torch.frombuffer(bytearray(data[slice(*entry["data_offsets"])]), dtype=DTYPES[entry["dtype"]]).reshape(entry["shape"])
            for name, entry in header.items()}


class Cnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.conv2, self.bn2 = nn.Conv2d(4, 6, 3, stride=2, bias=False), nn.BatchNorm2d(6)
        self.fc = nn.Linear(6 * 3 * 3, 5)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        x = torch.relu(self.bn2(self.conv2(x)))
        return self.fc(torch.flatten(x, 1))


def encoder():
    layer = nn.TransformerEncoderLayer(8, 2, dim_feedforward=16, batch_first=True)
    return nn.TransformerEncoder(layer, 2, norm=nn.LayerNorm(8))


def mlp():
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))


# The model, its input, and how often it sees a batch in training before, which moves the running statistics.
MODELS = {
    "mlp": (mlp, (5, 4), 0),
    "lstm": (lambda: nn.LSTM(3, 4, num_layers=2, bidirectional=True), (5, 2, 3), 0),
    "encoder": (encoder, (2, 6, 8), 0),
    "cnn": (Cnn, (2, 2, 8, 8), 3),
}


def outputs_of(model, x):
    y = model(x)
    return [y] if torch.is_tensor(y) else [y[0], *y[1]]


def cases():
    for name in MODELS:
        for dtype in (torch.float32, torch.float64):
            yield name, dtype, f"{name}_f{torch.finfo(dtype).bits}"


def write(folder):
    for name, dtype, file in cases():
        make, shape, batches = MODELS[name]
        torch.manual_seed(7)
        model, x = make().to(dtype), torch.randn(shape, dtype=dtype)
        for _ in range(batches):
            model.train()(torch.randn(shape, dtype=dtype) * 2 + 0.5)
        with torch.no_grad():
            outputs = outputs_of(model.eval(), x)
        write_safetensors(folder / f"{file}.safetensors", model.state_dict())
        write_safetensors(folder / f"{file}.example.safetensors", {"input": x} | {f"output{i}": y for i, y in enumerate(outputs)})


def check(folder):
    for name, dtype, file in cases():
        model = MODELS[name][0]().to(dtype)
        model.load_state_dict(read_safetensors(folder / f"{file}.safetensors"), strict=True)
        example = read_safetensors(folder / f"{file}.example.safetensors")
        with torch.no_grad():
            outputs = outputs_of(model.eval(), example["input"])
        assert len(outputs) == len(example) - 1
        for i, y in enumerate(outputs):
            theirs = example[f"output{i}"]
            assert y.dtype == theirs.dtype == dtype and y.shape == theirs.shape, (file, i, y.shape, theirs.shape)
            error = ((y - theirs).abs() / theirs.abs().clamp(min=1)).max().item()
            assert error <= TOLERANCES[dtype], f"{file}: output {i} differs by {error}"
        print(f"{file}: {len(outputs)} outputs agree")


def run(program):
    with tempfile.TemporaryDirectory() as name:
        ours, theirs = pathlib.Path(name) / "pytorch", pathlib.Path(name) / "xgrad"
        ours.mkdir()
        theirs.mkdir()
        write(ours)
        subprocess.run([program, "-tc=interop:*"], check=True, env=os.environ | {"XGRAD_INTEROP_READ": str(ours), "XGRAD_INTEROP_WRITE": str(theirs)})
        check(theirs)


if __name__ == "__main__":
    command, argument = sys.argv[1:]
    {"write": write, "check": check, "run": run}[command](pathlib.Path(argument))
