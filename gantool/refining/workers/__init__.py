"""Who computes the pieces of a job: this process, others on this machine, or a Ray cluster."""
