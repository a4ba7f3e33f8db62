"""A pytest plugin: one module is imported with one piece of its source changed.

The change is in the variable `MUTANT`, as JSON with `module`, `before` and `after`.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import json
import os
import sys


class _Changed(importlib.machinery.SourceFileLoader):
    """Compiles the changed source, past the cache of compiled files."""

    def __init__(self, name, path, before, after):
        super().__init__(name, path)
        self._change = before, after

    def get_code(self, fullname):
        source = self.get_source(fullname)
        before, after = self._change
        assert source.count(before) == 1, f"{fullname} must have {before!r} exactly once"
        return compile(source.replace(before, after), self.path, "exec", dont_inherit=True)


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, module, before, after):
        self._module, self._change = module, (before, after)

    def find_spec(self, fullname, path, target=None):
        if fullname != self._module:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        spec.loader = _Changed(fullname, spec.origin, *self._change)
        return spec


if "MUTANT" in os.environ:
    sys.meta_path.insert(0, _Finder(**json.loads(os.environ["MUTANT"])))
