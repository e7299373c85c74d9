"""Looking after a store: check, backup and restore, archive and sweep, numbers, revisions, the audit log."""
