"""From a model's name to an answer: which targets serve it, which attempt comes next, and what was tried."""
