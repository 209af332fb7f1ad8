"""Pure picture functions: is it a grid, cut a cell, compose a sheet."""
