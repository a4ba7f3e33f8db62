"""OpenAI's Responses API: `items` and `requests` say what is asked, `output` and `events` what is answered."""
