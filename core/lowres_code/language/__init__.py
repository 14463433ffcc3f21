"""What a language backend is, and the kinds that need no Python: see `lowres_code.language.base`."""
