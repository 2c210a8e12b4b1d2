"""What computes and with whom: device, precision, processes of one run, threads and memory. Everything above it asks here."""
