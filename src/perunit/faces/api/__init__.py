"""perunit over HTTP: the doors, what they answer, and how the server says that it is well."""
