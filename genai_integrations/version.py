"""The version, read from here when the package is built: to ask what is installed takes as long as half of the client."""

from __future__ import annotations

VERSION = "0.1.0"
