"""Staged promotion: a share of the callers gets the candidate, and the evidence decides.

Pure: `assignment` (who gets it), `difference` (the test), `evidence` and `judgement` (of a stage),
`rollout` and `transitions` (of the whole). `document` is the file, `control` what a person does,
`observer` the steward's part.
"""
