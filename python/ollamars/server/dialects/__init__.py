"""What the server speaks: one package for each API, one module for each route."""
