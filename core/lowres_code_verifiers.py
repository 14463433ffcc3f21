"""The taskset of `lowres_code.adapters.verifiers`, where verifiers finds it: it knows tasksets by modules at the top."""

from lowres_code.adapters.verifiers import ProgramsTaskset

__all__ = ["ProgramsTaskset"]
