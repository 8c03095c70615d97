"""What runs the code of a function: where the code is, and the program of each language."""
