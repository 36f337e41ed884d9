"""Files, threads and interrupts: what the operating system provides."""
