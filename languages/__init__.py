"""The built-in language backends; each is a plugin like any third party's."""
