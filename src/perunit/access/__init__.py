"""Who is who, and what each may see and do."""
