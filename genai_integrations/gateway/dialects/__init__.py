"""How the gateway is spoken to: one module for each API, none of which knows another."""
