"""The gateway: other programs and languages ask models through it, and hold no key of a provider."""
