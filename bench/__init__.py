"""What it costs to run, side by side with a floor and a peer. Ratios in one run; times depend on the machine."""
