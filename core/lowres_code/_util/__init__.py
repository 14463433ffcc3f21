"""What every part may use and none is about: files, TOML errors, progress, quiet libraries."""
