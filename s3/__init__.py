"""Synthesis Step by Step: an LLM writes a training set for a small model."""

__version__ = "0.1.0"
