"""Amazon Bedrock: Converse, ConverseStream, and InvokeModel for embeddings."""
