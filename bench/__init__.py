"""What measures. Run `make bench`; results go to `bench/results/`."""
