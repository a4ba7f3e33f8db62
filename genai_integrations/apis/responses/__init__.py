"""OpenAI's Responses API, as it is spoken to a gateway and to a client of OpenAI's SDK in the process."""
