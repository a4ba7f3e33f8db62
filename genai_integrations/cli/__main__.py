"""`python -m genai_integrations.cli`, where the `genai` script is not on the path."""

from __future__ import annotations

from genai_integrations.cli import main

main()
