"""Readable rules for what they are sure of, a trained model for the rest."""
