"""What is known of models: who serves them, under which ids, with which limits, at what price."""
