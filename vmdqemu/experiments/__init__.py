"""Experiments: a lab of their own, real tools in it, and what they measured, with the means to doubt it."""
