"""Synthesis Step by Step: an LLM writes a training set for a small model."""
