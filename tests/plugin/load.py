"""load.py PLUGIN: Python loads the plug-in with ctypes and takes a gradient."""

import ctypes
import sys

slope = ctypes.CDLL(sys.argv[1]).slope
slope.restype = ctypes.c_double
slope.argtypes = [ctypes.c_double]
assert slope(3.0) == 6.0, slope(3.0)
