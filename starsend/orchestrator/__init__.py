"""The paid steps and the ledger they are written to."""
