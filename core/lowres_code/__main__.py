"""``python -m lowres_code``."""

from lowres_code.cli import main

main()
