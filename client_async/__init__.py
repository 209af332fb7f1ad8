"""Event-driven orchestration of client sequences. Everything that waits lives here."""
