"""lm-evaluation-harness: a task over a file of problems, judged by a filter; ``--include_path`` is this folder.

``python -m lowres_code.adapters.lm_eval`` prints the folder.
"""
