"""Answers to questions that say the same in other words.

A question's vector finds kept questions that may say the same, and a verifier decides (`verifier.py`): vectors alone
cannot tell `enable` from `disable`. `store.py` keeps the answers; `routing/similar_answers.py` says which calls may have one.
"""
