"""The torch side: training runs, checkpoints, trained networks, refining a data set."""
