"""The manual: pages people wrote (`workbench/manual/`) and a reference made from the code."""
