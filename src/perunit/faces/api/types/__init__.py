"""The types of the API for those who call it. Enters: its OpenAPI description. Leaves: TypeScript and Python, as text.

``python -m perunit.faces.api.types [--check]`` writes both; a test compares them with the routes.
"""
