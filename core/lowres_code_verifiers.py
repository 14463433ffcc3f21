"""The taskset of `lowres_code.adapters.verifiers`, where verifiers finds it: tasksets are modules at the top to it."""

from lowres_code.adapters.verifiers import ProgramsTaskset

__all__ = ["ProgramsTaskset"]
