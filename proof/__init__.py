"""Proofs of what Stagewise promises about leads, from outside: what was sent and answered against what is stored."""
