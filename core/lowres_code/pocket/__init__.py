"""The embedded base model ``pocket``, and the builder that builds it.

``model/`` holds the weights and the tokenizer that ship with the package. ``build`` makes them again from a seed:
``ideas`` reads a reasoning-gym problem into what its solution needs, ``dialects/`` writes that down in each language
(with the mistakes that people make in it), ``corpus`` mixes plenty of Python with a little, mostly broken text in the
scarce languages.
"""
