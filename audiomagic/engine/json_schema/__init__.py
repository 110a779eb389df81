"""JSON schemas, as llama.cpp's grammar can follow them and a small model can end them."""
