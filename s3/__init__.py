"""Synthesis Step by Step: an LLM writes a training set for a small model."""

import os

from s3.autoclasses import install

__version__ = "0.1.0"

install()

# Threads of torch and of the embedded LLM wait asleep: those that spin take the cores from each
# other as soon as anything else runs on the machine. Read when the libraries are loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
