"""HTTP, once for all dialects: sockets, time-outs, decoding, and who may be connected to."""
