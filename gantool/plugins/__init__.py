"""The plugins of this process: found, loaded one by one, checked, and looked up. No torch."""

from .registry import VARIABLE, Part, PluginInfo, Provided, Registry, load_plugins

__all__ = ["VARIABLE", "Part", "PluginInfo", "Provided", "Registry", "load_plugins"]
