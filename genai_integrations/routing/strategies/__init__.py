"""In which order the targets of one name are tried: a module for each strategy, which see the request and do no I/O.

`balancer.py` puts them together: `order` of a deployment and the preferred regions are heeded before any strategy, and
who wants to stay with one target (`sticky.py`) does so whatever the strategy says. A program's own strategy is given to
`routing_strategy` as it is.
"""
