"""Judging completions that somebody already has: files of any size, in constant memory."""
