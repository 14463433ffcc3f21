"""What a training run leaves on disk; reading it needs no torch."""
