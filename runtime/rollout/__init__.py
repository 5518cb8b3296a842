"""Staged promotion: a share of the callers gets the candidate, and the evidence decides.

`assignment`, `difference`, `evidence`, `judgement` and `rollout` are pure; `document` is the file.
"""
