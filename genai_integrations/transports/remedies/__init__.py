"""What a target does not take, and how to say a request to it otherwise."""
