"""What comes in. Enters: files. Leaves: validated, deduplicated events, and what was refused with its reason."""
