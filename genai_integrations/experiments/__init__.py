"""Models and prompts compared on the same inputs, with scores, costs and an honest verdict.

from genai_integrations import compare
from genai_integrations.experiments import exact

comparison = compare(["gpt-4o-mini", "gpt-4o"], [{"input": "2+2=", "expected": "4"}], evaluators=exact())
"""

from __future__ import annotations

from genai_integrations.experiments.comparing import acompare, compare, estimate
from genai_integrations.experiments.comparison import Comparison
from genai_integrations.experiments.costs import Estimate
from genai_integrations.experiments.datasets import dataset
from genai_integrations.experiments.evaluators import Evaluator, exact, json_schema, regex
from genai_integrations.experiments.items import Item
from genai_integrations.experiments.judge import llm_judge
from genai_integrations.experiments.results import Candidate, Result, Score
from genai_integrations.experiments.summary import Summary
from genai_integrations.experiments.wins import Wins

__all__ = [
    "Candidate",
    "Comparison",
    "Estimate",
    "Evaluator",
    "Item",
    "Result",
    "Score",
    "Summary",
    "Wins",
    "acompare",
    "compare",
    "dataset",
    "estimate",
    "exact",
    "json_schema",
    "llm_judge",
    "regex",
]
