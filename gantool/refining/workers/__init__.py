"""Who computes the parts of a job: this process, others on this machine, or a Ray cluster."""
