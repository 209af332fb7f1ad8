"""Schema changes, oldest first. A release never edits a version that has shipped."""
