"""Bedrock's Converse, its event streams, its signatures, and embeddings."""
