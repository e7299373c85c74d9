"""The annotation database as a folder of JSON files."""
