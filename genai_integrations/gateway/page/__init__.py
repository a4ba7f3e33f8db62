"""The status page and its playground: what it shows (`html.py`), and who may see what (`views.py`)."""
