"""APIs that callers speak in place of the chat API: their requests as chats, and answers in their words. No I/O."""
