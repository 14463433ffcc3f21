"""The plugin system: `hookspecs` is its specification, this is its manager.

Built-ins and third parties are plugins alike. A third party's package names its module in the entry-point group
``lowres_code``; a plugin that cannot be loaded is kept in `PluginManager.failures` and does not take the program down.
"""
