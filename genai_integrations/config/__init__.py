"""One configuration for everything: `genai.yaml`, and the files of LiteLLM's proxy, read into a client's arguments."""
