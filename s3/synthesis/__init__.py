"""Synthesis: prompts go to the LLM, new examples come back, what is dropped is counted."""

from s3.synthesis.extrapolation import extrapolate
from s3.synthesis.labelling import labelled
from s3.synthesis.rationales import rationales_of
from s3.synthesis.seeds import seed_data
from s3.synthesis.writing import ATTEMPTS, SEED_ATTEMPTS, Place, SynthesisedSet, drawn_place, write

__all__ = [
    "ATTEMPTS",
    "SEED_ATTEMPTS",
    "Place",
    "SynthesisedSet",
    "drawn_place",
    "extrapolate",
    "labelled",
    "rationales_of",
    "seed_data",
    "write",
]
