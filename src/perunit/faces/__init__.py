"""How a person or a program reaches perunit. Enters: what was asked. Leaves: text, tables, JSON, files."""
