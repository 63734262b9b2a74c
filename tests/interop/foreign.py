"""Files that other programs write, and of which only a part, or nothing, can be read here. Writes them into tests/data/foreign:

    python3 tests/interop/foreign.py tests/data/foreign

win64python2.npy is a file of NumPy's own tests (BSD licence); Debian: python3-numpy, python3-scipy, python3-torch.
"""
import io
import pathlib
import shutil
import sys
import zipfile

import numpy as np
import scipy.sparse
import torch

folder = pathlib.Path(sys.argv[1])
folder.mkdir(exist_ok=True)
x = np.arange(6.0).reshape(2, 3)

shutil.copy(pathlib.Path(np.__file__).parent / "lib/tests/data/win64python2.npy", folder)
np.savez(folder / "mixed.npz", names=np.array(["cat", "dog"]), x=x, objects=np.array([{"a": 1}], dtype=object),
         times=np.array(["2020-01-01"], dtype="M8[D]"), records=np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f4")]),
         count=np.array([7], dtype="u8"))
np.savez(folder / "complex.npz", z=np.array([1j]), x=x)
scipy.sparse.save_npz(folder / "sparse.npz", scipy.sparse.csr_matrix(np.array([[0.0, 2, 0], [3, 0, 0]])))
for name, method in (("lzma.npz", zipfile.ZIP_LZMA), ("bzip2.npz", zipfile.ZIP_BZIP2)):
    with zipfile.ZipFile(folder / name, "w") as archive:
        for member, compression in (("packed.npy", method), ("x.npy", zipfile.ZIP_DEFLATED)):
            content = io.BytesIO()
            np.save(content, x)
            archive.writestr(zipfile.ZipInfo(member), content.getvalue(), compress_type=compression)
        archive.writestr(zipfile.ZipInfo("README.txt"), "not an array")
torch.save({"weight": torch.ones(2)}, folder / "net.pt")
torch.save({"weight": torch.ones(2)}, folder / "legacy.pt", _use_new_zipfile_serialization=False)
