"""Trains a scikit-learn model, prunes it and writes it out as plain Python."""
