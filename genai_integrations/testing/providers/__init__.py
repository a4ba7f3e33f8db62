"""The wire dialects of the scripted provider: what each one takes, refuses and answers."""
