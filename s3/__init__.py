"""Synthesis Step by Step: an LLM writes a training set for a small model."""

from s3.autoclasses import install

__version__ = "0.1.0"

install()
